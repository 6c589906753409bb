//! Platt scaling: a logistic curve from score to probability.

use serde::{Deserialize, Serialize};

use super::{CalibrationError, check_finite, check_length};
use crate::watch::{Interrupted, Watch};

/// Most Newton steps; the method converges in about ten.
const STEPS_MAX: usize = 100;
/// Added to the diagonal of the Hessian, which may be singular.
const RIDGE: f64 = 1e-12;
/// Converged when both gradients are below this, per row.
const GRADIENT_MIN: f64 = 1e-10;
/// A line search that would go below this has met rounding: the minimum is reached.
const STEP_MIN: f64 = 1e-10;

/// A logistic map from score to probability, `p = 1 / (1 + exp(-(slope score + intercept)))`.
///
/// # What it does
/// Maximises the likelihood of the labels, with the targets drawn in from 0 and 1 to `1 / (n- + 2)` and
/// `(n+ + 1) / (n+ + 2)` so that separable scores do not give an infinite slope (Platt 1999), by Newton's method
/// with a line search on the numerically safe form of the likelihood (Lin, Lin and Weng 2007, "A note on Platt's
/// probabilistic outputs for support vector machines").
///
/// # Cost
/// `O(n)` per step, about ten steps. Needs rows of both classes; the slope may be negative if the scores are.
///
/// # Example
/// ```
/// use souffleur_algorithms::calibration::PlattScaling;
/// let map = PlattScaling::fit(&[-2.0, -1.0, 0.5, -0.5, 1.0, 2.0], &[false, false, false, true, true, true], &())?;
/// assert!((map.predict(0.0) - 0.5).abs() < 1e-6);
/// assert!(map.predict(2.0) > 0.7);
/// # Ok::<(), souffleur_algorithms::calibration::CalibrationError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlattScaling {
    slope: f64,
    intercept: f64,
}

/// Value, gradient and Hessian of the negative log-likelihood.
struct Local {
    gradient: [f64; 2],
    hessian: [f64; 3],
}

impl PlattScaling {
    /// Fits the map to labels.
    ///
    /// # Errors
    /// Lengths differ, a score is not finite, all labels are alike, or the watch interrupts.
    pub fn fit(scores: &[f64], labels: &[bool], watch: &dyn Watch) -> Result<Self, CalibrationError> {
        check_length(scores, "labels", labels.len())?;
        check_finite("score", scores)?;
        if scores.is_empty() {
            return Err(CalibrationError::Empty);
        }
        let positives = labels.iter().filter(|label| **label).count();
        let negatives = labels.len() - positives;
        if positives == 0 || negatives == 0 {
            return Err(CalibrationError::OneClass(negatives == 0));
        }
        let (positives, negatives) = (positives as f64, negatives as f64);
        let high = (positives + 1.0) / (positives + 2.0);
        let low = 1.0 / (negatives + 2.0);
        // Standardised, so that the steps do not depend on the scale of the scores.
        let centre = scores.iter().sum::<f64>() / scores.len() as f64;
        let spread = (scores.iter().map(|score| (score - centre).powi(2)).sum::<f64>() / scores.len() as f64).sqrt();
        let scale = if spread > 0.0 { spread } else { 1.0 };
        let row = |(score, label): (&f64, &bool)| ((score - centre) / scale, if *label { high } else { low });
        let rows: Vec<(f64, f64)> = scores.iter().zip(labels).map(row).collect();
        let start = Self { slope: 0.0, intercept: ((positives + 1.0) / (negatives + 1.0)).ln() };
        let found = start.minimise(&rows, watch)?;
        let slope = found.slope / scale;
        Ok(Self { slope, intercept: found.intercept - slope * centre })
    }

    fn minimise(mut self, rows: &[(f64, f64)], watch: &dyn Watch) -> Result<Self, Interrupted> {
        let mut loss = self.loss(rows);
        for done in 0..STEPS_MAX {
            watch.tick(done as u64, STEPS_MAX as u64)?;
            let Local { gradient: [g, h], hessian: [a, b, c] } = self.local(rows);
            let tolerance = GRADIENT_MIN * rows.len() as f64;
            if g.abs() < tolerance && h.abs() < tolerance {
                break;
            }
            let determinant = a * c - b * b;
            let [to_slope, to_intercept] = [-(c * g - b * h) / determinant, -(a * h - b * g) / determinant];
            let descent = g * to_slope + h * to_intercept;
            let mut step = 1.0;
            let next = loop {
                let next =
                    Self { slope: self.slope + step * to_slope, intercept: self.intercept + step * to_intercept };
                if next.loss(rows) < loss + 1e-4 * step * descent {
                    break Some(next);
                }
                step /= 2.0;
                if step < STEP_MIN {
                    break None;
                }
            };
            let Some(next) = next else { break };
            self = next;
            loss = self.loss(rows);
        }
        Ok(self)
    }

    /// Negative log-likelihood of rows `(score, target)`, without overflow or cancellation.
    fn loss(&self, rows: &[(f64, f64)]) -> f64 {
        let of_row = |(score, target): &(f64, f64)| {
            let margin = self.slope * score + self.intercept;
            margin.max(0.0) - target * margin + (-margin.abs()).exp().ln_1p()
        };
        rows.iter().map(of_row).sum()
    }

    fn local(&self, rows: &[(f64, f64)]) -> Local {
        let mut local = Local { gradient: [0.0; 2], hessian: [RIDGE, 0.0, RIDGE] };
        for (score, target) in rows {
            let p = self.predict(*score);
            let (error, curve) = (p - target, p * (1.0 - p));
            local.gradient[0] += error * score;
            local.gradient[1] += error;
            local.hessian[0] += curve * score * score;
            local.hessian[1] += curve * score;
            local.hessian[2] += curve;
        }
        local
    }

    /// The probability at `score`, in [0, 1]; NaN for NaN.
    pub fn predict(&self, score: f64) -> f64 {
        let margin = self.slope * score + self.intercept;
        if margin >= 0.0 { 1.0 / (1.0 + (-margin).exp()) } else { margin.exp() / (1.0 + margin.exp()) }
    }

    /// Change of the log-odds per unit of score.
    pub fn slope(&self) -> f64 {
        self.slope
    }

    /// Log-odds at score 0.
    pub fn intercept(&self) -> f64 {
        self.intercept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// sklearn.calibration._sigmoid_calibration(scores, labels), scikit-learn 1.9.1, which gives the negatives of both;
    /// it stops at a gradient of 1e-5 or so, hence the tolerance.
    #[test]
    fn parameters_are_those_of_scikit_learn() {
        let scores = [-3.0, -2.0, -1.5, -1.0, -0.2, 0.1, 0.4, 1.1, 1.3, 2.5];
        let labels = [false, false, true, false, false, true, false, true, true, true];
        let map = PlattScaling::fit(&scores, &labels, &()).unwrap();
        assert!((map.slope() - 0.6131162250760473).abs() < 1e-4, "{map:?}");
        assert!((map.intercept() - (0.13597077449592257)).abs() < 1e-4, "{map:?}");
    }

    #[test]
    fn separable_scores_give_a_finite_slope() {
        let map = PlattScaling::fit(&[0.0, 1.0, 2.0, 3.0], &[false, false, true, true], &()).unwrap();
        assert!(map.slope().is_finite() && map.slope() > 0.0);
        let flat = PlattScaling::fit(&[5.0; 4], &[false, true, true, true], &()).unwrap();
        assert!(flat.predict(5.0) > 0.5 && flat.predict(5.0) < 0.75);
    }

    #[test]
    fn fit_can_be_interrupted() {
        let stop = |_: u64, _: u64| Err(Interrupted);
        let stopped = PlattScaling::fit(&[1.0, 2.0], &[true, false], &stop);
        assert_eq!(stopped, Err(CalibrationError::Interrupted(Interrupted)));
    }

    #[test]
    fn bad_input_is_refused_by_name() {
        assert_eq!(PlattScaling::fit(&[], &[], &()), Err(CalibrationError::Empty));
        assert_eq!(PlattScaling::fit(&[1.0, 2.0], &[true, true], &()), Err(CalibrationError::OneClass(true)));
        let infinite = PlattScaling::fit(&[1.0, f64::INFINITY], &[true, false], &());
        assert!(matches!(infinite, Err(CalibrationError::NotFinite { what: "score", row: 1, .. })));
    }

    proptest! {
        /// At the optimum the mean probability is the mean of the drawn-in targets, and the map is monotone.
        #[test]
        fn the_mean_is_kept_and_the_map_monotone(
            rows in prop::collection::vec((-1e3..1e3f64, any::<bool>()), 3..60),
            shift in -1e4..1e4f64,
        ) {
            let (scores, labels): (Vec<f64>, Vec<bool>) = rows.into_iter().map(|row| (row.0 + shift, row.1)).unzip();
            let positives = labels.iter().filter(|label| **label).count() as f64;
            let negatives = labels.len() as f64 - positives;
            prop_assume!(positives > 0.0 && negatives > 0.0);
            let map = PlattScaling::fit(&scores, &labels, &()).unwrap();
            let targets = positives * (positives + 1.0) / (positives + 2.0) + negatives / (negatives + 2.0);
            let mean: f64 = scores.iter().map(|score| map.predict(*score)).sum();
            prop_assert!((mean - targets).abs() < 1e-5 * labels.len() as f64, "{} {}", mean, targets);
            let mut ordered = scores.clone();
            ordered.sort_by(f64::total_cmp);
            let values: Vec<f64> = ordered.iter().map(|score| map.predict(*score)).collect();
            prop_assert!(values.is_sorted() || values.is_sorted_by(|a, b| a >= b));
        }
    }
}
