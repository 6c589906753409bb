//! Effects that hold when either of two models is right.

use linfa::ParamGuard;
use ndarray::{ArrayView2, Axis};

use super::conditional::{ConditionalEffects, FinalStage};
use super::cross_fitting::{CrossFitted, folds};
use super::errors::{CausalEffectError, CausalEffectParamsError};
use super::estimate::{Estimand, Estimate};
use super::learners::{OutcomeLearner, PropensityLearner, expected_outcome, propensity};
use super::overlap::Overlap;
use super::study::Study;
use super::weighting::check_bounds;
use crate::watch::Watch;

/// Effects of a treatment by double machine learning with cross-fitting (Chernozhukov et al. 2018).
///
/// # What it does
/// Rows are dealt into parts. What is expected of a row, its outcome with and without the treatment and its probability of
/// treatment, comes from models that saw the other parts only. From these:
///
/// - [`fit`](DoubleMachineLearningValidParams::fit), the interactive model: each row's score is the expected difference,
///   corrected by the row's own error weighted with how improbable its treatment was (AIPW: Robins, Rotnitzky & Zhao 1994).
///   The mean score is the average effect; it is right if either model is, and its error follows from the scatter of the
///   scores (the influence function). Scores regressed on covariates say for whom the effect is how large (DR-learner:
///   Kennedy 2023).
/// - [`partially_linear`](DoubleMachineLearningValidParams::partially_linear): what is left of the outcome is regressed on
///   what is left of the treatment, times covariates (Robinson 1988; R-learner: Nie & Wager 2021). It needs no division by
///   probabilities, so it bears weaker overlap.
///
/// Logged propensities are used where the study has them. Rows with one outside `[trim, 1 - trim]` are left out.
///
/// # Cost
/// With ridge and logistic regression `O(folds rows columns^2)`; boosted trees `O(folds rows columns trees)`. Runs on the
/// current rayon pool; results do not depend on its size.
///
/// # Example
/// ```
/// use ndarray::Array2;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::causal_effects::{DoubleMachineLearning, Estimand, FinalStage, Study};
///
/// // The treatment adds 1 where x is 0 and 3 where it is 1, and is commoner there; so is a good outcome.
/// let x = Array2::from_shape_fn((800, 1), |(row, _)| (row % 2) as f64);
/// let treated: Vec<bool> = (0..800).map(|row| (row / 2 % 4 == 0) != (row % 2 == 1)).collect();
/// let gain = |row: usize| if treated[row] { 1.0 + 2.0 * x[[row, 0]] } else { 0.0 };
/// let outcome: Vec<f64> = (0..800).map(|row| 5.0 * x[[row, 0]] + gain(row) + (row % 7) as f64 / 7.0).collect();
/// let study = Study::new(x.view(), &treated, &outcome, &())?;
/// let effects = DoubleMachineLearning::params().seed(1).check()?.fit(&study, &())?;
/// assert!((effects.average(Estimand::All).effect - 2.0).abs() < 0.1);
/// let by_row = effects.conditional(x.view(), FinalStage::default(), &())?;
/// assert!((by_row.effect(&[1.0])? - 3.0).abs() < 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct DoubleMachineLearning;

impl DoubleMachineLearning {
    /// Hyperparameters to fit with.
    #[must_use]
    pub fn params() -> DoubleMachineLearningParams {
        DoubleMachineLearningParams::default()
    }
}

/// Checked hyperparameters; made by [`DoubleMachineLearningParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DoubleMachineLearningValidParams {
    folds: usize,
    seed: u64,
    outcome: OutcomeLearner,
    propensity: PropensityLearner,
    trim: f64,
    overlap_minimum: f64,
}

impl DoubleMachineLearningValidParams {
    /// Parts the rows are dealt into.
    #[must_use]
    pub fn folds(&self) -> usize {
        self.folds
    }
    /// What deals them.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }
    /// What learns the outcome.
    #[must_use]
    pub fn outcome(&self) -> OutcomeLearner {
        self.outcome
    }
    /// What learns the probability of treatment where it is not logged.
    #[must_use]
    pub fn propensity(&self) -> PropensityLearner {
        self.propensity
    }
}

/// Unchecked hyperparameters: 5 parts, the best of all learners, rows left out below .01 and above .99, of which half must
/// remain, unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DoubleMachineLearningParams(DoubleMachineLearningValidParams);

impl Default for DoubleMachineLearningParams {
    fn default() -> Self {
        Self(DoubleMachineLearningValidParams {
            folds: 5,
            seed: 0,
            outcome: OutcomeLearner::default(),
            propensity: PropensityLearner::default(),
            trim: 0.01,
            overlap_minimum: 0.5,
        })
    }
}

impl DoubleMachineLearningParams {
    /// Parts the rows are dealt into, 2 to 20: each is judged by models of the others.
    #[must_use]
    pub fn folds(mut self, folds: usize) -> Self {
        self.0.folds = folds;
        self
    }
    /// What deals the rows.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
    /// What learns the outcome.
    #[must_use]
    pub fn outcome(mut self, learner: OutcomeLearner) -> Self {
        self.0.outcome = learner;
        self
    }
    /// What learns the probability of treatment where it is not logged.
    #[must_use]
    pub fn propensity(mut self, learner: PropensityLearner) -> Self {
        self.0.propensity = learner;
        self
    }
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

impl ParamGuard for DoubleMachineLearningParams {
    type Checked = DoubleMachineLearningValidParams;
    type Error = CausalEffectParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        if !(2..=20).contains(&self.0.folds) {
            return Err(CausalEffectParamsError::Folds(self.0.folds));
        }
        check_bounds(self.0.trim, self.0.overlap_minimum)?;
        Ok(&self.0)
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

impl DoubleMachineLearningValidParams {
    /// Scores every comparable row in the interactive model.
    ///
    /// # Errors
    /// Treated and untreated rows do not overlap, a model cannot be learnt, or the watch interrupts.
    pub fn fit(&self, study: &Study<'_>, watch: &dyn Watch) -> Result<Effects, CausalEffectError> {
        // On a thread of the pool, which need not be woken for every step.
        rayon::scope(|_| self.fit_in_pool(study, watch))
    }

    fn fit_in_pool(&self, study: &Study<'_>, watch: &dyn Watch) -> Result<Effects, CausalEffectError> {
        let nuisance = CrossFitted::of(self, study, watch)?;
        let (overlap, rows) = Overlap::of(study, &nuisance.propensity, self.trim, self.overlap_minimum, watch)?;
        let (mut scores, mut on_treated) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for &row in &rows {
            let (p, with, without) = (nuisance.propensity[row], nuisance.with[row], nuisance.without[row]);
            let outcome = study.outcome[row];
            if study.treated[row] {
                scores.push(with - without + (outcome - with) / p);
                on_treated.push(outcome - without);
            } else {
                scores.push(with - without - (outcome - without) / (1.0 - p));
                on_treated.push(-(outcome - without) * p / (1.0 - p));
            }
        }
        let take = |row: &usize| (nuisance.fold[*row], study.treated[*row]);
        let (fold, treated) = rows.iter().map(take).unzip();
        let group = study.group.map(|group| rows.iter().map(|row| group[*row]).collect());
        let logged = study.logged.is_some();
        Ok(Effects { rows, scores, on_treated, treated, fold, group, overlap, logged, nuisance })
    }

    /// The effect as a linear function of `modifiers` (rows x columns; none for one effect for all), in the partially linear
    /// model.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); or `modifiers` have another number of rows.
    pub fn partially_linear(
        &self,
        study: &Study<'_>,
        modifiers: ArrayView2<'_, f64>,
        watch: &dyn Watch,
    ) -> Result<ConditionalEffects, CausalEffectError> {
        let (rows, found) = (study.rows(), modifiers.nrows());
        if rows != found {
            return Err(CausalEffectError::Lengths { rows, what: "rows of modifiers", found });
        }
        // On a thread of the pool, which need not be woken for every step.
        rayon::scope(|_| self.partially_linear_in_pool(study, modifiers, watch))
    }

    fn partially_linear_in_pool(
        &self,
        study: &Study<'_>,
        modifiers: ArrayView2<'_, f64>,
        watch: &dyn Watch,
    ) -> Result<ConditionalEffects, CausalEffectError> {
        let folds = folds(study, self.folds, self.seed);
        let expected = expected_outcome(self.outcome, study, &folds, None, watch)?;
        let propensity = study.propensities(|| propensity(self.propensity, study, &folds, watch))?;
        let (_, kept) = Overlap::of(study, &propensity, self.trim, self.overlap_minimum, watch)?;
        let residual = |row: usize| {
            let treatment = f64::from(u8::from(study.treated[row])) - propensity[row];
            (treatment, study.outcome[row] - expected[row])
        };
        ConditionalEffects::of_residuals(modifiers, &kept, residual, study.group, watch)
    }
}

/// The scores of the interactive model, and what follows from them.
#[derive(Debug, Clone, PartialEq)]
pub struct Effects {
    /// The comparable rows.
    rows: Vec<usize>,
    /// Of each of them.
    scores: Vec<f64>,
    on_treated: Vec<f64>,
    treated: Vec<bool>,
    fold: Vec<usize>,
    group: Option<Vec<u64>>,
    overlap: Overlap,
    logged: bool,
    nuisance: CrossFitted,
}

impl Effects {
    /// The average effect over the comparable rows that `estimand` names.
    #[must_use]
    pub fn average(&self, estimand: Estimand) -> Estimate {
        let group = self.group.as_deref();
        match estimand {
            Estimand::All => Estimate::of_parts(&self.scores, group, 1),
            Estimand::Treated => {
                let treated = self.treated.iter().filter(|treated| **treated).count();
                let share = treated as f64 / self.rows.len() as f64;
                let effect = self.on_treated.iter().sum::<f64>() / treated as f64;
                let part = |(score, treated): (&f64, &bool)| {
                    effect + score / share - if *treated { effect / share } else { 0.0 }
                };
                let parts: Vec<f64> = self.on_treated.iter().zip(&self.treated).map(part).collect();
                Estimate { effect, rows: treated, ..Estimate::of_parts(&parts, group, 1) }
            }
        }
    }

    /// The effect as a function of `x`, rows x columns: of all rows of the study, in their order.
    ///
    /// # Errors
    /// `x` has too few rows, a model cannot be learnt, or the watch interrupts.
    pub fn conditional(
        &self,
        x: ArrayView2<'_, f64>,
        stage: FinalStage,
        watch: &dyn Watch,
    ) -> Result<ConditionalEffects, CausalEffectError> {
        let rows = self.overlap.rows;
        if x.nrows() != rows {
            return Err(CausalEffectError::Lengths { rows, what: "rows of covariates", found: x.nrows() });
        }
        let x = x.select(Axis(0), &self.rows);
        ConditionalEffects::of_scores(x.view(), &self.scores, &self.fold, stage, watch)
    }

    /// The comparable rows, in order.
    #[must_use]
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// An unbiased, if noisy, figure for the effect on each of them.
    #[must_use]
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// How alike the arms are.
    #[must_use]
    pub fn overlap(&self) -> &Overlap {
        &self.overlap
    }

    /// Whether probabilities of treatment were logged; else all were estimated.
    #[must_use]
    pub fn logged(&self) -> bool {
        self.logged
    }

    /// What was expected of each row of the study.
    #[must_use]
    pub fn nuisance(&self) -> &CrossFitted {
        &self.nuisance
    }
}

#[cfg(test)]
#[path = "double_machine_learning_tests.rs"]
mod tests;
