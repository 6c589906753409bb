//! Effects by weighting each row with how improbable what it got was.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::errors::{CausalEffectError, CausalEffectParamsError};
use super::estimate::{Estimand, Estimate};
use super::learners::propensity_in_sample;
use super::overlap::Overlap;
use super::study::Study;
use crate::watch::Watch;

/// The effect of a treatment by inverse probability weighting, normalised (Hajek 1971).
///
/// # What it does
/// Each row counts as often as what it got was improbable, so that both arms become like all rows (Horvitz & Thompson 1952),
/// or, for the effect on the treated, untreated rows become like the treated ones. Probabilities are those logged, or come
/// from a logistic regression on the covariates. Rows with a probability outside `[trim, 1 - trim]` are left out (Crump et
/// al. 2009): the effect is that on the rest. The error is that of known probabilities; for estimated ones it is too wide
/// rather than too narrow for the average over all rows.
///
/// # When to use it
/// Propensities were logged, or how treatment is chosen is better known than what the outcome depends on. It is less precise
/// than [`DoubleMachineLearning`](super::DoubleMachineLearning).
///
/// # Cost
/// `O(rows columns^2)` for the logistic regression, else `O(rows columns)`.
///
/// # Example
/// ```
/// use ndarray::Array2;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::causal_effects::{Estimand, InverseWeighting, Study};
///
/// // Of rows with x = 1, three in four are treated, of those with x = 0 one in four; the treatment does nothing.
/// let x = Array2::from_shape_fn((400, 1), |(row, _)| (row % 2) as f64);
/// let treated: Vec<bool> = (0..400).map(|row| (row / 2 % 4 == 0) != (row % 2 == 1)).collect();
/// let outcome: Vec<f64> = (0..400).map(|row| x[[row, 0]] + (row % 5) as f64).collect();
/// let study = Study::new(x.view(), &treated, &outcome, &())?;
/// let found = InverseWeighting::params().check()?.estimate(&study, Estimand::All, &())?;
/// assert!(found.estimate.effect.abs() < 0.02 && study.naive().effect > 0.4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct InverseWeighting;

impl InverseWeighting {
    /// Hyperparameters to estimate with.
    #[must_use]
    pub fn params() -> InverseWeightingParams {
        InverseWeightingParams::default()
    }
}

/// A weighted effect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Weighted {
    /// The effect.
    pub estimate: Estimate,
    /// How alike the arms are.
    pub overlap: Overlap,
    /// Whether probabilities of treatment were logged; else all were estimated.
    pub logged: bool,
}

/// Checked hyperparameters; made by [`InverseWeightingParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InverseWeightingValidParams {
    trim: f64,
    overlap_minimum: f64,
}

/// Unchecked hyperparameters: rows are left out below .01 and above .99, and half of them must remain, unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InverseWeightingParams(InverseWeightingValidParams);

impl Default for InverseWeightingParams {
    fn default() -> Self {
        Self(InverseWeightingValidParams { trim: 0.01, overlap_minimum: 0.5 })
    }
}

impl InverseWeightingParams {
    /// Rows whose probability of treatment is below this, or above 1 less this, are left out; above 0 and below .5.
    #[must_use]
    pub fn trim(mut self, trim: f64) -> Self {
        self.0.trim = trim;
        self
    }
    /// Share of the rows, and of each arm, that must remain, 0 to 1.
    #[must_use]
    pub fn overlap_minimum(mut self, overlap_minimum: f64) -> Self {
        self.0.overlap_minimum = overlap_minimum;
        self
    }
}

/// Checks the bounds that all weighting shares.
pub(super) fn check_bounds(trim: f64, overlap_minimum: f64) -> Result<(), CausalEffectParamsError> {
    if !(trim > 0.0 && trim < 0.5) {
        return Err(CausalEffectParamsError::Trim(trim));
    }
    if !(0.0..=1.0).contains(&overlap_minimum) {
        return Err(CausalEffectParamsError::OverlapMinimum(overlap_minimum));
    }
    Ok(())
}

impl ParamGuard for InverseWeightingParams {
    type Checked = InverseWeightingValidParams;
    type Error = CausalEffectParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        check_bounds(self.0.trim, self.0.overlap_minimum)?;
        Ok(&self.0)
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

impl InverseWeightingValidParams {
    /// The effect, averaged over the comparable rows that `estimand` names.
    ///
    /// # Errors
    /// Treated and untreated rows do not overlap, the probabilities cannot be learnt, or the watch interrupts.
    pub fn estimate(
        &self,
        study: &Study<'_>,
        estimand: Estimand,
        watch: &dyn Watch,
    ) -> Result<Weighted, CausalEffectError> {
        let propensity = study.propensities(|| propensity_in_sample(study, watch))?;
        let (overlap, rows) = Overlap::of(study, &propensity, self.trim, self.overlap_minimum, watch)?;
        let weight = |row: usize| {
            let p = propensity[row];
            match (estimand, study.treated[row]) {
                (Estimand::All, true) => 1.0 / p,
                (Estimand::All, false) => 1.0 / (1.0 - p),
                (Estimand::Treated, true) => 1.0,
                (Estimand::Treated, false) => p / (1.0 - p),
            }
        };
        let mean = |arm: bool| {
            let of = rows.iter().filter(|row| study.treated[**row] == arm);
            let (sum, total) = of
                .fold((0.0, 0.0), |(sum, total), row| (sum + weight(*row) * study.outcome[*row], total + weight(*row)));
            (sum / total, total / rows.len() as f64)
        };
        let arms = [mean(false), mean(true)];
        let effect = arms[1].0 - arms[0].0;
        let part = |row: &usize| {
            let (mean, total) = arms[usize::from(study.treated[*row])];
            let sign = if study.treated[*row] { 1.0 } else { -1.0 };
            effect + sign * weight(*row) * (study.outcome[*row] - mean) / total
        };
        let parts: Vec<f64> = rows.iter().map(part).collect();
        let group: Option<Vec<u64>> = study.group.map(|group| rows.iter().map(|row| group[*row]).collect());
        let found = Estimate::of_parts(&parts, group.as_deref(), 2);
        let averaged = match estimand {
            Estimand::All => rows.len(),
            Estimand::Treated => rows.iter().filter(|row| study.treated[**row]).count(),
        };
        let estimate = Estimate { effect, rows: averaged, ..found };
        Ok(Weighted { estimate, overlap, logged: study.logged.is_some() })
    }
}

#[cfg(test)]
#[path = "weighting_tests.rs"]
mod tests;
