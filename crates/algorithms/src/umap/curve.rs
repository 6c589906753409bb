//! How strongly rows at a distance are held together: `1 / (1 + a d^(2b))`, and the forces that follow.

use serde::{Deserialize, Serialize};

/// Distances the curve is fitted at.
const POINTS: usize = 300;
/// Most steps of the fit; some ten are usual.
const STEPS_MAX: usize = 200;
/// Pushes stay finite where two rows meet.
const NEAREST: f64 = 0.001;

/// The two parameters of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Curve {
    pub(super) a: f64,
    pub(super) b: f64,
}

impl Curve {
    /// Least squares (Levenberg 1944) to 1 up to `min_dist` and an exponential of scale `spread` beyond.
    pub(super) fn fit(min_dist: f64, spread: f64) -> Self {
        let points: Vec<(f64, f64)> = (1..POINTS)
            .map(|at| {
                let d = 3.0 * spread * at as f64 / (POINTS - 1) as f64;
                (d, if d < min_dist { 1.0 } else { libm::exp(-(d - min_dist) / spread) })
            })
            .collect();
        let loss = |curve: Self| points.iter().map(|(d, held)| (curve.held(d * d) - held).powi(2)).sum::<f64>();
        let mut curve = Self { a: 1.0, b: 1.0 };
        let (mut damping, mut best) = (1e-3, loss(curve));
        for _ in 0..STEPS_MAX {
            let next = curve.step(&points, damping);
            let reached = if next.a > 0.0 && next.b > 0.0 { loss(next) } else { f64::INFINITY };
            if reached < best {
                let gained = best - reached;
                (curve, best, damping) = (next, reached, damping / 10.0);
                if gained <= 1e-15 * best {
                    break;
                }
            } else {
                damping *= 10.0;
            }
        }
        curve
    }

    /// One damped Gauss-Newton step.
    fn step(self, points: &[(f64, f64)], damping: f64) -> Self {
        let (mut aa, mut ab, mut bb, mut ra, mut rb) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (d, held) in points {
            let power = libm::pow(*d, 2.0 * self.b);
            let value = 1.0 / (1.0 + self.a * power);
            let by_a = -power * value * value;
            let by_b = -2.0 * self.a * power * libm::log(*d) * value * value;
            let off = value - held;
            (aa, ab, bb) = (aa + by_a * by_a, ab + by_a * by_b, bb + by_b * by_b);
            (ra, rb) = (ra + by_a * off, rb + by_b * off);
        }
        let (aa, bb) = (aa * (1.0 + damping), bb * (1.0 + damping));
        let determinant = aa * bb - ab * ab;
        Self { a: self.a - (bb * ra - ab * rb) / determinant, b: self.b - (aa * rb - ab * ra) / determinant }
    }

    /// How strongly rows at this squared distance are held together, in (0, 1].
    pub(super) fn held(self, squared: f64) -> f64 {
        1.0 / (1.0 + self.a * libm::pow(squared, self.b))
    }

    /// What a difference is multiplied with where a neighbour draws near.
    fn pull(self, squared: f64) -> f64 {
        -2.0 * self.a * self.b * libm::pow(squared, self.b - 1.0) * self.held(squared)
    }

    /// What a difference is multiplied with where a row pushes away.
    fn push(self, squared: f64) -> f64 {
        2.0 * self.b * self.held(squared) / (NEAREST + squared)
    }
}

/// Squared distances told apart: 64 for each doubling from 2^-24 to 2^20. Below and beyond, the ends stand.
const STEPS_PER_DOUBLING_BITS: u32 = 6;
const SHIFT: u32 = f32::MANTISSA_DIGITS - 1 - STEPS_PER_DOUBLING_BITS;
const FIRST: u32 = (127 - 24) << STEPS_PER_DOUBLING_BITS;
const ENTRIES: usize = (24 + 20) << STEPS_PER_DOUBLING_BITS;

/// Both forces by squared distance, from a table: a power for each of many million steps would take most of the time. The
/// index is the exponent and the top of the mantissa; between two entries a line stands for the curve, off by less than
/// 3e-4 of it. The same on every machine.
pub(super) struct Forces {
    pull: Vec<f32>,
    push: Vec<f32>,
}

impl Forces {
    pub(super) fn of(curve: Curve) -> Self {
        let at = |entry: usize| f64::from(f32::from_bits((FIRST + entry as u32) << SHIFT));
        let table = |force: &dyn Fn(f64) -> f64| (0..=ENTRIES).map(|entry| force(at(entry)) as f32).collect();
        Self { pull: table(&|squared| curve.pull(squared)), push: table(&|squared| curve.push(squared)) }
    }

    /// What the difference to a neighbour is multiplied with; `squared` must be above 0.
    #[inline(always)]
    pub(super) fn pull(&self, squared: f32) -> f32 {
        look_up(&self.pull, squared)
    }

    /// What the difference to a row that is pushed away from is multiplied with.
    #[inline(always)]
    pub(super) fn push(&self, squared: f32) -> f32 {
        look_up(&self.push, squared)
    }
}

#[inline(always)]
fn look_up(table: &[f32], squared: f32) -> f32 {
    const FRACTION: u32 = (1 << SHIFT) - 1;
    let bits = squared.to_bits();
    let entry = (bits >> SHIFT).saturating_sub(FIRST).min(ENTRIES as u32 - 1) as usize;
    let share = (bits & FRACTION) as f32 * (1.0 / (1u32 << SHIFT) as f32);
    let (here, next) = (table[entry], table[entry + 1]);
    here + share * (next - here)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `umap.umap_.find_ab_params(spread, min_dist)` of umap-learn 0.5.12, which fits at 300 points from 0 on.
    #[test]
    fn the_curve_is_that_of_umap_learn() {
        for (min_dist, spread, a, b) in
            [(0.1, 1.0, 1.576_943_460, 0.895_060_878), (0.5, 1.0, 0.583_030_021, 1.334_167_137)]
        {
            let found = Curve::fit(min_dist, spread);
            assert!((found.a - a).abs() < 1e-5 && (found.b - b).abs() < 1e-5, "{found:?}");
        }
    }

    #[test]
    fn the_table_gives_the_forces() {
        let curve = Curve::fit(0.1, 1.0);
        let forces = Forces::of(curve);
        for step in -200..190 {
            let squared = libm::exp2(f64::from(step) / 10.0) as f32;
            let exact = |force: f64, found: f32| (f64::from(found) / force - 1.0).abs() < 3e-4;
            assert!(exact(curve.pull(f64::from(squared)), forces.pull(squared)), "{squared}");
            assert!(exact(curve.push(f64::from(squared)), forces.push(squared)), "{squared}");
        }
        assert!(forces.push(0.0) > 0.0 && forces.pull(f32::MAX) <= 0.0);
    }
}
