//! Fit and predict.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::LogisticRegressionError;
use super::hyperparams::{LogisticRegressionParams, LogisticRegressionValidParams};
use crate::cholesky::Symmetric;
use crate::input::{Real, check_finite, count_positives};
use crate::watch::{Interrupted, Watch};

/// More columns would make one block of rows take longer than a cancellation may.
const COLUMNS_MAX: usize = 512;
/// Rows summed by one thread in one go.
const ROWS_PER_BLOCK: usize = 512;
/// Blocks in flight between two calls of the watch; bounds the memory for partial sums.
const BLOCKS_PER_WAVE: usize = 16;
/// A line search below this has met rounding: no shorter step can lower the loss.
const STEP_MIN: f64 = 1e-10;

/// Logistic regression with an L2 penalty: `p = 1 / (1 + exp(-(x . coefficients + intercept)))`.
///
/// # What it does
/// Minimises the summed logistic loss plus `l2 / 2` times the squared length of the coefficients (the intercept goes
/// free), by Newton's method, also known as iteratively reweighted least squares (McCullagh and Nelder 1989), with a
/// backtracking line search. The minimum is unique; `l2 = 1 / C` of scikit-learn's `LogisticRegression`. Put columns
/// on one scale first: the penalty does not know their units.
///
/// # Cost
/// `O(rows columns^2 + columns^3)` per step, about six steps, at most 512 columns. Runs on the current rayon pool;
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
        Ok(x.outer_iter().map(|row| margin(row, &self.coefficients) + self.intercept).collect())
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

fn margin<F: Real>(row: ArrayView1<'_, F>, coefficients: &[f64]) -> f64 {
    row.iter().zip(coefficients).map(|(value, coefficient)| value.to_f64() * coefficient).sum()
}

fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Rows with their labels, and the penalty.
struct Objective<'a, F> {
    x: ArrayView2<'a, F>,
    labels: &'a [bool],
    l2: f64,
    watch: &'a dyn Watch,
    steps: u64,
    max_steps: u64,
}

/// Gradient and Hessian, the intercept last.
struct Slope {
    gradient: Vec<f64>,
    hessian: Symmetric,
}

impl<F: Real> Objective<'_, F> {
    /// Computes `part` of every block of rows on all threads and hands the results on in row order.
    fn by_block<T: Send>(
        &self,
        part: impl Fn(ArrayView2<'_, F>, &[bool]) -> T + Sync,
        mut take: impl FnMut(T),
    ) -> Result<(), Interrupted> {
        let wave = ROWS_PER_BLOCK * BLOCKS_PER_WAVE;
        for (x, labels) in self.x.axis_chunks_iter(Axis(0), wave).zip(self.labels.chunks(wave)) {
            self.watch.tick(self.steps, self.max_steps)?;
            let blocks = x.axis_chunks_iter(Axis(0), ROWS_PER_BLOCK).into_par_iter();
            let parts = blocks.zip(labels.par_chunks(ROWS_PER_BLOCK)).map(|(x, labels)| part(x, labels));
            parts.collect::<Vec<T>>().into_iter().for_each(&mut take);
        }
        Ok(())
    }

    /// The loss at `parameters`, coefficients first, then the intercept.
    fn loss(&self, parameters: &[f64]) -> Result<f64, Interrupted> {
        let (intercept, coefficients) = apart(parameters);
        let mut loss = 0.5 * self.l2 * coefficients.iter().map(|value| value * value).sum::<f64>();
        let of_block = |x: ArrayView2<'_, F>, labels: &[bool]| -> f64 {
            let of_row = |(row, label): (ArrayView1<'_, F>, &bool)| {
                let log_odds = margin(row, coefficients) + intercept;
                // ln(1 + exp(log_odds)), without overflow, less the log-odds of positive rows.
                log_odds.max(0.0) + (-log_odds.abs()).exp().ln_1p() - if *label { log_odds } else { 0.0 }
            };
            x.outer_iter().zip(labels).map(of_row).sum()
        };
        self.by_block(of_block, |part| loss += part)?;
        Ok(loss)
    }

    fn slope(&self, parameters: &[f64]) -> Result<Slope, Interrupted> {
        let (intercept, coefficients) = apart(parameters);
        let order = parameters.len();
        let of_block = |x: ArrayView2<'_, F>, labels: &[bool]| {
            let mut gradient = vec![0.0; order];
            // Each row with a one, times the root of its weight: their products are the Hessian.
            let mut weighted = Array2::<f64>::ones((x.nrows(), order));
            for ((row, label), mut extended) in x.outer_iter().zip(labels).zip(weighted.outer_iter_mut()) {
                extended.iter_mut().zip(row).for_each(|(to, value)| *to = value.to_f64());
                let p = logistic(margin(row, coefficients) + intercept);
                let (error, root) = (p - f64::from(u8::from(*label)), (p * (1.0 - p)).sqrt());
                gradient.iter_mut().zip(&mut extended).for_each(|(sum, value)| {
                    *sum += error * *value;
                    *value *= root;
                });
            }
            let mut products = Array2::<f64>::zeros((order, order));
            general_mat_mul(1.0, &weighted.t(), &weighted, 0.0, &mut products);
            Slope { gradient, hessian: Symmetric::leading(&products, order) }
        };
        let mut all = Slope { gradient: vec![0.0; order], hessian: Symmetric::zeros(order) };
        self.by_block(of_block, |part| {
            all.gradient.iter_mut().zip(part.gradient).for_each(|(sum, value)| *sum += value);
            all.hessian.lower.iter_mut().zip(part.hessian.lower).for_each(|(sum, value)| *sum += value);
        })?;
        for (row, coefficient) in coefficients.iter().enumerate() {
            all.gradient[row] += self.l2 * coefficient;
            all.hessian.add_diagonal(row, self.l2);
        }
        Ok(all)
    }
}

/// Intercept and coefficients.
fn apart(parameters: &[f64]) -> (f64, &[f64]) {
    parameters.split_last().map_or((0.0, &[]), |(intercept, coefficients)| (*intercept, coefficients))
}

/// The Newton direction. Rounding can make a nearly singular Hessian indefinite: then a growing ridge is added.
fn direction(slope: &Slope) -> Option<Vec<f64>> {
    let downhill: Vec<f64> = slope.gradient.iter().map(|value| -value).collect();
    let scale = slope.hessian.lower.iter().fold(1.0f64, |most, value| most.max(value.abs()));
    let ridges = std::iter::once(0.0).chain((0..8).map(|power| scale * 1e-12 * 10f64.powi(power)));
    ridges.into_iter().find_map(|ridge| {
        let mut hessian = slope.hessian.clone();
        (0..hessian.order).for_each(|row| hessian.add_diagonal(row, ridge));
        hessian.solve(&downhill)
    })
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
        let positives = check_training(x, labels)?;
        check_finite(x, watch)?;
        let rows = labels.len() as f64;
        let max_steps = self.max_steps() as u64;
        let mut objective = Objective { x: x.view(), labels, l2: self.l2(), watch, steps: 0, max_steps };
        let mut parameters = vec![0.0; x.ncols()];
        parameters.push((positives as f64 / (rows - positives as f64)).ln());
        let mut loss = objective.loss(&parameters)?;
        let mut steps = 0;
        let gradient = loop {
            let slope = objective.slope(&parameters)?;
            let gradient = slope.gradient.iter().fold(0.0f64, |most, value| most.max(value.abs())) / rows;
            if gradient <= self.tolerance() || steps == self.max_steps() {
                break gradient;
            }
            let Some((next, next_loss)) = line_search(&objective, &parameters, loss, &slope)? else {
                break gradient;
            };
            (parameters, loss) = (next, next_loss);
            steps += 1;
            objective.steps = steps as u64;
        };
        if gradient.is_nan() || gradient > self.tolerance() {
            return Err(LogisticRegressionError::NotConverged { steps, gradient });
        }
        let (intercept, coefficients) = apart(&parameters);
        Ok(LogisticRegression { coefficients: coefficients.to_vec(), intercept })
    }
}

/// The first of ever shorter Newton steps that lowers the loss enough, and the loss there; nothing if none does.
fn line_search<F: Real>(
    objective: &Objective<'_, F>,
    parameters: &[f64],
    loss: f64,
    slope: &Slope,
) -> Result<Option<(Vec<f64>, f64)>, Interrupted> {
    let Some(direction) = direction(slope) else {
        return Ok(None);
    };
    let descent: f64 = direction.iter().zip(&slope.gradient).map(|(a, b)| a * b).sum();
    // Near the minimum the expected change is lost in the rounding of the loss: allow for that.
    let rounding = 4.0 * f64::EPSILON * loss;
    let mut step = 1.0;
    while step > STEP_MIN {
        let next: Vec<f64> = parameters.iter().zip(&direction).map(|(at, towards)| at + step * towards).collect();
        let next_loss = objective.loss(&next)?;
        if next_loss <= loss + 1e-4 * step * descent + rounding {
            return Ok(Some((next, next_loss)));
        }
        step /= 2.0;
    }
    Ok(None)
}

/// Checks shapes and labels and counts the positives.
fn check_training<F>(x: ArrayView2<'_, F>, labels: &[bool]) -> Result<usize, LogisticRegressionError> {
    if x.ncols() > COLUMNS_MAX {
        return Err(LogisticRegressionError::TooManyColumns(x.ncols()));
    }
    Ok(count_positives(x.dim(), labels)?)
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
