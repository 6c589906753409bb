//! Fit and predict.

use ndarray::{Array1, ArrayView2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::LogisticRegressionError;
use super::hyperparams::{LogisticRegressionParams, LogisticRegressionValidParams};
use super::newton::{Minimum, minimum};
use super::objective::{Examples, Table};
use crate::input::{Real, check_finite, count_positives};
use crate::lanes::dot;
use crate::watch::{Progress, Watch};

/// More columns would make one block of rows take longer than a cancellation may.
const COLUMNS_MAX: usize = 512;
/// Rows predicted by one thread in one go.
const ROWS_PER_CHUNK: usize = 4096;

/// Logistic regression with an L2 penalty: `p = 1 / (1 + exp(-(x . coefficients + intercept)))`.
///
/// # What it does
/// Minimises the summed logistic loss plus `l2 / 2` times the squared length of the coefficients (the intercept goes
/// free), by Newton's method, also known as iteratively reweighted least squares (McCullagh and Nelder 1989), with a
/// backtracking line search; of many rows some give the start. The minimum is unique; `l2 = 1 / C` of scikit-learn's `LogisticRegression`. Put columns
/// on one scale first: the penalty does not know their units.
///
/// # Cost
/// `O(rows columns^2 + columns^3)` per step, three to six steps, at most 512 columns. Runs on the current rayon pool;
/// partial sums are added in row order, so results do not depend on its size.
///
/// # Example
/// ```
/// use ndarray::array;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::logistic::LogisticRegression;
/// let x = array![[0.0], [1.0], [2.0], [3.0]];
/// let model = LogisticRegression::params().check()?.fit(x.view(), &[false, true, false, true], &())?;
/// let found = model.probability(array![[1.5]].view(), &())?;
/// assert!((found[0] - 0.5).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogisticRegression {
    coefficients: Vec<f64>,
    intercept: f64,
}

impl LogisticRegression {
    /// Hyperparameters to fit with.
    pub fn params() -> LogisticRegressionParams {
        LogisticRegressionParams::new()
    }

    /// Change of the log-odds per unit of each feature.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// Log-odds where all features are 0.
    pub fn intercept(&self) -> f64 {
        self.intercept
    }

    /// Log-odds of `true` for each row. `x` is rows x columns.
    ///
    /// # Errors
    /// The width differs from that learnt from, a value is not finite as `f32`, or the watch interrupts.
    pub fn log_odds<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<Array1<f64>, LogisticRegressionError> {
        if x.ncols() != self.coefficients.len() {
            return Err(LogisticRegressionError::Columns { expected: self.coefficients.len(), found: x.ncols() });
        }
        check_finite(x, watch)?;
        let progress = Progress::new(watch, x.nrows() as u64);
        let mut found = Array1::zeros(x.nrows());
        let chunks = found.axis_chunks_iter_mut(Axis(0), ROWS_PER_CHUNK).into_par_iter();
        chunks.zip(x.axis_chunks_iter(Axis(0), ROWS_PER_CHUNK).into_par_iter()).try_for_each(|(mut found, x)| {
            let mut features = vec![0.0; x.ncols()];
            for (found, row) in found.iter_mut().zip(x.outer_iter()) {
                features.iter_mut().zip(row).for_each(|(to, value)| *to = value.to_f64());
                *found = self.log_odds_of(&features);
            }
            progress.advance(found.len() as u64)
        })?;
        Ok(found)
    }

    fn log_odds_of(&self, features: &[f64]) -> f64 {
        dot(features, &self.coefficients) + self.intercept
    }

    /// Probability of `true` for as many features as were learnt from.
    pub(crate) fn probability_of(&self, features: &[f64]) -> f64 {
        logistic(self.log_odds_of(features))
    }

    /// Probability of `true` for each row, in [0, 1]. `x` is rows x columns.
    ///
    /// # Errors
    /// As [`log_odds`](Self::log_odds).
    pub fn probability<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<Array1<f64>, LogisticRegressionError> {
        let mut values = self.log_odds(x, watch)?;
        values.mapv_inplace(logistic);
        Ok(values)
    }
}

fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

impl LogisticRegressionValidParams {
    /// Fits the model to `x`, rows x columns, and one label per row.
    ///
    /// # Errors
    /// `x` is empty or too wide, labels differ from rows in number or are all alike, a value is not finite as `f32`,
    /// the minimum is not reached in `max_steps` steps, or the watch interrupts.
    pub fn fit<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        labels: &[bool],
        watch: &dyn Watch,
    ) -> Result<LogisticRegression, LogisticRegressionError> {
        let positives = check_training(x.dim(), labels)?;
        check_finite(x, watch)?;
        self.fit_counted(&Table { x: x.view(), labels }, positives, watch)
    }

    /// Fits the model to examples wherever they are kept, all of them finite.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub(crate) fn fit_examples<E: Examples>(
        &self,
        examples: &E,
        watch: &dyn Watch,
    ) -> Result<LogisticRegression, LogisticRegressionError> {
        let labels: Vec<bool> = (0..examples.rows()).map(|row| examples.label(row)).collect();
        let positives = check_training((examples.rows(), examples.columns()), &labels)?;
        self.fit_counted(examples, positives, watch)
    }

    fn fit_counted<E: Examples>(
        &self,
        examples: &E,
        positives: usize,
        watch: &dyn Watch,
    ) -> Result<LogisticRegression, LogisticRegressionError> {
        let Minimum { mut parameters, steps, gradient } = minimum(self, examples, positives, watch)?;
        if gradient.is_nan() || gradient > self.tolerance() {
            return Err(LogisticRegressionError::NotConverged { steps, gradient });
        }
        let intercept = parameters.pop().unwrap_or_default();
        Ok(LogisticRegression { coefficients: parameters, intercept })
    }
}

/// Checks the shape (rows, columns) and the labels and counts the positives.
fn check_training(shape: (usize, usize), labels: &[bool]) -> Result<usize, LogisticRegressionError> {
    if shape.1 > COLUMNS_MAX {
        return Err(LogisticRegressionError::TooManyColumns(shape.1));
    }
    Ok(count_positives(shape, labels)?)
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
