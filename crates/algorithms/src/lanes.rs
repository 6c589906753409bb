//! Several rows side by side: a block holds 16 rows column by column, so that one instruction works on many of them.
//!
//! The loops are compiled for several vector widths and the widest that the processor has is taken at run time.
//! Products and sums are not fused, so every width gives the same bits.

use multiversion::multiversion;
use ndarray::{Array2, ArrayView2, Axis, CowArray, Ix2};
use rayon::prelude::*;

use crate::input::Real;
use crate::watch::{Interrupted, Progress, Watch};

/// Rows of one block: two of the widest vectors of `f64`.
pub(crate) const LANES: usize = 16;
/// Points whose distances to a block are summed in one go: enough independent sums to hide the latency of an addition.
const TOGETHER: usize = 4;

/// Rows copied between two calls of the watch.
const ROWS_PER_COPY: usize = 256;

/// The values of one column for all rows of a block.
pub(crate) type Lane = [f64; LANES];

/// Rows stored one after the other.
#[derive(Clone, Copy)]
pub(crate) struct RowMajor<'a, F> {
    pub(crate) values: &'a [F],
    pub(crate) columns: usize,
}

/// The matrix with its rows stored one after the other: itself, or a copy made on all threads.
pub(crate) fn row_after_row<'a, F: Real>(
    x: ArrayView2<'a, F>,
    watch: &dyn Watch,
) -> Result<CowArray<'a, F, Ix2>, Interrupted> {
    if x.is_standard_layout() {
        return Ok(x.into());
    }
    let progress = Progress::new(watch, x.nrows() as u64);
    let mut copy = Array2::from_elem(x.dim(), F::default());
    let rows = x.axis_chunks_iter(Axis(0), ROWS_PER_COPY).into_par_iter();
    copy.axis_chunks_iter_mut(Axis(0), ROWS_PER_COPY).into_par_iter().zip(rows).try_for_each(|(mut to, from)| {
        to.assign(&from);
        progress.advance(from.nrows() as u64)
    })?;
    Ok(copy.into())
}

impl<'a, F: Real> RowMajor<'a, F> {
    pub(crate) fn rows(self) -> usize {
        self.values.len() / self.columns
    }

    #[inline(always)]
    pub(crate) fn row(self, row: usize) -> &'a [F] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// Asks for a row to be brought into the cache, so that it is there by the time it is read.
    #[inline(always)]
    pub(crate) fn fetch(self, row: usize) {
        #[cfg(target_arch = "x86_64")]
        for line in self.row(row).chunks(64 / size_of::<F>()) {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: every x86-64 processor has the instruction, and it reads nothing that the program could see.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = row;
    }

    /// Rows from `start` to before `end`.
    pub(crate) fn part(self, start: usize, end: usize) -> Self {
        Self { values: &self.values[start * self.columns..end * self.columns], columns: self.columns }
    }

    /// Copies the rows named, at least one and at most [`LANES`], into `block`; the last one fills what is left over.
    pub(crate) fn gather(self, mut rows: impl Iterator<Item = usize>, block: &mut Vec<Lane>) {
        block.resize(self.columns, [0.0; LANES]);
        let mut last = rows.next().unwrap_or(0);
        for lane in 0..LANES {
            for (values, value) in block.iter_mut().zip(self.row(last)) {
                values[lane] = value.to_f64();
            }
            last = rows.next().unwrap_or(last);
        }
    }
}

/// The two points nearest to each row of a block.
pub(crate) struct NearestTwo {
    /// Index of the nearest point, a whole number; of equally near ones the first.
    pub(crate) point: Lane,
    /// Squared distance to it.
    pub(crate) nearest: Lane,
    /// Squared distance to the next one; infinite if there is only one point.
    pub(crate) second: Lane,
}

impl NearestTwo {
    /// Takes note of the next point. Selections instead of branches, so that all rows are handled at once.
    #[inline(always)]
    fn offer(&mut self, index: f64, squared: &Lane) {
        let Self { point, nearest, second } = *self;
        for lane in 0..LANES {
            self.point[lane] = if squared[lane] < nearest[lane] { index } else { point[lane] };
        }
        for lane in 0..LANES {
            let loser = if squared[lane] < nearest[lane] { nearest[lane] } else { squared[lane] };
            self.second[lane] = if loser < second[lane] { loser } else { second[lane] };
        }
        for lane in 0..LANES {
            self.nearest[lane] = if squared[lane] < nearest[lane] { squared[lane] } else { nearest[lane] };
        }
    }
}

/// Four points out of a group of so many.
#[inline(always)]
fn four(group: &[f64], columns: usize) -> [&[f64]; TOGETHER] {
    std::array::from_fn(|point| &group[point * columns..][..columns])
}

/// Squared distances of the rows of a block to some points, given by all their values.
#[inline(always)]
fn squared_to<const N: usize>(block: &[Lane], points: [&[f64]; N]) -> [Lane; N] {
    let points = points.map(|point| &point[..block.len()]);
    let mut sums = [[0.0; LANES]; N];
    for (column, values) in block.iter().enumerate() {
        for (sum, point) in sums.iter_mut().zip(points) {
            let at = point[column];
            for (sum, value) in sum.iter_mut().zip(values) {
                let difference = *value - at;
                *sum += difference * difference;
            }
        }
    }
    sums
}

/// Squared distances of the rows of a block to every point: `out[p]` for point `p`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
pub(crate) fn squared_distances(block: &[Lane], points: &[f64], out: &mut [Lane]) {
    let columns = block.len();
    for (group, out) in points.chunks(TOGETHER * columns).zip(out.chunks_mut(TOGETHER)) {
        if let Some(out) = out.as_chunks_mut::<TOGETHER>().0.first_mut() {
            *out = squared_to(block, four(group, columns));
            continue;
        }
        for (point, out) in group.chunks_exact(columns).zip(out) {
            [*out] = squared_to(block, [point]);
        }
    }
}

/// The two points nearest to each row of a block.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
pub(crate) fn nearest_two(block: &[Lane], points: &[f64]) -> NearestTwo {
    let columns = block.len();
    let mut found = NearestTwo { point: [0.0; LANES], nearest: [f64::INFINITY; LANES], second: [f64::INFINITY; LANES] };
    let mut index = 0.0;
    let mut groups = points.chunks_exact(TOGETHER * columns);
    for group in groups.by_ref() {
        for sums in &squared_to(block, four(group, columns)) {
            found.offer(index, sums);
            index += 1.0;
        }
    }
    for point in groups.remainder().chunks_exact(columns) {
        found.offer(index, &squared_to(block, [point])[0]);
        index += 1.0;
    }
    found
}

/// Sums of one row that run side by side.
const WIDTH: usize = 8;

#[inline(always)]
fn total(sums: [f64; WIDTH]) -> f64 {
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Inner product of one row with coefficients.
#[inline(always)]
pub(crate) fn dot(row: &[f64], coefficients: &[f64]) -> f64 {
    let mut sums = [0.0; WIDTH];
    let (rows, row_rest) = row.as_chunks::<WIDTH>();
    let (parts, rest) = coefficients.as_chunks::<WIDTH>();
    for (values, part) in rows.iter().zip(parts) {
        for lane in 0..WIDTH {
            sums[lane] += values[lane] * part[lane];
        }
    }
    for ((sum, value), coefficient) in sums.iter_mut().zip(row_rest).zip(rest) {
        *sum += value * coefficient;
    }
    total(sums)
}

/// Squared distance of one row to a point.
#[inline(always)]
pub(crate) fn squared_distance<F: Real>(row: &[F], point: &[f64]) -> f64 {
    let mut sums = [0.0; WIDTH];
    let (rows, row_rest) = row.as_chunks::<WIDTH>();
    let (points, point_rest) = point.as_chunks::<WIDTH>();
    for (values, at) in rows.iter().zip(points) {
        for lane in 0..WIDTH {
            let difference = values[lane].to_f64() - at[lane];
            sums[lane] += difference * difference;
        }
    }
    for (lane, (value, at)) in row_rest.iter().zip(point_rest).enumerate() {
        let difference = value.to_f64() - *at;
        sums[lane] += difference * difference;
    }
    total(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_agree_with_single_rows(
            values in prop::collection::vec(-9.0..9.0f64, 11 * 7), points in prop::collection::vec(-9.0..9.0f64, 6 * 7),
        ) {
            let rows = RowMajor { values: &values, columns: 7 };
            let mut block = Vec::new();
            rows.gather(0..11, &mut block);
            let found = nearest_two(&block, &points);
            let mut all = [[0.0; LANES]; 6];
            squared_distances(&block, &points, &mut all);
            for row in 0..11 {
                let mut one: Vec<f64> =
                    points.chunks(7).map(|point| squared_distance(rows.row(row), point)).collect();
                for (point, squared) in one.iter().enumerate() {
                    prop_assert!((squared - all[point][row]).abs() < 1e-9);
                }
                let plain: f64 = rows.row(row).iter().zip(&points[..7]).map(|(a, b)| a * b).sum();
                prop_assert!((dot(rows.row(row), &points[..7]) - plain).abs() < 1e-9);
                prop_assert!((one[found.point[row] as usize] - found.nearest[row]).abs() < 1e-9);
                one.sort_by(f64::total_cmp);
                prop_assert!((one[0] - found.nearest[row]).abs() < 1e-9 && (one[1] - found.second[row]).abs() < 1e-9);
            }
        }
    }
}
