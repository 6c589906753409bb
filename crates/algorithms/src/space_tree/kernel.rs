//! Which items of a block may lie within reach of a query: many pairs at a time, in single precision.
//!
//! The result is a filter, not a distance: it lets through every item that is near enough, and few others. So the width
//! of the machine's vectors and the fusing of multiplication and addition change what it costs, never what is found.

/// Items of a block, looked at side by side.
pub(crate) const LANES: usize = 32;
/// Queries that pass over a block together.
pub(crate) const QUERIES: usize = 4;

/// Up to 32 items, rows or balls, laid out to be looked at side by side.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    /// The centres' coordinates, one array a column.
    pub(super) centres: &'a [[f32; LANES]],
    /// Squared norm of each centre less the squared radius; infinite where there is no item.
    pub(super) offsets: &'a [f32; LANES],
    /// Radius of each ball; zeros for rows.
    pub(super) radii: &'a [f32; LANES],
}

/// Four queries.
#[derive(Clone, Copy)]
pub(super) struct Four<'a> {
    /// Their coordinates, one array a column.
    pub(super) coordinates: &'a [[f32; QUERIES]],
    /// How far each looks.
    pub(super) reach: [f32; QUERIES],
    /// The square of that with an allowance for rounding, less the query's own squared norm.
    pub(super) limits: [f32; QUERIES],
}

/// Dot products of four queries with 32 centres.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Dots(pub(super) [[f32; LANES]; QUERIES]);

/// For each query a bit for each item that may come within its reach: whether `|q - c| <= reach + radius`, squared and
/// without the query's own norm. Leaves the dot products behind.
pub(super) fn within(block: Block<'_>, four: Four<'_>, dots: &mut Dots) -> [u32; QUERIES] {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("fma") {
            // SAFETY: the processor was just seen to have the features.
            unsafe {
                dots_avx512(block.centres, four.coordinates, dots);
                return pick_avx512(block, four, dots);
            }
        }
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            // SAFETY: the processor was just seen to have the features.
            unsafe {
                dots_avx2(block.centres, four.coordinates, dots);
                return pick_avx2(block, four, dots);
            }
        }
    }
    set_dots::<false>(block.centres, four.coordinates, dots);
    pick(block, four, dots)
}

// Two steps of their own: taken together, the compiler gives up on wide vectors.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
#[inline(never)]
fn dots_avx512(centres: &[[f32; LANES]], coordinates: &[[f32; QUERIES]], dots: &mut Dots) {
    set_dots::<true>(centres, coordinates, dots);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
#[inline(never)]
fn pick_avx512(block: Block<'_>, four: Four<'_>, dots: &Dots) -> [u32; QUERIES] {
    pick(block, four, dots)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
fn dots_avx2(centres: &[[f32; LANES]], coordinates: &[[f32; QUERIES]], dots: &mut Dots) {
    set_dots::<true>(centres, coordinates, dots);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
fn pick_avx2(block: Block<'_>, four: Four<'_>, dots: &Dots) -> [u32; QUERIES] {
    pick(block, four, dots)
}

#[inline(always)]
fn set_dots<const FUSED: bool>(centres: &[[f32; LANES]], coordinates: &[[f32; QUERIES]], dots: &mut Dots) {
    let mut sums = [[0.0f32; LANES]; QUERIES];
    for (values, at) in centres.iter().zip(coordinates) {
        for q in 0..QUERIES {
            for lane in 0..LANES {
                let sum = &mut sums[q][lane];
                *sum = if FUSED { values[lane].mul_add(at[q], *sum) } else { *sum + values[lane] * at[q] };
            }
        }
    }
    dots.0 = sums;
}

#[inline(always)]
fn pick(block: Block<'_>, four: Four<'_>, dots: &Dots) -> [u32; QUERIES] {
    let mut found = [0; QUERIES];
    for q in 0..QUERIES {
        let (reach, limit, dots) = (four.reach[q], four.limits[q], &dots.0[q]);
        let mut beyond = [0.0f32; LANES];
        // Most blocks hold nothing near: whether any of the 32 is.
        let mut any = 0u32;
        for lane in 0..LANES {
            beyond[lane] = block.offsets[lane] - 2.0 * (dots[lane] + reach * block.radii[lane]);
            any |= u32::from(beyond[lane] <= limit);
        }
        if any != 0 {
            found[q] = beyond.iter().enumerate().fold(0, |bits, (lane, b)| bits | u32::from(*b <= limit) << lane);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_items_within_reach_and_no_others() {
        let mut centres = [[0.0f32; LANES]; 3];
        centres[0] = std::array::from_fn(|lane| lane as f32);
        centres[1] = [2.0; LANES];
        let mut radii = [0.0; LANES];
        radii[20] = 13.0;
        let offsets = std::array::from_fn(|l| centres.iter().map(|c| c[l] * c[l]).sum::<f32>() - radii[l] * radii[l]);
        // Four queries at (0, 2, 0), (5, 2, 0), (5, 2, 1) and (45, 2, 0), each looking 2 far.
        let coordinates = [[0.0, 5.0, 5.0, 45.0], [2.0; QUERIES], [0.0, 0.0, 1.0, 0.0]];
        let limits = std::array::from_fn(|q| 4.0 - coordinates.iter().map(|c| c[q] * c[q]).sum::<f32>());
        let block = Block { centres: &centres, offsets: &offsets, radii: &radii };
        let four = Four { coordinates: &coordinates, reach: [2.0; QUERIES], limits };
        // The ball at 20 of radius 13 comes within 2 of 5, not quite of (5, 2, 1).
        let mut dots = Dots([[0.0; LANES]; QUERIES]);
        let found = within(block, four, &mut dots);
        assert_eq!(found, [0b111, 0b1111_1000 | 1 << 20, 0b111_0000, 0]);
        let mut portable = Dots([[0.0; LANES]; QUERIES]);
        set_dots::<false>(block.centres, four.coordinates, &mut portable);
        assert_eq!((pick(block, four, &portable), portable.0), (found, dots.0));
    }
}
