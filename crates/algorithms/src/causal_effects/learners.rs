//! What learns the outcome and the treatment from the covariates.

use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::errors::CausalEffectError;
use super::least_squares::{Features, Sums};
use super::study::Study;
use crate::ParamGuard;
use crate::gbdt::{GradientBoosting, GradientBoostingValidParams};
use crate::logistic::LogisticRegression;
use crate::watch::{Progress, Watch};

/// More columns than this make no products of two.
const INTERACTION_COLUMNS: usize = 20;
/// Boosted trees: shallow ones, as there are rather few rows in an arm.
const TREES: usize = 100;
const DEPTH: u32 = 3;
/// A probability never counts as surer than this when learners are compared.
const SURE: f64 = 1e-6;

/// The columns a linear model sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Basis {
    /// The covariates.
    #[default]
    Linear,
    /// Their squares too.
    Squares,
    /// Their squares and the products of any two.
    Interactions,
}

impl Basis {
    pub(super) fn width(self, columns: usize) -> usize {
        match self {
            Self::Linear => columns,
            Self::Squares => 2 * columns,
            Self::Interactions => columns + columns * (columns + 1) / 2,
        }
    }

    /// Writes what is there beside the linear columns.
    pub(super) fn expand(self, linear: &[f64], further: &mut [f64]) {
        match self {
            Self::Linear => {}
            Self::Squares => further.iter_mut().zip(linear).for_each(|(to, value)| *to = value * value),
            Self::Interactions => {
                let pairs = linear.iter().enumerate().flat_map(|(i, a)| linear[i..].iter().map(move |b| a * b));
                further.iter_mut().zip(pairs).for_each(|(to, product)| *to = product);
            }
        }
    }

    /// The widest basis that a study of so many columns bears.
    pub(super) fn widest(columns: usize) -> Self {
        if columns <= INTERACTION_COLUMNS { Self::Interactions } else { Self::Squares }
    }
}

/// What learns the expected outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum OutcomeLearner {
    /// Ridge regression, its penalty chosen by cross-validation.
    Ridge(Basis),
    /// Boosted trees.
    Boosting,
    /// Of ridge regression without and with squares (and products, up to 20 columns) and boosted trees, the one with the
    /// least squared error on rows it did not see.
    #[default]
    Best,
}

/// What learns the probability of treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PropensityLearner {
    /// Logistic regression.
    Logistic(Basis),
    /// Boosted trees.
    Boosting,
    /// As [`OutcomeLearner::Best`], by logistic loss.
    #[default]
    Best,
}

/// The fold of each row, and the rows of each.
pub(super) struct Folds {
    pub(super) of_row: Vec<usize>,
    pub(super) members: Vec<Vec<usize>>,
}

impl Folds {
    /// The rows of all folds but one.
    pub(super) fn others(&self, fold: usize) -> Vec<usize> {
        (0..self.of_row.len()).filter(|row| self.of_row[*row] != fold).collect()
    }
}

/// The expected outcome of every row by a model that saw only other folds, and of them only rows of `arm` if one is named.
pub(super) fn expected_outcome(
    learner: OutcomeLearner,
    study: &Study<'_>,
    folds: &Folds,
    arm: Option<bool>,
    watch: &dyn Watch,
) -> Result<Vec<f64>, CausalEffectError> {
    let of_arm = |row: &usize| arm.is_none_or(|arm| study.treated[*row] == arm);
    match learner {
        OutcomeLearner::Ridge(basis) => ridge(basis, study, folds, &of_arm, watch),
        OutcomeLearner::Boosting => by_fold(folds, |fold, judged| {
            let rows: Vec<usize> = folds.others(fold).into_iter().filter(of_arm).collect();
            let outcome: Vec<f64> = rows.iter().map(|row| study.outcome[*row]).collect();
            let model = trees()?.fit_values(study.select(&rows).view(), &outcome, watch)?;
            Ok(model.predict(study.select(judged).view(), watch)?.to_vec())
        }),
        OutcomeLearner::Best => {
            let candidates = [
                OutcomeLearner::Ridge(Basis::Linear),
                OutcomeLearner::Ridge(Basis::widest(study.x.ncols())),
                OutcomeLearner::Boosting,
            ];
            let error = |found: &[f64]| {
                let rows = (0..found.len()).filter(of_arm);
                rows.map(|row| (study.outcome[row] - found[row]).powi(2)).sum::<f64>()
            };
            best(candidates, |learner| expected_outcome(learner, study, folds, arm, watch), error)
        }
    }
}

/// The probability of treatment of every row by a model that saw only other folds.
pub(super) fn propensity(
    learner: PropensityLearner,
    study: &Study<'_>,
    folds: &Folds,
    watch: &dyn Watch,
) -> Result<Vec<f64>, CausalEffectError> {
    match learner {
        PropensityLearner::Logistic(basis) => {
            let x = Features::of(study.x, basis).matrix(study.x);
            by_fold(folds, |fold, judged| logistic(&x, study.treated, &folds.others(fold), judged, watch))
        }
        PropensityLearner::Boosting => by_fold(folds, |fold, judged| {
            let rows = folds.others(fold);
            let treated: Vec<bool> = rows.iter().map(|row| study.treated[*row]).collect();
            let model = trees()?.fit(study.select(&rows).view(), &treated, watch)?;
            Ok(model.probability(study.select(judged).view(), watch)?.to_vec())
        }),
        PropensityLearner::Best => {
            let candidates = [
                PropensityLearner::Logistic(Basis::Linear),
                PropensityLearner::Logistic(Basis::widest(study.x.ncols())),
                PropensityLearner::Boosting,
            ];
            let loss = |found: &[f64]| {
                let of_row = |(p, treated): (&f64, &bool)| -(if *treated { *p } else { 1.0 - p }).max(SURE).ln();
                found.iter().zip(study.treated).map(of_row).sum::<f64>()
            };
            best(candidates, |learner| propensity(learner, study, folds, watch), loss)
        }
    }
}

/// Logistic regression on some rows of features, asked about others.
fn logistic(
    x: &Array2<f64>,
    treated: &[bool],
    learnt: &[usize],
    judged: &[usize],
    watch: &dyn Watch,
) -> Result<Vec<f64>, CausalEffectError> {
    let labels: Vec<bool> = learnt.iter().map(|row| treated[*row]).collect();
    let params = LogisticRegression::params().check().map_err(crate::logistic::LogisticRegressionError::from)?;
    let model = params.fit(x.select(Axis(0), learnt).view(), &labels, watch)?;
    Ok(model.probability(x.select(Axis(0), judged).view(), watch)?.to_vec())
}

/// The probability of treatment of every row by one logistic regression on all of them.
pub(super) fn propensity_in_sample(
    x: ArrayView2<'_, f64>,
    treated: &[bool],
    watch: &dyn Watch,
) -> Result<Vec<f64>, CausalEffectError> {
    let rows: Vec<usize> = (0..treated.len()).collect();
    logistic(&Features::of(x, Basis::Linear).matrix(x), treated, &rows, &rows, watch)
}

pub(super) fn trees() -> Result<GradientBoostingValidParams, CausalEffectError> {
    let params = GradientBoosting::params().n_trees(TREES).max_depth(DEPTH);
    params.check().map_err(|error| CausalEffectError::Boosting(error.into()))
}

/// Ridge regressions on all folds but one, from sums over each fold.
fn ridge(
    basis: Basis,
    study: &Study<'_>,
    folds: &Folds,
    of_arm: &(dyn Fn(&usize) -> bool + Sync),
    watch: &dyn Watch,
) -> Result<Vec<f64>, CausalEffectError> {
    let features = Features::of(study.x, basis);
    let progress = Progress::new(watch, study.rows() as u64);
    let mut sums = Vec::with_capacity(folds.members.len());
    for members in &folds.members {
        let rows: Vec<usize> = members.iter().copied().filter(of_arm).collect();
        sums.push(Sums::of(&features, study.x, &rows, |row| (1.0, study.outcome[row]), &progress)?);
        progress.advance(members.len() as u64)?;
    }
    by_fold(folds, |fold, judged| {
        progress.advance(0)?;
        let others: Vec<&Sums> = sums.iter().enumerate().filter(|(i, _)| *i != fold).map(|(_, sums)| sums).collect();
        let l2 = if others.len() > 1 { Sums::best_penalty(&others)? } else { 1.0 };
        let model = Sums::total(others).ok_or(CausalEffectError::Overflow)?.fit(l2)?;
        let mut row_features = vec![0.0; features.width()];
        let mut value = |row: &usize| {
            features.write(study.x.row(*row), &mut row_features);
            model.value(&row_features)
        };
        Ok(judged.iter().map(&mut value).collect())
    })
}

/// What `of` says of the rows of each fold, in the order of all rows.
fn by_fold(
    folds: &Folds,
    mut of: impl FnMut(usize, &[usize]) -> Result<Vec<f64>, CausalEffectError>,
) -> Result<Vec<f64>, CausalEffectError> {
    let mut found = vec![0.0; folds.of_row.len()];
    for (fold, members) in folds.members.iter().enumerate() {
        let values = of(fold, members)?;
        members.iter().zip(values).for_each(|(row, value)| found[*row] = value);
    }
    Ok(found)
}

/// The predictions of the learner whose error is the least.
fn best<L>(
    candidates: impl IntoIterator<Item = L>,
    mut learn: impl FnMut(L) -> Result<Vec<f64>, CausalEffectError>,
    error: impl Fn(&[f64]) -> f64,
) -> Result<Vec<f64>, CausalEffectError> {
    let mut found: Option<(f64, Vec<f64>)> = None;
    for learner in candidates {
        let values = learn(learner)?;
        let error = error(&values);
        if found.as_ref().is_none_or(|(least, _)| error < *least) {
            found = Some((error, values));
        }
    }
    Ok(found.map(|(_, values)| values).unwrap_or_default())
}
