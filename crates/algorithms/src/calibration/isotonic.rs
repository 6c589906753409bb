//! Isotonic regression by pooling adjacent violators.

use serde::{Deserialize, Serialize};

use super::{CalibrationError, check_finite, check_length};

/// A non-decreasing map from score to target, fitted by least squares.
///
/// # What it does
/// Among all non-decreasing functions it finds the one with the least weighted squared error, by pooling adjacent
/// violators (Ayer et al. 1955; Best and Chakravarti 1990; for calibration Zadrozny and Elkan 2002). With 0/1
/// targets the values are probabilities. Rows of equal score are pooled first. Between the scores learnt from the
/// map is linear, outside it is constant, as in scikit-learn's `IsotonicRegression(out_of_bounds="clip")`.
/// The weighted mean of the fitted values is that of the targets.
///
/// # Cost
/// `O(n)` after an `O(n log n)` sort, a tenth of a second for 1e6 rows, so there is no watch; a prediction is a binary search.
///
/// # Example
/// ```
/// use souffleur_algorithms::calibration::IsotonicRegression;
/// let map = IsotonicRegression::fit_labels(&[0.1, 0.2, 0.3, 0.4], &[false, true, false, true])?;
/// assert_eq!(map.predict(0.25), 0.5);
/// assert_eq!(map.predict(0.9), 1.0);
/// # Ok::<(), souffleur_algorithms::calibration::CalibrationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct IsotonicRegression {
    /// Corners of the map, scores strictly increasing; at least one.
    scores: Vec<f64>,
    /// Value at each corner, not decreasing.
    values: Vec<f64>,
}

/// A run of rows that share one fitted value.
#[derive(Clone, Copy)]
struct Pool {
    first: f64,
    last: f64,
    weight: f64,
    /// Weighted mean of the targets.
    mean: f64,
}

impl Pool {
    fn join(self, next: Self) -> Self {
        let weight = self.weight + next.weight;
        let mean = self.mean + (next.mean - self.mean) * (next.weight / weight);
        Self { first: self.first, last: next.last, weight, mean }
    }
}

impl IsotonicRegression {
    /// Fits the map to `targets`, one finite number per score, with optional weights of at least 0.
    /// Rows of weight 0 are left out.
    ///
    /// # Errors
    /// Lengths differ, a value is not finite, a weight is negative, or no row has a weight.
    pub fn fit(scores: &[f64], targets: &[f64], weights: Option<&[f64]>) -> Result<Self, CalibrationError> {
        check_length(scores, "targets", targets.len())?;
        check_finite("score", scores)?;
        check_finite("target", targets)?;
        if let Some(weights) = weights {
            check_length(scores, "weights", weights.len())?;
            check_finite("weight", weights)?;
            if let Some(row) = weights.iter().position(|weight| *weight < 0.0) {
                return Err(CalibrationError::Weight { row, value: weights[row] });
            }
        }
        let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
        let mut order: Vec<usize> = (0..scores.len()).filter(|row| weight(*row) > 0.0).collect();
        // Ties by row, so that sums are taken in a fixed order.
        order.sort_unstable_by(|a, b| scores[*a].total_cmp(&scores[*b]).then(a.cmp(b)));
        let rows = order.into_iter().map(|row| (scores[row], targets[row], weight(row)));
        Self::from_pools(&pool_violators(rows)).ok_or(CalibrationError::Empty)
    }

    /// Fits the map to labels: values are probabilities of `true`.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_labels(scores: &[f64], labels: &[bool]) -> Result<Self, CalibrationError> {
        check_length(scores, "labels", labels.len())?;
        let targets: Vec<f64> = labels.iter().map(|label| f64::from(u8::from(*label))).collect();
        Self::fit(scores, &targets, None)
    }

    /// One corner at each end of every pool; nothing if there is none.
    fn from_pools(pools: &[Pool]) -> Option<Self> {
        let (mut scores, mut values) = (Vec::new(), Vec::new());
        for pool in pools {
            scores.push(pool.first);
            values.push(pool.mean);
            if pool.last > pool.first {
                scores.push(pool.last);
                values.push(pool.mean);
            }
        }
        (!scores.is_empty()).then_some(Self { scores, values })
    }

    /// The value of the map at `score`; NaN for NaN.
    pub fn predict(&self, score: f64) -> f64 {
        if score.is_nan() {
            return f64::NAN;
        }
        let above = self.scores.partition_point(|corner| *corner <= score);
        let last = self.scores.len() - 1;
        if above == 0 {
            return self.values[0];
        }
        if above > last {
            return self.values[last];
        }
        let (left, right) = (self.scores[above - 1], self.scores[above]);
        let (low, high) = (self.values[above - 1], self.values[above]);
        // Clamped: rounding must not break the order of values.
        (low + (high - low) * ((score - left) / (right - left))).clamp(low, high)
    }

    /// Corners of the map: scores, strictly increasing, and the values there.
    pub fn corners(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.scores.iter().copied().zip(self.values.iter().copied())
    }
}

/// Pools of non-decreasing mean from rows `(score, target, weight)` in order of score.
fn pool_violators(rows: impl Iterator<Item = (f64, f64, f64)>) -> Vec<Pool> {
    let mut pools: Vec<Pool> = Vec::new();
    let mut rows = rows.peekable();
    while let Some((score, target, weight)) = rows.next() {
        let mut pool = Pool { first: score, last: score, weight, mean: target };
        while let Some((_, target, weight)) = rows.next_if(|next| next.0 == score) {
            pool = pool.join(Pool { first: score, last: score, weight, mean: target });
        }
        // `>=` also joins equal neighbours, which saves corners.
        while let Some(before) = pools.pop_if(|before| before.mean >= pool.mean) {
            pool = before.join(pool);
        }
        pools.push(pool);
    }
    pools
}

/// A map as read back, before it is known to be one.
#[derive(Deserialize)]
struct Stored {
    scores: Vec<f64>,
    values: Vec<f64>,
}

impl TryFrom<Stored> for IsotonicRegression {
    type Error = &'static str;

    fn try_from(Stored { scores, values }: Stored) -> Result<Self, Self::Error> {
        let rising = scores.is_sorted_by(|a, b| a < b) && values.is_sorted_by(|a, b| a <= b);
        let finite = scores.iter().chain(&values).all(|number| number.is_finite());
        if scores.is_empty() || scores.len() != values.len() || !rising || !finite {
            return Err("isotonic regression: corners must be finite, rising and at least one");
        }
        Ok(Self { scores, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SCORES: [f64; 9] = [0.1, 0.9, 0.3, 0.3, 0.5, 0.7, 0.2, 0.8, 0.6];
    const TARGETS: [f64; 9] = [0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0];
    const WEIGHTS: [f64; 9] = [1.0, 2.0, 1.0, 3.0, 0.5, 1.0, 2.0, 1.0, 0.0];

    fn check(map: &IsotonicRegression, at: &[f64], expected: &[f64]) {
        for (score, expected) in at.iter().zip(expected) {
            let found = map.predict(*score);
            assert!((found - expected).abs() < 1e-12, "at {score}: {found}, not {expected}");
        }
    }

    /// IsotonicRegression(out_of_bounds="clip").fit(SCORES, TARGETS[, WEIGHTS]).predict(at), scikit-learn 1.9.1.
    #[test]
    fn values_are_those_of_scikit_learn() {
        let at = [0.0, 0.1, 0.15, 0.3, 0.4, 0.55, 0.65, 0.85, 2.0];
        check(
            &IsotonicRegression::fit(&SCORES, &TARGETS, None).unwrap(),
            &at,
            &[0.0, 0.0, 0.24999999999999994, 0.5, 0.5, 0.5833333333333334, 0.6666666666666666, 0.8333333333333331, 1.0],
        );
        check(
            &IsotonicRegression::fit(&SCORES, &TARGETS, Some(&WEIGHTS)).unwrap(),
            &at,
            &[
                0.0,
                0.0,
                0.2307692307692307,
                0.46153846153846156,
                0.46153846153846156,
                0.4711538461538462,
                0.4903846153846154,
                0.7499999999999998,
                1.0,
            ],
        );
    }

    #[test]
    fn bad_input_is_refused_by_name() {
        let fit = IsotonicRegression::fit;
        assert_eq!(fit(&[], &[], None), Err(CalibrationError::Empty));
        assert_eq!(fit(&[1.0], &[1.0], Some(&[0.0])), Err(CalibrationError::Empty));
        let lengths = CalibrationError::Lengths { scores: 1, what: "targets", other: 2 };
        assert_eq!(fit(&[1.0], &[1.0, 2.0], None), Err(lengths));
        assert!(matches!(
            fit(&[f64::NAN], &[1.0], None),
            Err(CalibrationError::NotFinite { what: "score", row: 0, .. })
        ));
        assert_eq!(fit(&[1.0], &[1.0], Some(&[-1.0])), Err(CalibrationError::Weight { row: 0, value: -1.0 }));
        assert!(IsotonicRegression::try_from(Stored { scores: vec![1.0, 0.0], values: vec![0.0, 1.0] }).is_err());
        assert!(IsotonicRegression::try_from(Stored { scores: vec![], values: vec![] }).is_err());
    }

    fn rows() -> impl Strategy<Value = Vec<(f64, f64, f64)>> {
        prop::collection::vec(((-9i8..9).prop_map(f64::from), -5.0..5.0f64, 0.1..4.0f64), 1..80)
    }

    proptest! {
        #[test]
        fn the_map_never_falls_and_keeps_the_mean(rows in rows(), at in prop::collection::vec(-12.0..12.0f64, 2..20)) {
            let scores: Vec<f64> = rows.iter().map(|row| row.0).collect();
            let targets: Vec<f64> = rows.iter().map(|row| row.1).collect();
            let weights: Vec<f64> = rows.iter().map(|row| row.2).collect();
            let map = IsotonicRegression::fit(&scores, &targets, Some(&weights)).unwrap();
            let mut at = at;
            at.sort_by(f64::total_cmp);
            prop_assert!(at.iter().map(|score| map.predict(*score)).is_sorted());
            let fitted: f64 = rows.iter().map(|row| row.2 * map.predict(row.0)).sum();
            let given: f64 = rows.iter().map(|row| row.2 * row.1).sum();
            prop_assert!((fitted - given).abs() < 1e-9 * (1.0 + weights.iter().sum::<f64>()));
        }

        /// Least squares over a convex cone: the residual is orthogonal to the fit, and no shift of an upper part helps.
        #[test]
        fn the_fit_is_optimal(rows in rows()) {
            let (scores, targets): (Vec<f64>, Vec<f64>) = rows.iter().map(|row| (row.0, row.1)).unzip();
            let map = IsotonicRegression::fit(&scores, &targets, None).unwrap();
            let residual = |row: &(f64, f64, f64)| row.1 - map.predict(row.0);
            let along: f64 = rows.iter().map(|row| residual(row) * map.predict(row.0)).sum();
            prop_assert!(along.abs() < 1e-8);
            for from in &scores {
                let upper: f64 = rows.iter().filter(|row| row.0 >= *from).map(residual).sum();
                prop_assert!(upper < 1e-8);
            }
        }
    }
}
