//! Effects by regression.

use linfa::ParamGuard;

use super::cross_products::{by_row, cross_products};
use super::errors::{CausalEffectError, CausalEffectParamsError};
use super::estimate::{Estimand, Estimate};
use super::learners::Basis;
use super::least_squares::Features;
use super::study::Study;
use crate::cholesky::Symmetric;
use crate::lanes::dot;
use crate::watch::{Progress, Watch};

/// Share of the treatment's square that the covariates must leave over.
const TOLERANCE: f64 = 1e-10;

/// The effect of a treatment by linear regression of the outcome on treatment and covariates.
///
/// # What it does
/// Without interactions: ordinary least squares of the outcome on a one, the covariates and the treatment, whose coefficient
/// is the effect; the error holds whatever the variance from row to row (HC1: White 1980, MacKinnon & White 1985). Where
/// effects differ between rows, this is an average with weights of its own.
/// With interactions: one regression for treated and one for untreated rows; the effect is the mean difference of what they
/// expect (Lin 2013), of all rows or of the treated ones. The error counts that other rows might have been drawn.
///
/// Columns that depend on those before them are left out.
///
/// # When to use it
/// Few covariates with effects that are about linear, and in randomised experiments, where it takes out noise.
///
/// # Cost
/// `O(rows columns^2 + columns^3)`. Runs on the current rayon pool; results do not depend on its size.
///
/// # Example
/// ```
/// use ndarray::Array2;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::causal_effects::{Estimand, RegressionAdjustment, Study};
///
/// // Rows with a high covariate are treated more often, and do better anyway; the treatment adds 2.
/// let x = Array2::from_shape_fn((200, 1), |(row, _)| (row % 20) as f64);
/// let treated: Vec<bool> = (0..200).map(|row| (row % 20) + (row * 7) % 13 > 15).collect();
/// let outcome: Vec<f64> = (0..200).map(|row| x[[row, 0]] + if treated[row] { 2.0 } else { 0.0 }).collect();
/// let study = Study::new(x.view(), &treated, &outcome, &())?;
/// let found = RegressionAdjustment::params().check()?.estimate(&study, Estimand::All, &())?;
/// assert!((found.effect - 2.0).abs() < 1e-9 && study.naive().effect > 5.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RegressionAdjustment;

impl RegressionAdjustment {
    /// Hyperparameters to estimate with.
    #[must_use]
    pub fn params() -> RegressionAdjustmentParams {
        RegressionAdjustmentParams::default()
    }
}

/// Checked hyperparameters; made by [`RegressionAdjustmentParams`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegressionAdjustmentValidParams {
    interactions: bool,
}

/// Unchecked hyperparameters: no interactions unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegressionAdjustmentParams(RegressionAdjustmentValidParams);

impl Default for RegressionAdjustmentParams {
    fn default() -> Self {
        Self(RegressionAdjustmentValidParams { interactions: false })
    }
}

impl RegressionAdjustmentParams {
    /// Whether treated and untreated rows get a regression each. The effect on the treated always takes one for the
    /// untreated rows alone.
    #[must_use]
    pub fn interactions(mut self, interactions: bool) -> Self {
        self.0.interactions = interactions;
        self
    }
}

impl ParamGuard for RegressionAdjustmentParams {
    type Checked = RegressionAdjustmentValidParams;
    type Error = CausalEffectParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        Ok(&self.0)
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        Ok(self.0)
    }
}

impl RegressionAdjustmentValidParams {
    /// The effect, averaged over the rows that `estimand` names.
    ///
    /// # Errors
    /// The covariates determine the treatment, the sums overflow, or the watch interrupts.
    pub fn estimate(
        &self,
        study: &Study<'_>,
        estimand: Estimand,
        watch: &dyn Watch,
    ) -> Result<Estimate, CausalEffectError> {
        let features = Features::of(study.x, Basis::Linear);
        let progress = Progress::new(watch, study.rows() as u64);
        // On a thread of the pool, which need not be woken for every step.
        rayon::scope(|_| {
            if self.interactions || estimand == Estimand::Treated {
                return by_arm(study, &features, estimand, &progress);
            }
            additive(study, &features, &progress)
        })
    }
}

/// The coefficient of the treatment. It comes last among the columns, so what is left of its square after elimination of
/// the others says whether it can be told from them.
fn additive(study: &Study<'_>, features: &Features, progress: &Progress<'_>) -> Result<Estimate, CausalEffectError> {
    let (rows, width) = (study.rows(), features.width());
    let treatment = width + 1;
    let order = treatment + 1;
    let write = |row: usize, to: &mut [f64]| {
        to[0] = 1.0;
        features.write(study.x.row(row), &mut to[1..=width]);
        to[treatment] = f64::from(u8::from(study.treated[row]));
        to[order] = study.outcome[row];
    };
    let products = cross_products(rows, order + 1, write, progress)?;
    progress.advance(rows as u64 / 2)?;
    let factor =
        Symmetric::leading(&products, order).factor_of_independent(TOLERANCE).ok_or(CausalEffectError::Overflow)?;
    if !factor.keeps(treatment) {
        return Err(CausalEffectError::Collinear);
    }
    let cross: Vec<f64> = products.row(order).iter().take(order).copied().collect();
    let coefficients = factor.solve(&cross);
    let mut unit = vec![0.0; order];
    unit[treatment] = 1.0;
    let pull = factor.solve(&unit);
    let (effect, kept) = (coefficients[treatment], (0..order).filter(|column| factor.keeps(*column)).count());
    let part = |row: usize, of_row: &mut [f64]| {
        let treated = f64::from(u8::from(study.treated[row]));
        features.write(study.x.row(row), of_row);
        let expected = coefficients[0] + effect * treated + dot(of_row, &coefficients[1..=width]);
        let weight = pull[0] + pull[treatment] * treated + dot(of_row, &pull[1..=width]);
        effect + rows as f64 * weight * (study.outcome[row] - expected)
    };
    let parts = by_row(rows, width, part, progress)?;
    let found = Estimate::of_parts(&parts, study.group, kept);
    progress.advance(rows as u64 / 2)?;
    Ok(Estimate { effect, ..found })
}

/// One regression for each arm.
fn by_arm(
    study: &Study<'_>,
    features: &Features,
    estimand: Estimand,
    progress: &Progress<'_>,
) -> Result<Estimate, CausalEffectError> {
    let (rows, order) = (study.rows(), features.width() + 1);
    let of_target = |row: usize| estimand == Estimand::All || study.treated[row];
    let write = |row: usize, to: &mut [f64]| {
        to[0] = 1.0;
        features.write(study.x.row(row), &mut to[1..order]);
        to[order] = study.outcome[row];
    };
    let target: Vec<usize> = (0..rows).filter(|row| of_target(*row)).collect();
    let of_targets = cross_products(target.len(), order + 1, |i, to| write(target[i], to), progress)?;
    // The first row of the products holds the sums.
    let sums: Vec<f64> = of_targets.row(0).iter().take(order).copied().collect();
    let mut arms = Vec::with_capacity(2);
    for arm in [false, true] {
        let members: Vec<usize> = (0..rows).filter(|row| study.treated[*row] == arm).collect();
        let products = cross_products(members.len(), order + 1, |i, to| write(members[i], to), progress)?;
        let factor =
            Symmetric::leading(&products, order).factor_of_independent(TOLERANCE).ok_or(CausalEffectError::Overflow)?;
        let cross: Vec<f64> = products.row(order).iter().take(order).copied().collect();
        let kept = (0..order).filter(|column| factor.keeps(*column)).count();
        let small_sample = (members.len() as f64 / (members.len() as f64 - kept as f64).max(1.0)).sqrt();
        arms.push((factor.solve(&cross), factor.solve(&sums), small_sample));
        progress.advance(rows as u64 / 3)?;
    }
    let share = target.len() as f64 / rows as f64;
    let part = |row: usize, of_row: &mut [f64]| {
        features.write(study.x.row(row), of_row);
        let line = |coefficients: &[f64]| coefficients[0] + dot(of_row, &coefficients[1..order]);
        let own = &arms[usize::from(study.treated[row])];
        let (without, with, weight) = (line(&arms[0].0), line(&arms[1].0), line(&own.1));
        let error = study.outcome[row] - if study.treated[row] { with } else { without };
        let sign = if study.treated[row] { 1.0 } else { -1.0 };
        let drawn = if of_target(row) { (with - without) / share } else { 0.0 };
        // A row's pull on its regression, times how far that regression then moves the mean over the target.
        (drawn, sign * own.2 * weight * error / share, of_target(row))
    };
    let found = by_row(rows, features.width(), part, progress)?;
    let effect = found.iter().map(|(drawn, ..)| drawn).sum::<f64>() / rows as f64;
    // A target of some rows only: its mean is a ratio, and each of its rows takes its share of the effect away.
    let parts: Vec<f64> = found
        .into_iter()
        .map(|(drawn, pulled, target)| effect + drawn + pulled - if target { effect / share } else { 0.0 })
        .collect();
    let estimate = Estimate::of_parts(&parts, study.group, 1);
    progress.advance(rows as u64 / 3)?;
    Ok(Estimate { effect, rows: target.len(), ..estimate })
}

#[cfg(test)]
#[path = "regression_tests.rs"]
mod tests;
