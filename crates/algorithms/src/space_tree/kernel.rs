//! Which rows of a block may lie within a distance of a query: many pairs at a time, in single precision.
//!
//! The result is a filter, not a distance: it lets through every row that is near enough, and few others. So the width
//! of the machine's vectors and the fusing of multiplication and addition change what it costs, never what is found.

/// Rows of a block, looked at side by side.
pub(crate) const LANES: usize = 32;
/// Queries that pass over a block together.
pub(crate) const QUERIES: usize = 4;

/// For each of four queries a bit for each row whose squared distance less the query's own squared norm, in `f32`, is at
/// most the query's limit.
///
/// `block` holds the rows' coordinates, one array a column; `norms` their squared norms; `queries` the queries'
/// coordinates, one array a column.
pub(crate) fn within(
    block: &[[f32; LANES]],
    norms: &[f32; LANES],
    queries: &[[f32; QUERIES]],
    limits: &[f32; QUERIES],
) -> [u32; QUERIES] {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("fma") {
            // SAFETY: the processor was just seen to have the features.
            return unsafe { within_avx512(block, norms, queries, limits) };
        }
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            // SAFETY: the processor was just seen to have the features.
            return unsafe { within_avx2(block, norms, queries, limits) };
        }
    }
    portable::<false>(block, norms, queries, limits)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,fma")]
fn within_avx512(
    block: &[[f32; LANES]],
    norms: &[f32; LANES],
    queries: &[[f32; QUERIES]],
    limits: &[f32; QUERIES],
) -> [u32; QUERIES] {
    portable::<true>(block, norms, queries, limits)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn within_avx2(
    block: &[[f32; LANES]],
    norms: &[f32; LANES],
    queries: &[[f32; QUERIES]],
    limits: &[f32; QUERIES],
) -> [u32; QUERIES] {
    portable::<true>(block, norms, queries, limits)
}

#[inline(always)]
fn portable<const FUSED: bool>(
    block: &[[f32; LANES]],
    norms: &[f32; LANES],
    queries: &[[f32; QUERIES]],
    limits: &[f32; QUERIES],
) -> [u32; QUERIES] {
    let mut dots = [[0.0f32; LANES]; QUERIES];
    for (values, at) in block.iter().zip(queries) {
        for (dots, at) in dots.iter_mut().zip(at) {
            for (dot, value) in dots.iter_mut().zip(values) {
                *dot = if FUSED { value.mul_add(*at, *dot) } else { *dot + value * at };
            }
        }
    }
    let mut found = [0; QUERIES];
    for ((found, dots), limit) in found.iter_mut().zip(&mut dots).zip(limits) {
        for (dot, norm) in dots.iter_mut().zip(norms) {
            *dot = norm - 2.0 * *dot;
        }
        // Most blocks hold nothing near: one look at the least of 16 pairs at a time tells.
        let (low, high) = dots.split_at(LANES / 2);
        let mut least = [f32::INFINITY; LANES / 2];
        for ((least, low), high) in least.iter_mut().zip(low).zip(high) {
            *least = if low < high { *low } else { *high };
        }
        if least.iter().fold(false, |any, least| any | (*least <= *limit)) {
            *found = dots.iter().enumerate().fold(0, |bits, (lane, dot)| bits | u32::from(*dot <= *limit) << lane);
        }
    }
    found
}

/// Squared distance between two boxes, each given as its lower and upper corner.
pub(crate) fn between_boxes(a: (&[f32], &[f32]), b: (&[f32], &[f32])) -> f32 {
    let lower = a.0.iter().zip(b.1).map(|(low, high)| low - high);
    let upper = b.0.iter().zip(a.1).map(|(low, high)| low - high);
    let mut sums = [0.0f32; 8];
    for (i, (lower, upper)) in lower.zip(upper).enumerate() {
        let gap = lower.max(upper).max(0.0);
        sums[i % 8] += gap * gap;
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_rows_within_and_no_others() {
        let mut block = [[0.0f32; LANES]; 3];
        for lane in 0..LANES {
            block[0][lane] = lane as f32;
            block[1][lane] = 2.0;
        }
        let norms: [f32; LANES] = std::array::from_fn(|lane| block.iter().map(|c| c[lane] * c[lane]).sum());
        // Four queries at (0, 2, 0), (5, 2, 0), (5, 2, 1) and (40, 2, 0), each within a distance of 2.
        let at = [[0.0, 5.0, 5.0, 40.0], [2.0; QUERIES], [0.0, 0.0, 1.0, 0.0]];
        let limits: [f32; QUERIES] = std::array::from_fn(|q| 4.0 - at.iter().map(|c| c[q] * c[q]).sum::<f32>());
        assert_eq!(within(&block, &norms, &at, &limits), [0b111, 0b1111_1000, 0b111_0000, 0]);
        assert_eq!(portable::<false>(&block, &norms, &at, &limits), within(&block, &norms, &at, &limits));
    }

    #[test]
    fn boxes_that_touch_are_at_distance_0() {
        let (a, b) = (([0.0, 0.0], [1.0, 1.0]), ([1.0, 3.0], [2.0, 4.0]));
        assert_eq!(between_boxes((&a.0, &a.1), (&a.0, &a.1)), 0.0);
        assert_eq!(between_boxes((&a.0, &a.1), (&b.0, &b.1)), 4.0);
    }
}
