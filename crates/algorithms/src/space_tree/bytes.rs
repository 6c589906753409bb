//! Rows in single bytes: a quarter of the memory and of the work, where the processor multiplies bytes.
//!
//! Coordinates are rounded to whole steps. How far rounding moves a row is known exactly, so the filter widens every
//! reach by that much and keeps nothing out; sums of whole numbers are exact.

use super::kernel::{LANES, QUERIES};

/// Coordinates taken together by one instruction.
const GROUP: usize = 4;
/// Farthest step from 0.
const STEPS: f32 = 127.0;
/// A block moved farther than this many steps for each axis' root is looked at in single precision instead.
const MOVED_MAX: f32 = 1.0;

/// Whether the processor multiplies bytes.
pub(super) fn are_fast() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512vnni")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// 32 rows: four coordinates of each side by side.
type Group = [[i8; GROUP]; LANES];

/// All rows in bytes, by block.
pub(super) struct Bytes {
    step: f32,
    groups: usize,
    values: Vec<Group>,
    /// For each row its squared norm plus 256 times the sum of its coordinates, in steps.
    offsets: Vec<[i32; LANES]>,
    /// Blocks not to be looked at in bytes: rounding would move some row too far.
    refused: Vec<bool>,
    /// How far rounding moves a row of the others at most, in steps.
    moved: f32,
}

/// Four queries in bytes.
pub(super) struct ByteQueries {
    /// Coordinates from 0 to 255, by group.
    values: Vec<[[u8; GROUP]; QUERIES]>,
    /// Squared norm of each query, in steps.
    norms: [i32; QUERIES],
    /// How far rounding moved each, in steps.
    moved: [f32; QUERIES],
}

impl Bytes {
    /// Rounds the rows, given one after the other with `columns` coordinates each. The step is that which suits the
    /// rows before `strays`.
    pub(super) fn new(rows: &[f32], columns: usize, strays: usize) -> Self {
        let widest = rows[..(strays * LANES * columns).min(rows.len())].iter().fold(0.0f32, |w, v| w.max(v.abs()));
        let step = if widest > 0.0 { widest / STEPS } else { 1.0 };
        let (blocks, groups) = (rows.len().div_ceil(LANES * columns), columns.div_ceil(GROUP));
        let mut bytes = Self {
            step,
            groups,
            values: vec![[[0; GROUP]; LANES]; blocks * groups],
            offsets: vec![[i32::MAX / 2; LANES]; blocks],
            refused: vec![false; blocks],
            moved: 0.0,
        };
        let mut moved_of = vec![0.0f32; blocks];
        for (i, row) in rows.chunks_exact(columns).enumerate() {
            let (block, lane) = (i / LANES, i % LANES);
            let (mut norm, mut sum, mut moved) = (0, 0, 0.0f64);
            for (column, value) in row.iter().enumerate() {
                let rounded = (value / step).round().clamp(-STEPS, STEPS);
                moved += (f64::from(value / step) - f64::from(rounded)).powi(2);
                bytes.values[block * groups + column / GROUP][lane][column % GROUP] = rounded as i8;
                norm += rounded as i32 * rounded as i32;
                sum += rounded as i32;
            }
            bytes.offsets[block][lane] = norm + 256 * sum;
            moved_of[block] = moved_of[block].max(moved.sqrt() as f32 * (1.0 + 1e-4));
        }
        let moved_max = MOVED_MAX * (columns as f32).sqrt();
        for (refused, moved) in bytes.refused.iter_mut().zip(moved_of) {
            *refused = moved > moved_max;
            bytes.moved = if *refused { bytes.moved } else { bytes.moved.max(moved) };
        }
        bytes
    }

    /// Queries by their coordinates, one array a column; none if rounding would move one too far.
    pub(super) fn queries(&self, coordinates: &[[f32; QUERIES]]) -> Option<ByteQueries> {
        let mut queries = ByteQueries {
            values: vec![[[128; GROUP]; QUERIES]; self.groups],
            norms: [0; QUERIES],
            moved: [0.0; QUERIES],
        };
        let mut moved = [0.0f64; QUERIES];
        for (column, at) in coordinates.iter().enumerate() {
            for (q, value) in at.iter().enumerate() {
                let rounded = (value / self.step).round().clamp(-STEPS, STEPS);
                moved[q] += (f64::from(value / self.step) - f64::from(rounded)).powi(2);
                queries.values[column / GROUP][q][column % GROUP] = (rounded as i32 + 128) as u8;
                queries.norms[q] += rounded as i32 * rounded as i32;
            }
        }
        queries.moved = moved.map(|moved| moved.sqrt() as f32 * (1.0 + 1e-4));
        let moved_max = MOVED_MAX * (coordinates.len() as f32).sqrt();
        queries.moved.iter().all(|moved| *moved <= moved_max).then_some(queries)
    }

    /// The limit that [`within`](Self::within) takes for a query's reach, given as a distance; negative finds nothing.
    pub(super) fn limit(&self, queries: &ByteQueries, q: usize, reach: f32) -> i32 {
        if reach < 0.0 {
            return i32::MIN / 2;
        }
        let steps = reach / self.step * (1.0 + 1e-5) + self.moved + queries.moved[q];
        // Rounded up. Beyond this all rows are within, and the sum would overflow.
        (steps * steps).min(1e9) as i32 + 1 - queries.norms[q]
    }

    /// For each query a bit for each row of the block that may lie within its reach; nothing if the block is not to be
    /// looked at in bytes.
    pub(super) fn within(
        &self,
        block: usize,
        queries: &ByteQueries,
        limits: &[i32; QUERIES],
    ) -> Option<[u32; QUERIES]> {
        if self.refused[block] {
            return None;
        }
        let values = &self.values[block * self.groups..][..self.groups];
        #[cfg(target_arch = "x86_64")]
        if are_fast() {
            // SAFETY: the processor was just seen to have the features.
            return Some(unsafe { vnni::within(values, &self.offsets[block], &queries.values, limits) });
        }
        Some(portable(values, &self.offsets[block], &queries.values, limits))
    }
}

/// The same without the instruction: for machines that lack it, and to check it.
fn portable(
    rows: &[Group],
    offsets: &[i32; LANES],
    queries: &[[[u8; GROUP]; QUERIES]],
    limits: &[i32; QUERIES],
) -> [u32; QUERIES] {
    std::array::from_fn(|q| {
        (0..LANES).fold(0, |bits, lane| {
            let pairs = rows.iter().zip(queries).flat_map(|(row, query)| row[lane].iter().zip(&query[q]));
            let sum: i32 = pairs.map(|(row, query)| i32::from(*row) * i32::from(*query)).sum();
            bits | u32::from(offsets[lane] - 2 * sum <= limits[q]) << lane
        })
    })
}

#[cfg(target_arch = "x86_64")]
mod vnni {
    use std::arch::x86_64::{
        __m512i, _mm512_cmple_epi32_mask, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_set1_epi32,
        _mm512_setzero_si512, _mm512_slli_epi32, _mm512_sub_epi32,
    };

    use super::{GROUP, Group, LANES, QUERIES};

    #[target_feature(enable = "avx512f,avx512vnni")]
    pub(super) fn within(
        rows: &[Group],
        offsets: &[i32; LANES],
        queries: &[[[u8; GROUP]; QUERIES]],
        limits: &[i32; QUERIES],
    ) -> [u32; QUERIES] {
        let mut sums = [[_mm512_setzero_si512(); 2]; QUERIES];
        for (values, at) in rows.iter().zip(queries) {
            // SAFETY: a group is 128 bytes, two times 64.
            let (low, high) = unsafe {
                let start = values.as_ptr().cast::<__m512i>();
                (_mm512_loadu_si512(start), _mm512_loadu_si512(start.add(1)))
            };
            for (sums, at) in sums.iter_mut().zip(at) {
                let at = _mm512_set1_epi32(i32::from_le_bytes(*at));
                sums[0] = _mm512_dpbusd_epi32(sums[0], at, low);
                sums[1] = _mm512_dpbusd_epi32(sums[1], at, high);
            }
        }
        // SAFETY: 32 numbers are two times 16.
        let offsets = unsafe {
            let start = offsets.as_ptr().cast::<__m512i>();
            [_mm512_loadu_si512(start), _mm512_loadu_si512(start.add(1))]
        };
        let mut found = [0; QUERIES];
        for ((found, sums), limit) in found.iter_mut().zip(sums).zip(limits) {
            let limit = _mm512_set1_epi32(*limit);
            let near = |i: usize| {
                let beyond = _mm512_sub_epi32(offsets[i], _mm512_slli_epi32::<1>(sums[i]));
                u32::from(_mm512_cmple_epi32_mask(beyond, limit))
            };
            *found = near(0) | near(1) << 16;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 64 rows of 5 coordinates, and their squared distance to four of them.
    fn rows() -> Vec<f32> {
        (0..320).map(|i| ((i * 7919 % 1013) as f32 / 1013.0 - 0.5) * 3.0).collect()
    }

    #[test]
    fn nothing_within_reach_is_kept_out_and_little_else_let_through() {
        let rows = rows();
        let bytes = Bytes::new(&rows, 5, 2);
        let at: Vec<[f32; QUERIES]> = (0..5).map(|c| std::array::from_fn(|q| rows[q * 9 * 5 + c])).collect();
        let queries = bytes.queries(&at).unwrap();
        let reach = [0.9, 1.3, -1.0, 1e20];
        for block in 0..2 {
            let limits = std::array::from_fn(|q| bytes.limit(&queries, q, reach[q]));
            let found = bytes.within(block, &queries, &limits).unwrap();
            for (q, found) in found.iter().enumerate() {
                for lane in 0..LANES {
                    let row = &rows[(block * LANES + lane) * 5..][..5];
                    let apart = row.iter().zip(&at).map(|(v, at)| (v - at[q]) * (v - at[q])).sum::<f32>().sqrt();
                    let bit = found >> lane & 1 == 1;
                    assert!(bit || apart > reach[q], "row {lane} at {apart} was missed");
                    assert!(!bit || apart <= reach[q] + 0.06, "row {lane} at {apart} was let through");
                }
            }
        }
    }

    #[test]
    fn the_instruction_does_what_it_stands_for() {
        let bytes = Bytes::new(&rows(), 5, 2);
        let at: Vec<[f32; QUERIES]> = (0..5).map(|c| [0.1 * c as f32, -1.0, 0.4, 1.49]).collect();
        let queries = bytes.queries(&at).unwrap();
        let limits = std::array::from_fn(|q| 30_000 - queries.norms[q]);
        let expected = portable(&bytes.values[..2], &bytes.offsets[0], &queries.values, &limits);
        assert_ne!(expected, [0; QUERIES]);
        #[cfg(target_arch = "x86_64")]
        if are_fast() {
            // SAFETY: the processor was just seen to have the features.
            let found = unsafe { vnni::within(&bytes.values[..2], &bytes.offsets[0], &queries.values, &limits) };
            assert_eq!(found, expected);
        }
    }
}
