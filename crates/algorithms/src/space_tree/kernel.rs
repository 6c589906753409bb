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

/// For each query a bit for each item that may come within its reach: whether `|q - c| <= reach + radius`, squared and
/// without the query's own norm.
pub(super) fn within(block: Block<'_>, four: Four<'_>) -> [u32; QUERIES] {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("fma") {
            // SAFETY: the processor was just seen to have the features.
            return unsafe { within_avx512(block, four) };
        }
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            // SAFETY: the processor was just seen to have the features.
            return unsafe { within_avx2(block, four) };
        }
    }
    portable::<false>(block, four)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
fn within_avx512(block: Block<'_>, four: Four<'_>) -> [u32; QUERIES] {
    portable::<true>(block, four)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn within_avx2(block: Block<'_>, four: Four<'_>) -> [u32; QUERIES] {
    portable::<true>(block, four)
}

#[inline(always)]
fn portable<const FUSED: bool>(block: Block<'_>, four: Four<'_>) -> [u32; QUERIES] {
    let mut dots = [[0.0f32; LANES]; QUERIES];
    for (values, at) in block.centres.iter().zip(four.coordinates) {
        for (dots, at) in dots.iter_mut().zip(at) {
            for (dot, value) in dots.iter_mut().zip(values) {
                *dot = if FUSED { value.mul_add(*at, *dot) } else { *dot + value * at };
            }
        }
    }
    let mut found = [0; QUERIES];
    for (q, dots) in dots.iter_mut().enumerate() {
        let (reach, limit) = (four.reach[q], four.limits[q]);
        for ((dot, offset), radius) in dots.iter_mut().zip(block.offsets).zip(block.radii) {
            *dot = offset - 2.0 * (*dot + reach * radius);
        }
        // Most blocks hold nothing near: the least of the 32 tells.
        let (low, high) = dots.split_at(LANES / 2);
        let mut least = [f32::INFINITY; LANES / 2];
        for ((least, low), high) in least.iter_mut().zip(low).zip(high) {
            *least = if low < high { *low } else { *high };
        }
        if least.iter().fold(false, |any, least| any | (*least <= limit)) {
            found[q] = dots.iter().enumerate().fold(0, |bits, (lane, dot)| bits | u32::from(*dot <= limit) << lane);
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
        assert_eq!(within(block, four), [0b111, 0b1111_1000 | 1 << 20, 0b111_0000, 0]);
        assert_eq!(portable::<false>(block, four), within(block, four));
    }
}
