//! Boosted trees for a number.

use ndarray::{Array1, ArrayView2};
use serde::{Deserialize, Serialize};

use super::algorithm::{GradientBoosting, check_rows};
use super::errors::GradientBoostingError;
use super::hyperparams::GradientBoostingValidParams;
use crate::input::{BadLabels, Real};
use crate::watch::Watch;

/// Gradient-boosted decision trees for a number: those of [`GradientBoosting`] with squared error for a loss (Friedman 2001).
///
/// Targets are first put on a common scale (mean 0, deviation 1), so that penalties mean the same whatever the unit. The
/// hyperparameters and the cost are those of [`GradientBoosting`].
///
/// # Example
/// ```
/// use ndarray::Array2;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::gbdt::{GradientBoosting, GradientBoostingRegressor};
///
/// let x = Array2::from_shape_fn((400, 1), |(row, _)| (row % 20) as f64);
/// let targets: Vec<f64> = x.iter().map(|x| if *x > 9.5 { 30.0 } else { -10.0 }).collect();
/// let model = GradientBoosting::params().min_leaf_rows(5).check()?.fit_values(x.view(), &targets, &())?;
/// let found = model.predict(x.view(), &())?;
/// assert!(found.iter().zip(&targets).all(|(found, target)| (found - target).abs() < 0.1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GradientBoostingRegressor {
    trees: GradientBoosting,
    mean: f64,
    scale: f64,
}

impl GradientBoostingRegressor {
    /// The value at each row. `x` is rows x features.
    ///
    /// # Errors
    /// The width differs from that learnt from, a value is not finite as `f32`, or the watch interrupts.
    pub fn predict<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<Array1<f64>, GradientBoostingError> {
        let mut values = self.trees.log_odds(x, watch)?;
        values.mapv_inplace(|value| self.mean + self.scale * value);
        Ok(values)
    }

    /// As [`GradientBoosting::importance`].
    pub fn importance(&self) -> Array1<f64> {
        self.trees.importance()
    }
}

impl GradientBoostingValidParams {
    /// Fits the trees to `x`, rows x features, and one number per row.
    ///
    /// # Errors
    /// `x` is empty, targets differ from rows in number, a value or a target is not finite, or the watch interrupts.
    pub fn fit_values<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        targets: &[f64],
        watch: &dyn Watch,
    ) -> Result<GradientBoostingRegressor, GradientBoostingError> {
        check_rows(x.nrows())?;
        if x.is_empty() {
            return Err(BadLabels::Empty { rows: x.nrows(), columns: x.ncols() }.into());
        }
        if targets.len() != x.nrows() {
            return Err(BadLabels::Lengths { rows: x.nrows(), labels: targets.len() }.into());
        }
        if let Some(row) = targets.iter().position(|target| !target.is_finite()) {
            return Err(GradientBoostingError::Target(row));
        }
        let rows = targets.len() as f64;
        let mean = targets.iter().sum::<f64>() / rows;
        let deviation = (targets.iter().map(|t| (t - mean) * (t - mean)).sum::<f64>() / rows).sqrt();
        let scale = if deviation > 0.0 && deviation.is_finite() { deviation } else { 1.0 };
        let squared_error = |row: usize, sum: f64| [sum - (targets[row] - mean) / scale, 1.0];
        let trees = self.boost(x, 0.0, squared_error, watch)?;
        Ok(GradientBoostingRegressor { trees, mean, scale })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ParamGuard;
    use ndarray::Array2;

    fn rows() -> Array2<f64> {
        Array2::from_shape_fn((600, 2), |(row, column)| ((row * (7 + 4 * column)) % 30) as f64 / 30.0)
    }

    #[test]
    fn a_product_is_learnt_whatever_its_unit() {
        let x = rows();
        for unit in [1e-4, 1.0, 1e6] {
            let targets: Vec<f64> = x.outer_iter().map(|row| unit * (5.0 + row[0] * row[1])).collect();
            let model = GradientBoosting::params().check().unwrap().fit_values(x.view(), &targets, &()).unwrap();
            let found = model.predict(x.view(), &()).unwrap();
            let worst = found.iter().zip(&targets).map(|(a, b)| (a - b).abs() / unit).fold(0.0, f64::max);
            assert!(worst < 0.1, "off by {worst} units of {unit}");
        }
    }

    #[test]
    fn equal_targets_are_learnt_and_bad_ones_refused() {
        let (x, params) = (rows(), GradientBoosting::params().check().unwrap());
        let model = params.fit_values(x.view(), &[4.0; 600], &()).unwrap();
        assert!(model.predict(x.view(), &()).unwrap().iter().all(|value| *value == 4.0));
        let mut targets = vec![0.0; 600];
        targets[3] = f64::NAN;
        assert_eq!(params.fit_values(x.view(), &targets, &()), Err(GradientBoostingError::Target(3)));
        assert!(params.fit_values(x.view(), &targets[..4], &()).is_err());
    }
}
