//! What learns the outcome and the treatment from the covariates.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cross_products::by_row;
use super::errors::CausalEffectError;
use super::least_squares::{Features, Sums};
use super::picked_rows::PickedRows;
use super::study::Study;
use crate::ParamGuard;
use crate::gbdt::{GradientBoosting, GradientBoostingValidParams};
use crate::logistic::{Examples, LogisticRegression, LogisticRegressionError};
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
            let features = Features::of(study.x, basis);
            let learn = |fold| Treatments::of(study, &features, &folds.others(fold)).learn(watch);
            let models = without_each_fold(folds, learn)?;
            let of_row = |row: usize, of_row: &mut [f64]| {
                features.write(study.x.row(row), of_row);
                models[folds.of_row[row]].probability_of(of_row)
            };
            Ok(by_row(study.rows(), features.width(), of_row, &Progress::new(watch, study.rows() as u64))?)
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

/// Some rows of a study, to learn from whom the treatment is given to.
struct Treatments<'a> {
    treated: &'a [bool],
    features: &'a Features,
    rows: PickedRows<'a>,
}

impl Examples for Treatments<'_> {
    fn rows(&self) -> usize {
        self.rows.len()
    }
    fn columns(&self) -> usize {
        self.features.width()
    }
    fn write(&self, row: usize, to: &mut [f64]) {
        self.features.write(self.rows.row(row), to);
    }
    fn label(&self, row: usize) -> bool {
        self.treated[self.rows.number(row)]
    }
}

impl<'a> Treatments<'a> {
    fn of(study: &'a Study<'_>, features: &'a Features, rows: &'a [usize]) -> Self {
        Self { treated: study.treated, features, rows: PickedRows::of(study.x.view(), rows) }
    }

    fn learn(&self, watch: &dyn Watch) -> Result<LogisticRegression, CausalEffectError> {
        let params = LogisticRegression::params().check().map_err(LogisticRegressionError::from)?;
        Ok(params.fit_examples(self, watch)?)
    }
}

/// The probability of treatment of every row by one logistic regression on all of them.
pub(super) fn propensity_in_sample(study: &Study<'_>, watch: &dyn Watch) -> Result<Vec<f64>, CausalEffectError> {
    let features = Features::of(study.x, Basis::Linear);
    let model = Treatments::of(study, &features, &(0..study.rows()).collect::<Vec<_>>()).learn(watch)?;
    let of_row = |row: usize, of_row: &mut [f64]| {
        features.write(study.x.row(row), of_row);
        model.probability_of(of_row)
    };
    Ok(by_row(study.rows(), features.width(), of_row, &Progress::new(watch, study.rows() as u64))?)
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
    let models = without_each_fold(folds, |fold| {
        progress.advance(0)?;
        let others: Vec<&Sums> = sums.iter().enumerate().filter(|(i, _)| *i != fold).map(|(_, sums)| sums).collect();
        let l2 = if others.len() > 1 { Sums::best_penalty(&others)? } else { 1.0 };
        Sums::total(others).ok_or(CausalEffectError::Overflow)?.fit(l2)
    })?;
    let of_row = |row: usize, of_row: &mut [f64]| {
        features.write(study.x.row(row), of_row);
        models[folds.of_row[row]].value(of_row)
    };
    Ok(by_row(study.rows(), features.width(), of_row, &progress)?)
}

/// What `learn` makes of all folds but one, for each of them. Runs on all threads; of several reasons that it cannot be, the
/// first fold's is told.
fn without_each_fold<M: Send>(
    folds: &Folds,
    learn: impl Fn(usize) -> Result<M, CausalEffectError> + Sync,
) -> Result<Vec<M>, CausalEffectError> {
    let found: Vec<Result<M, CausalEffectError>> = (0..folds.members.len()).into_par_iter().map(&learn).collect();
    found.into_iter().collect()
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
