//! What the coordinates are worth to a model that learns from them.

use ndarray::{Array2, ArrayView2, Axis};
use souffleur_algorithms::logistic::LogisticRegression;
use souffleur_algorithms::{ParamGuard, Watch};
use souffleur_core::batch::TrainingBatch;
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;

use super::reducer::{Reducer, unusable};

/// Fewest sessions of either outcome, learnt from and held out, that a loss is measured on.
const OUTCOMES_MINIMUM: usize = 20;

/// Sessions with a known outcome: some to learn from, others to be judged on.
pub(super) struct Downstream {
    learnt: Sessions,
    held_out: Sessions,
}

/// Features and whether each failed.
pub(super) struct Sessions {
    pub(super) features: Array2<f32>,
    pub(super) failed: Vec<bool>,
}

impl Sessions {
    /// The sessions of these rows, at most `most`, evenly taken, whose outcome is known.
    pub(super) fn of(batch: &TrainingBatch, rows: impl Iterator<Item = usize>, most: usize) -> Self {
        let known: Vec<(usize, bool)> = rows.filter_map(|row| Some((row, batch.outcomes.failed(row)?))).collect();
        let step = known.len().div_ceil(most).max(1);
        let kept: Vec<(usize, bool)> = known.into_iter().step_by(step).collect();
        let rows: Vec<usize> = kept.iter().map(|(row, _)| *row).collect();
        Self {
            features: batch.features.select(Axis(0), &rows),
            failed: kept.iter().map(|(_, failed)| *failed).collect(),
        }
    }

    /// A logistic regression of failure on the features.
    pub(super) fn regression(&self, watch: &dyn Watch) -> Result<LogisticRegression, ComponentError> {
        regression((self.features.view(), &self.failed), watch)
    }

    fn has_both(&self) -> bool {
        let failed = self.failed.iter().filter(|failed| **failed).count();
        failed.min(self.failed.len() - failed) >= OUTCOMES_MINIMUM
    }
}

impl Downstream {
    /// Nothing where too few outcomes of either kind are known.
    pub(super) fn of(learnt: Sessions, held_out: Sessions) -> Option<Self> {
        (learnt.has_both() && held_out.has_both()).then_some(Self { learnt, held_out })
    }

    /// Sessions learnt from.
    pub(super) fn learnt(&self) -> &Sessions {
        &self.learnt
    }

    /// Sessions judged on.
    pub(super) fn held_out(&self) -> usize {
        self.held_out.failed.len()
    }

    /// The loss on all features.
    pub(super) fn loss_of_all(&self, watch: &dyn Watch) -> Result<f64, ComponentError> {
        let Self { learnt, held_out } = self;
        loss((learnt.features.view(), &learnt.failed), (held_out.features.view(), &held_out.failed), watch)
    }

    /// The loss on the coordinates.
    pub(super) fn loss_of(&self, reducer: &Reducer, watch: &dyn Watch) -> Result<f64, ComponentError> {
        let Self { learnt, held_out } = self;
        let a = reducer.coordinates(learnt.features.view(), watch)?;
        let b = reducer.coordinates(held_out.features.view(), watch)?;
        loss((a.view(), &learnt.failed), (b.view(), &held_out.failed), watch)
    }
}

fn regression(
    (x, failed): (ArrayView2<'_, f32>, &[bool]),
    watch: &dyn Watch,
) -> Result<LogisticRegression, ComponentError> {
    let params = LogisticRegression::params().check().map_err(|e| unusable(&e))?;
    params.fit(x, failed, watch).map_err(|e| unusable(&e))
}

/// Mean log-loss, on the second rows, of a logistic regression learnt from the first.
fn loss(
    learnt: (ArrayView2<'_, f32>, &[bool]),
    (new, outcomes): (ArrayView2<'_, f32>, &[bool]),
    watch: &dyn Watch,
) -> Result<f64, ComponentError> {
    let model = regression(learnt, watch)?;
    let found = model.probability(new, watch).map_err(|e| unusable(&e))?;
    let of = |(p, failed): (&f64, &bool)| -(if *failed { *p } else { 1.0 - p }).max(1e-12).ln();
    Ok(found.iter().zip(outcomes).map(of).sum::<f64>() / outcomes.len() as f64)
}

/// Share of the multiplications of one Newton step of a logistic regression, `rows (columns + 1)^2`, that so many coordinates
/// save against all features. Reducing the rows costs once what it costs, for all that learn from them.
pub(super) fn work_saved(components: usize) -> f64 {
    let side = (components + 1) as f64 / (WIDTH + 1) as f64;
    1.0 - side * side
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_falls_with_the_square_of_the_columns() {
        assert!(work_saved(WIDTH).abs() < 1e-12);
        assert!((work_saved(15) - 0.75).abs() < 1e-12);
    }
}
