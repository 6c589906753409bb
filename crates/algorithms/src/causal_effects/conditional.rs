//! For whom the effect is how large.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::cross_products::{by_row, cross_products};
use super::errors::CausalEffectError;
use super::estimate::Estimate;
use super::learners::{Basis, trees};
use super::least_squares::{Features, Linear, Sums};
use crate::cholesky::Symmetric;
use crate::gbdt::GradientBoostingRegressor;
use crate::lanes::dot;
use crate::ridge::Covariance;
use crate::row_strips::by_strip;
use crate::watch::{Progress, Watch};

/// What turns scores into a function of the covariates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FinalStage {
    /// Ridge regression, its penalty chosen by cross-validation; comes with intervals.
    Ridge(Basis),
    /// Boosted trees; without intervals.
    Boosting,
    /// Of ridge regression without and with squares and products, and boosted trees, the one that predicts scores best that
    /// it did not see.
    Best,
}

impl Default for FinalStage {
    fn default() -> Self {
        Self::Ridge(Basis::Linear)
    }
}

/// The effect of a treatment as a function of covariates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConditionalEffects {
    columns: usize,
    average: Estimate,
    model: Model,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Model {
    Linear { features: Features, coefficients: Vec<f64>, covariance: Covariance },
    Boosted(GradientBoostingRegressor),
}

impl ConditionalEffects {
    /// Learns from one score a row; rows of a fold are left out together when models are compared.
    pub(super) fn of_scores(
        x: ArrayView2<'_, f64>,
        scores: &[f64],
        fold: &[usize],
        stage: FinalStage,
        watch: &dyn Watch,
    ) -> Result<Self, CausalEffectError> {
        let average = Estimate::of_parts(scores, None, 1);
        let columns = x.ncols();
        let model = match stage {
            FinalStage::Ridge(basis) => RidgeStage::of(x, scores, fold, basis, watch)?.finish(x, scores, watch)?,
            FinalStage::Boosting => Model::Boosted(trees()?.fit_values(x, scores, watch)?),
            FinalStage::Best => {
                let candidates = [Basis::Linear, Basis::widest(x.ncols())]
                    .map(|basis| RidgeStage::of(x, scores, fold, basis, watch));
                let mut best: Option<RidgeStage> = None;
                for stage in candidates {
                    let stage = stage?;
                    if best.as_ref().is_none_or(|best| stage.error < best.error) {
                        best = Some(stage);
                    }
                }
                match best {
                    Some(best) if best.error <= boosting_error(x, scores, fold, watch)? => {
                        best.finish(x, scores, watch)?
                    }
                    _ => Model::Boosted(trees()?.fit_values(x, scores, watch)?),
                }
            }
        };
        Ok(Self { columns, average, model })
    }

    /// Learns from what is left of treatment and outcome of the `kept` rows (the residuals of a row, in this order): ordinary
    /// least squares of the latter on the former times a one and the modifiers.
    pub(super) fn of_residuals(
        x: ArrayView2<'_, f64>,
        kept: &[usize],
        residual: impl Fn(usize) -> (f64, f64) + Sync,
        group: Option<&[u64]>,
        watch: &dyn Watch,
    ) -> Result<Self, CausalEffectError> {
        let features = Features::of(x, Basis::Linear);
        let progress = Progress::new(watch, kept.len() as u64);
        let sums = Sums::of(&features, x, kept, &residual, &progress)?;
        let model = sums.fit(0.0)?;
        let width = features.width();
        let weighted = |row: usize, to: &mut [f64]| {
            let (treatment, outcome) = residual(row);
            features.write(x.row(row), &mut to[1..=width]);
            let error = outcome - treatment * model.value(&to[1..=width]);
            to[0] = 1.0;
            to.iter_mut().for_each(|value| *value *= treatment * error);
        };
        let rows = kept.len() as f64;
        let small_sample = rows / (rows - model.freedom() as f64).max(1.0);
        let meat = cross_products(kept.len(), width + 1, |i, to| weighted(kept[i], to), &progress)?;
        let covariance = model.covariance(Symmetric::leading(&(meat * small_sample), width + 1), 0.0)?;
        // The average over the rows: the function at the mean of the modifiers. A row's part in it is its own effect, and how
        // far it pulls the coefficients.
        let strips = by_strip(kept.len(), width, |strip| {
            let (mut sums, mut of_row) = (vec![0.0; width], vec![0.0; width]);
            for i in strip {
                features.write(x.row(kept[i]), &mut of_row);
                sums.iter_mut().zip(&of_row).for_each(|(sum, value)| *sum += value);
            }
            progress.advance(0)?;
            Ok(sums)
        })?;
        let mut mean = vec![0.0; width + 1];
        mean[0] = 1.0;
        for sums in &strips {
            mean[1..].iter_mut().zip(sums).for_each(|(mean, sum)| *mean += sum / rows);
        }
        let pull = model.solve(&mean);
        let part = |i: usize, of_row: &mut [f64]| {
            let (treatment, outcome) = residual(kept[i]);
            features.write(x.row(kept[i]), of_row);
            let effect = model.value(of_row);
            let error = outcome - treatment * effect;
            effect + rows * treatment * error * (pull[0] + dot(of_row, &pull[1..]))
        };
        let parts = by_row(kept.len(), width, part, &progress)?;
        let group: Option<Vec<u64>> = group.map(|group| kept.iter().map(|row| group[*row]).collect());
        let average = Estimate::of_parts(&parts, group.as_deref(), model.freedom());
        let coefficients = model.coefficients.clone();
        Ok(Self { columns: x.ncols(), average, model: Model::Linear { features, coefficients, covariance } })
    }

    /// The average effect over the rows learnt from.
    #[must_use]
    pub fn average(&self) -> Estimate {
        self.average
    }

    /// The effect at a row.
    ///
    /// # Errors
    /// The row has another width than those learnt from, or is not finite where trees need it to be.
    pub fn effect(&self, row: &[f64]) -> Result<f64, CausalEffectError> {
        self.check(row.len())?;
        match &self.model {
            Model::Linear { features, coefficients, .. } => {
                let written = with_one(features, ArrayView1::from(row));
                Ok(dot(&written, coefficients))
            }
            Model::Boosted(_) => Ok(self.effects(ArrayView1::from(row).insert_axis(Axis(0)), &())?[0]),
        }
    }

    /// The standard deviation of the effect at a row; nothing for boosted trees.
    ///
    /// # Errors
    /// The row has another width than those learnt from.
    pub fn deviation(&self, row: &[f64]) -> Result<Option<f64>, CausalEffectError> {
        self.check(row.len())?;
        Ok(match &self.model {
            Model::Linear { features, covariance, .. } => {
                Some(covariance.deviation(&with_one(features, ArrayView1::from(row))))
            }
            Model::Boosted(_) => None,
        })
    }

    /// The effect at each row of `x`, rows x columns.
    ///
    /// # Errors
    /// As [`effect`](Self::effect), or the watch interrupts.
    pub fn effects(&self, x: ArrayView2<'_, f64>, watch: &dyn Watch) -> Result<Array1<f64>, CausalEffectError> {
        self.check(x.ncols())?;
        match &self.model {
            Model::Linear { features, coefficients, .. } => {
                let of_row = |row: usize, of_row: &mut [f64]| {
                    write_with_one(features, x.row(row), of_row);
                    dot(of_row, coefficients)
                };
                let progress = Progress::new(watch, x.nrows() as u64);
                Ok(by_row(x.nrows(), features.width() + 1, of_row, &progress)?.into())
            }
            Model::Boosted(model) => Ok(model.predict(x, watch)?),
        }
    }

    /// By how much the effect rises where a covariate is one higher, for each; nothing unless it is a line.
    #[must_use]
    pub fn slopes(&self) -> Option<Vec<f64>> {
        match &self.model {
            Model::Linear { features, coefficients, .. } if features.width() == self.columns => {
                Some(features.per_unit(coefficients.get(1..).unwrap_or_default()))
            }
            _ => None,
        }
    }

    fn check(&self, found: usize) -> Result<(), CausalEffectError> {
        let expected = self.columns;
        if expected == found { Ok(()) } else { Err(CausalEffectError::Columns { expected, found }) }
    }
}

/// A one, and the features of a row.
fn with_one(features: &Features, row: ArrayView1<'_, f64>) -> Vec<f64> {
    let mut written = vec![0.0; features.width() + 1];
    write_with_one(features, row, &mut written);
    written
}

fn write_with_one(features: &Features, row: ArrayView1<'_, f64>, to: &mut [f64]) {
    to[0] = 1.0;
    features.write(row, &mut to[1..]);
}

/// Ridge regression of scores whose penalty is known.
struct RidgeStage {
    features: Features,
    model: Linear,
    /// Squared error on scores it did not see.
    error: f64,
}

impl RidgeStage {
    fn of(
        x: ArrayView2<'_, f64>,
        scores: &[f64],
        fold: &[usize],
        basis: Basis,
        watch: &dyn Watch,
    ) -> Result<Self, CausalEffectError> {
        let features = Features::of(x, basis);
        let progress = Progress::new(watch, x.nrows() as u64);
        let folds = fold.iter().copied().max().map_or(0, |last| last + 1);
        let mut parts = Vec::with_capacity(folds);
        for part in 0..folds {
            let rows: Vec<usize> = (0..fold.len()).filter(|row| fold[*row] == part).collect();
            parts.push(Sums::of(&features, x, &rows, |row| (1.0, scores[row]), &progress)?);
            progress.advance(rows.len() as u64)?;
        }
        let parts: Vec<&Sums> = parts.iter().collect();
        let l2 = Sums::best_penalty(&parts)?;
        let error = Sums::cross_validated(&parts, l2)?;
        let model = Sums::total(parts).ok_or(CausalEffectError::Overflow)?.fit(l2)?;
        Ok(Self { features, model, error })
    }

    /// With its covariance.
    fn finish(self, x: ArrayView2<'_, f64>, scores: &[f64], watch: &dyn Watch) -> Result<Model, CausalEffectError> {
        let Self { features, model, .. } = self;
        let width = features.width();
        let weighted = |row: usize, to: &mut [f64]| {
            features.write(x.row(row), &mut to[1..=width]);
            let error = scores[row] - model.value(&to[1..=width]);
            to[0] = 1.0;
            to.iter_mut().for_each(|value| *value *= error);
        };
        let meat = cross_products(x.nrows(), width + 1, weighted, &Progress::new(watch, x.nrows() as u64))?;
        let rows = x.nrows() as f64;
        let small_sample = rows / (rows - model.freedom() as f64).max(1.0);
        let variance = meat[[0, 0]] / rows * small_sample;
        let covariance = model.covariance(Symmetric::leading(&(meat * small_sample), width + 1), variance)?;
        Ok(Model::Linear { features, coefficients: model.coefficients, covariance })
    }
}

/// Squared error of boosted trees on scores they did not see.
fn boosting_error(
    x: ArrayView2<'_, f64>,
    scores: &[f64],
    fold: &[usize],
    watch: &dyn Watch,
) -> Result<f64, CausalEffectError> {
    let folds = fold.iter().copied().max().map_or(0, |last| last + 1);
    let mut error = 0.0;
    for part in 0..folds {
        let (judged, learnt): (Vec<usize>, Vec<usize>) = (0..fold.len()).partition(|row| fold[*row] == part);
        let select = |rows: &[usize]| -> (Array2<f64>, Vec<f64>) {
            (x.select(Axis(0), rows), rows.iter().map(|row| scores[*row]).collect())
        };
        let ((x, targets), (own, own_targets)) = (select(&learnt), select(&judged));
        let model = trees()?.fit_values(x.view(), &targets, watch)?;
        let found = model.predict(own.view(), watch)?;
        error += found.iter().zip(own_targets).map(|(found, target)| (found - target).powi(2)).sum::<f64>();
    }
    Ok(error)
}
