//! The boosted trees: fit and predict.

use ndarray::{Array1, ArrayView2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bins::bin_columns;
use super::errors::GradientBoostingError;
use super::grow::{Grower, TrainingRows};
use super::histogram::Derivatives;
use super::hyperparams::{GradientBoostingParams, GradientBoostingValidParams};
use crate::input::{Real, check_finite, count_positives};
use crate::watch::{Progress, Watch};

/// Rows predicted between two calls of the watch.
const ROWS_PER_BLOCK: usize = 256;

/// One split: a row goes left if its value in `feature` is at most `threshold`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Split {
    pub(super) feature: u32,
    pub(super) threshold: f64,
}

impl Split {
    /// A split that sends every finite value left.
    const LEFT: Self = Self { feature: 0, threshold: f64::MAX };
}

/// Gradient-boosted decision trees for the probability of a yes/no outcome.
///
/// # What it does
/// Starts from the log-odds of the share of positives and adds trees, each fitted to the derivatives of the logistic
/// loss at the sum so far: with `G` and `H` the sums of first and second derivatives over the rows of a node, a leaf
/// adds `-learning_rate G / (H + l2)`, and a split is chosen for the greatest gain
/// `G_l^2 / (H_l + l2) + G_r^2 / (H_r + l2) - G^2 / (H + l2)` (Friedman 2001; Chen and Guestrin 2016, "XGBoost").
/// Values are first sorted into at most 256 bins of equal row counts, so a split is found by scanning sums per bin,
/// and of two children only the smaller is summed (Ke et al. 2017, "LightGBM"). Trees grow level by level to a fixed
/// depth. Nothing is drawn at random: the same rows in the same order give the same model, whatever the threads.
///
/// # When to use it
/// Numeric columns of any scale with thresholds and interactions, some hundred rows or more. Probabilities tend to
/// be over-confident on small data: calibrate them on held-out rows ([`calibration`](crate::calibration)).
///
/// # Cost
/// Fit: `O(rows columns log rows)` for the bins, then `O(trees depth rows columns / 2)`, one byte per value in
/// memory. Predict: `O(rows trees depth)`. Both run on the current rayon pool.
///
/// # Example
/// ```
/// use ndarray::Array2;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::gbdt::GradientBoosting;
///
/// // True when exactly one of two columns is high: no single column tells.
/// let x = Array2::from_shape_fn((400, 2), |(row, column)| ((row * (3 + 4 * column)) % 20) as f64);
/// let labels: Vec<bool> = x.outer_iter().map(|row| (row[0] > 9.5) != (row[1] > 9.5)).collect();
/// let model = GradientBoosting::params().min_leaf_rows(5).check()?.fit(x.view(), &labels, &())?;
/// let found = model.probability(x.view(), &())?;
/// assert!(found.iter().zip(&labels).all(|(p, label)| (*p > 0.5) == *label));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct GradientBoosting {
    base: f64,
    /// Slots per tree, `2^depth`; the layout is that of [`Grower`].
    slots: usize,
    splits: Vec<Split>,
    leaves: Vec<f64>,
    /// One per feature.
    gains: Vec<f64>,
}

impl GradientBoosting {
    /// Hyperparameters to fit with.
    pub fn params() -> GradientBoostingParams {
        GradientBoostingParams::new()
    }

    /// Number of columns that rows must have.
    pub fn n_features(&self) -> usize {
        self.gains.len()
    }

    /// Number of trees.
    pub fn n_trees(&self) -> usize {
        self.splits.len() / self.slots
    }

    /// Share of each feature in the loss that all splits took off the training rows; adds up to 1, or is all 0 if
    /// there was no split. It says what the model uses, not what causes the outcome.
    pub fn importance(&self) -> Array1<f64> {
        let total: f64 = self.gains.iter().sum();
        self.gains.iter().map(|gain| if total > 0.0 { gain / total } else { 0.0 }).collect()
    }

    /// Probability of `true` for each row, in [0, 1]. `x` is rows x `n_features`.
    ///
    /// # Errors
    /// The width differs from that learnt from, a value is not finite as `f32`, or the watch interrupts.
    pub fn probability<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<Array1<f64>, GradientBoostingError> {
        let mut values = self.log_odds(x, watch)?;
        values.mapv_inplace(logistic);
        Ok(values)
    }

    /// Log-odds of `true` for each row. `x` is rows x `n_features`.
    ///
    /// # Errors
    /// As [`probability`](Self::probability).
    pub fn log_odds<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<Array1<f64>, GradientBoostingError> {
        if x.ncols() != self.n_features() {
            return Err(GradientBoostingError::Columns { expected: self.n_features(), found: x.ncols() });
        }
        check_finite(x, watch)?;
        let mut sums = Array1::from_elem(x.nrows(), self.base);
        let progress = Progress::new(watch, x.nrows() as u64);
        let blocks = sums.axis_chunks_iter_mut(Axis(0), ROWS_PER_BLOCK).into_par_iter();
        let rows = x.axis_chunks_iter(Axis(0), ROWS_PER_BLOCK).into_par_iter();
        blocks.zip(rows).try_for_each(|(mut sums, rows)| {
            let values: Vec<f64> = rows.iter().map(|value| value.to_f64()).collect();
            for (splits, leaves) in self.splits.chunks_exact(self.slots).zip(self.leaves.chunks_exact(self.slots)) {
                for (sum, row) in sums.iter_mut().zip(values.chunks_exact(self.n_features())) {
                    *sum += leaves[reached_leaf(splits, row)];
                }
            }
            progress.advance(rows.nrows() as u64)
        })?;
        Ok(sums)
    }
}

fn reached_leaf(splits: &[Split], row: &[f64]) -> usize {
    let mut slot = 1;
    while slot < splits.len() {
        let split = splits[slot];
        slot = 2 * slot + usize::from(row[split.feature as usize] > split.threshold);
    }
    slot - splits.len()
}

fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

impl GradientBoostingValidParams {
    /// Fits the trees to `x`, rows x features, and one label per row.
    ///
    /// # Errors
    /// `x` is empty, labels differ from rows in number or are all alike, a value is not finite as `f32`, or the
    /// watch interrupts.
    pub fn fit<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        labels: &[bool],
        watch: &dyn Watch,
    ) -> Result<GradientBoosting, GradientBoostingError> {
        let positives = check_training(x, labels)?;
        let base = (positives as f64 / (labels.len() - positives) as f64).ln();
        let logistic_loss = |row: usize, log_odds: f64| {
            let p = logistic(log_odds);
            [p - f64::from(u8::from(labels[row])), p * (1.0 - p)]
        };
        self.boost(x, base, logistic_loss, watch)
    }

    /// Adds trees to `base`, each fitted to the derivatives of the loss: those of a row follow from its sum so far.
    pub(super) fn boost<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        base: f64,
        loss: impl Fn(usize, f64) -> Derivatives + Sync,
        watch: &dyn Watch,
    ) -> Result<GradientBoosting, GradientBoostingError> {
        check_finite(x, watch)?;
        let progress = Progress::new(watch, self.n_trees() as u64);
        let columns = bin_columns(x, self.max_bins(), &progress)?;
        let mut model = self.empty_model(x.ncols());
        model.base = base;
        let mut sums = vec![base; x.nrows()];
        let mut derivatives: Vec<Derivatives> = vec![[0.0; 2]; x.nrows()];
        let trees = model.splits.chunks_exact_mut(model.slots).zip(model.leaves.chunks_exact_mut(model.slots));
        for (splits, leaves) in trees {
            let rows = derivatives.par_iter_mut().zip(sums.par_iter()).enumerate().with_min_len(4096);
            rows.for_each(|(row, (derivatives, sum))| *derivatives = loss(row, *sum));
            let training =
                TrainingRows { columns: &columns, derivatives: &derivatives, params: self, progress: &progress };
            let mut rows: Vec<u32> = (0u32..).take(x.nrows()).collect();
            let (sums, gains) = (&mut sums, &mut model.gains);
            Grower { training, splits, leaves, sums, gains, scratch: Vec::new() }.grow(&mut rows)?;
            progress.advance(1)?;
        }
        Ok(model)
    }

    fn empty_model(&self, n_features: usize) -> GradientBoosting {
        let slots = 1 << self.max_depth();
        let all = self.n_trees() * slots;
        GradientBoosting {
            base: 0.0,
            slots,
            splits: vec![Split::LEFT; all],
            leaves: vec![0.0; all],
            gains: vec![0.0; n_features],
        }
    }
}

/// Rows are counted in 32 bits.
pub(super) fn check_rows(rows: usize) -> Result<(), GradientBoostingError> {
    if u32::try_from(rows).is_err() { Err(GradientBoostingError::Rows(rows)) } else { Ok(()) }
}

/// Checks shapes and labels and counts the positives.
fn check_training<F>(x: ArrayView2<'_, F>, labels: &[bool]) -> Result<usize, GradientBoostingError> {
    check_rows(x.nrows())?;
    Ok(count_positives(x.dim(), labels)?)
}

/// A model as read back, before its indices are known to be in range.
#[derive(Deserialize)]
struct Stored {
    base: f64,
    slots: usize,
    splits: Vec<Split>,
    leaves: Vec<f64>,
    gains: Vec<f64>,
}

impl TryFrom<Stored> for GradientBoosting {
    type Error = &'static str;

    fn try_from(Stored { base, slots, splits, leaves, gains }: Stored) -> Result<Self, Self::Error> {
        if slots < 2 || !slots.is_power_of_two() || splits.is_empty() || splits.len() % slots != 0 {
            return Err("gradient boosting: the number of splits is not a whole number of trees");
        }
        if leaves.len() != splits.len() {
            return Err("gradient boosting: splits and leaves differ in number");
        }
        if splits.iter().any(|split| split.feature as usize >= gains.len()) {
            return Err("gradient boosting: a split names a feature that does not exist");
        }
        Ok(Self { base, slots, splits, leaves, gains })
    }
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
