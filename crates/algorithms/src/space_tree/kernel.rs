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
    /// Squared norm of each centre less the squared radius and an allowance for rounding; infinite where there is no
    /// item.
    pub(super) offsets: &'a [f32; LANES],
    /// Radius of each ball; zeros for rows.
    pub(super) radii: &'a [f32; LANES],
}

/// How far four queries look.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Reach {
    /// How far each looks.
    pub(super) reach: [f32; QUERIES],
    /// The square of that with an allowance for rounding, less the query's own squared norm.
    pub(super) limits: [f32; QUERIES],
}

/// Dot products of four queries with 32 centres.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Dots(pub(super) [[f32; LANES]; QUERIES]);

/// For each query a bit for each ball that may come within its reach: whether `|q - c| <= reach + radius`, squared and
/// without the query's own norm. Leaves the dot products with the centres behind.
pub(super) fn balls_within(
    balls: Block<'_>,
    queries: &[[f32; QUERIES]],
    reach: &Reach,
    dots: &mut Dots,
) -> [u32; QUERIES] {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            // SAFETY: the processor was just seen to have the features.
            unsafe {
                avx2::dots(balls.centres, queries, dots);
                return avx2::pick(balls, reach, dots);
            }
        }
    }
    set_dots::<false>(balls.centres, queries, dots);
    pick(balls, reach, dots)
}

/// As [`balls_within`], for rows: their radii are 0.
pub(super) fn rows_within(rows: Block<'_>, queries: &[[f32; QUERIES]], reach: &Reach) -> [u32; QUERIES] {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor was just seen to have the feature.
            return unsafe { avx512::rows_within(rows.centres, rows.offsets, queries, &reach.limits) };
        }
    }
    balls_within(rows, queries, reach, &mut Dots([[0.0; LANES]; QUERIES]))
}

#[inline(always)]
fn set_dots<const FUSED: bool>(centres: &[[f32; LANES]], queries: &[[f32; QUERIES]], dots: &mut Dots) {
    let mut sums = [[0.0f32; LANES]; QUERIES];
    for (values, at) in centres.iter().zip(queries) {
        for (sums, at) in sums.iter_mut().zip(at) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum = if FUSED { value.mul_add(*at, *sum) } else { *sum + value * at };
            }
        }
    }
    dots.0 = sums;
}

#[inline(always)]
fn pick(balls: Block<'_>, reach: &Reach, dots: &Dots) -> [u32; QUERIES] {
    let mut found = [0; QUERIES];
    for (q, (found, dots)) in found.iter_mut().zip(&dots.0).enumerate() {
        let (reach, limit) = (reach.reach[q], reach.limits[q]);
        let mut beyond = [0.0f32; LANES];
        // Most blocks hold nothing near: whether any of the 32 is.
        let mut any = 0u32;
        for lane in 0..LANES {
            beyond[lane] = balls.offsets[lane] - 2.0 * (dots[lane] + reach * balls.radii[lane]);
            any |= u32::from(beyond[lane] <= limit);
        }
        if any != 0 {
            *found = beyond.iter().enumerate().fold(0, |bits, (lane, b)| bits | u32::from(*b <= limit) << lane);
        }
    }
    found
}

/// The same compiled for wider vectors. Two steps of their own: taken together, the compiler gives up on them.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Block, Dots, LANES, QUERIES, Reach};

    #[target_feature(enable = "avx2,fma")]
    #[inline(never)]
    pub(super) fn dots(centres: &[[f32; LANES]], queries: &[[f32; QUERIES]], dots: &mut Dots) {
        super::set_dots::<true>(centres, queries, dots);
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline(never)]
    pub(super) fn pick(balls: Block<'_>, reach: &Reach, dots: &Dots) -> [u32; QUERIES] {
        super::pick(balls, reach, dots)
    }
}

/// The innermost loop of all searches, written out: sums stay in registers, and a comparison gives its bits at once.
#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512, _CMP_LE_OQ, _mm512_cmp_ps_mask, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps,
    };

    use super::{LANES, QUERIES};

    #[target_feature(enable = "avx512f")]
    fn halves(values: &[f32; LANES]) -> [__m512; 2] {
        // SAFETY: 32 values are two times 16.
        unsafe { [_mm512_loadu_ps(values.as_ptr()), _mm512_loadu_ps(values.as_ptr().add(LANES / 2))] }
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn rows_within(
        rows: &[[f32; LANES]],
        norms: &[f32; LANES],
        queries: &[[f32; QUERIES]],
        limits: &[f32; QUERIES],
    ) -> [u32; QUERIES] {
        let mut sums = [[_mm512_setzero_ps(); 2]; QUERIES];
        for (values, at) in rows.iter().zip(queries) {
            let [low, high] = halves(values);
            for (sums, at) in sums.iter_mut().zip(at) {
                let at = _mm512_set1_ps(*at);
                sums[0] = _mm512_fmadd_ps(low, at, sums[0]);
                sums[1] = _mm512_fmadd_ps(high, at, sums[1]);
            }
        }
        let (norms, factor) = (halves(norms), _mm512_set1_ps(-2.0));
        let mut found = [0; QUERIES];
        for ((found, sums), limit) in found.iter_mut().zip(sums).zip(limits) {
            let limit = _mm512_set1_ps(*limit);
            let low = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(_mm512_fmadd_ps(factor, sums[0], norms[0]), limit);
            let high = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(_mm512_fmadd_ps(factor, sums[1], norms[1]), limit);
            *found = u32::from(low) | u32::from(high) << 16;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_items_within_reach_and_no_others() {
        let mut centres = [[0.0f32; LANES]; 3];
        centres[0] = std::array::from_fn(|lane| lane as f32);
        centres[1] = [2.0; LANES];
        let offsets = |radii: &[f32; LANES]| -> [f32; LANES] {
            std::array::from_fn(|l| centres.iter().map(|c| c[l] * c[l]).sum::<f32>() - radii[l] * radii[l])
        };
        // Four queries at (0, 2, 0), (5, 2, 0), (5, 2, 1) and (45, 2, 0), each looking 2 far.
        let queries = [[0.0, 5.0, 5.0, 45.0], [2.0; QUERIES], [0.0, 0.0, 1.0, 0.0]];
        let limits = std::array::from_fn(|q| 4.0 - queries.iter().map(|c| c[q] * c[q]).sum::<f32>());
        let reach = Reach { reach: [2.0; QUERIES], limits };

        let mut radii = [0.0; LANES];
        let rows = Block { centres: &centres, offsets: &offsets(&radii), radii: &radii };
        assert_eq!(rows_within(rows, &queries, &reach), [0b111, 0b1111_1000, 0b111_0000, 0]);

        // A ball at 20 of radius 13 comes within 2 of 5, not quite of (5, 2, 1).
        radii[20] = 13.0;
        let balls = Block { centres: &centres, offsets: &offsets(&radii), radii: &radii };
        let (mut dots, mut portable) = (Dots([[0.0; LANES]; QUERIES]), Dots([[0.0; LANES]; QUERIES]));
        let found = balls_within(balls, &queries, &reach, &mut dots);
        assert_eq!(found, [0b111, 0b1111_1000 | 1 << 20, 0b111_0000, 0]);
        set_dots::<false>(balls.centres, &queries, &mut portable);
        assert_eq!((pick(balls, &reach, &portable), portable.0), (found, dots.0));
    }
}
