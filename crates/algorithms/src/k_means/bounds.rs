//! What is known of the distances of a row without computing them (Hamerly 2010, "Making k-means even faster", SDM).
//!
//! A row keeps an upper bound of the distance to its own centroid and a lower bound of the distance to any other.
//! When centroids move, the bounds give way by as much as these moved. As long as the upper bound stays below the
//! lower one, or below half the distance between its centroid and the nearest other, no other centroid can be nearer.
//! Bounds are kept as `f32`, rounded outward, so they take 8 bytes a row and never decide a case that is close: the
//! result is the same as without them.

use rayon::prelude::*;

use crate::input::Real;
use crate::lanes::squared_distance;
use crate::watch::{Interrupted, Progress};

/// More than the rounding of one operation on `f32` and of all sums behind a distance.
const SLACK: f32 = 3e-7;

/// An `f32` that is certainly not below `distance`.
pub(super) fn above(distance: f64) -> f32 {
    distance.to_f32() * (1.0 + SLACK) + f32::MIN_POSITIVE
}

/// An `f32` that is certainly not above `distance`.
pub(super) fn below(distance: f64) -> f32 {
    (distance.to_f32().min(f32::MAX) * (1.0 - SLACK) - f32::MIN_POSITIVE).max(0.0)
}

/// How the centroids moved last, and how far they are apart now.
pub(super) struct Motion {
    /// For each centroid at least how far it moved.
    shift: Vec<f32>,
    /// For each centroid at least how far any other moved.
    shift_of_others: Vec<f32>,
    /// For each centroid at most half the distance to the nearest other.
    half_gap: Vec<f32>,
}

impl Motion {
    /// Of centroids that have not moved yet; no row has a bound to judge by.
    pub(super) fn none(clusters: usize) -> Self {
        Self { shift: vec![0.0; clusters], shift_of_others: vec![0.0; clusters], half_gap: vec![0.0; clusters] }
    }

    /// From `before` to `after`, `O(clusters^2 columns)` on all threads.
    pub(super) fn between(
        before: &[f64],
        after: &[f64],
        columns: usize,
        progress: &Progress<'_>,
    ) -> Result<Self, Interrupted> {
        let moved = before.chunks_exact(columns).zip(after.chunks_exact(columns));
        let shift: Vec<f32> = moved.map(|(before, after)| above(squared_distance(before, after).sqrt())).collect();
        let farthest = (0..shift.len()).max_by(|a, b| shift[*a].total_cmp(&shift[*b])).unwrap_or(0);
        let others = shift.iter().enumerate().filter(|(cluster, _)| *cluster != farthest);
        let next = others.fold(0.0, |most: f32, (_, shift)| most.max(*shift));
        let shift_of_others =
            (0..shift.len()).map(|cluster| if cluster == farthest { next } else { shift[farthest] }).collect();
        let half_gap: Result<Vec<f32>, Interrupted> = (0..shift.len())
            .into_par_iter()
            .map(|cluster| {
                progress.advance(0)?;
                let own = &after[cluster * columns..][..columns];
                let others = after.chunks_exact(columns).enumerate().filter(|(other, _)| *other != cluster);
                let nearest = others.map(|(_, other)| squared_distance(own, other)).fold(f64::INFINITY, f64::min);
                Ok(below(nearest.sqrt() / 2.0))
            })
            .collect();
        Ok(Self { shift, shift_of_others, half_gap: half_gap? })
    }

    /// The bounds of a row of `cluster` after the move.
    #[inline(always)]
    pub(super) fn widen(&self, cluster: usize, upper: f32, lower: f32) -> (f32, f32) {
        let upper = (upper + self.shift[cluster]) * (1.0 + SLACK);
        let lower = (lower - self.shift_of_others[cluster]).max(0.0) * (1.0 - SLACK);
        (upper, lower)
    }

    /// Whether a row of `cluster` with these bounds is certainly nearest to its own centroid.
    #[inline(always)]
    pub(super) fn settles(&self, cluster: usize, upper: f32, lower: f32) -> bool {
        upper < lower.max(self.half_gap[cluster])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rounding_goes_outward(exponent in -60..45i32, mantissa in 1.0..10.0f64) {
            let distance = mantissa * 10f64.powi(exponent);
            prop_assert!(f64::from(above(distance)) >= distance);
            prop_assert!(f64::from(below(distance)) <= distance);
        }
    }
}
