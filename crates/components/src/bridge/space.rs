//! The space sessions are compared in by what describes their context.

use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use souffleur_core::error::ComponentError;
use souffleur_core::features::{COMPLEXITY, PROJECT_TYPE_START, TEAM_SIZE, WIDTH};
use souffleur_core::job::Job;

use super::distinct::Distinct;

/// The columns that describe a context: how prompts are written and for whom. The five scores say how good one prompt
/// is, not where it comes from.
const COLUMNS: std::ops::Range<usize> = 5..WIDTH;
/// The one linguistic column that is yes or no.
const HAS_EXAMPLES: usize = 13;

/// What each kind of column counts for: the squared distance of its whole range, or of another member of a category.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Weights {
    pub(crate) category: f64,
    pub(crate) complexity: f64,
    pub(crate) team_size: f64,
    pub(crate) linguistic: f64,
    /// Of whether a prompt shows an example: yes and no lie a whole range apart, so any weight to speak of splits all in two.
    pub(crate) examples: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { category: 0.5, complexity: 0.5, team_size: 0.5, linguistic: 0.5, examples: 0.0 }
    }
}

/// What each column counts for. A model keeps its own, so that rows are always looked at as when it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Space {
    /// What the value of each of [`COLUMNS`] is multiplied with, so that distances become Euclidean.
    scales: Vec<f32>,
}

impl Space {
    pub(crate) fn of(weights: Weights) -> Self {
        let weight = |column: usize| match column {
            // Two members of a category differ in two columns.
            PROJECT_TYPE_START..COMPLEXITY => weights.category / 2.0,
            COMPLEXITY => weights.complexity,
            TEAM_SIZE => weights.team_size,
            HAS_EXAMPLES => weights.examples,
            _ => weights.linguistic,
        };
        Self { scales: COLUMNS.map(|column| weight(column).sqrt() as f32).collect() }
    }

    /// How many columns rows have in the space.
    pub(crate) fn columns(&self) -> usize {
        self.scales.len()
    }

    /// The rows of `features` (rows x 31) in the space.
    ///
    /// # Errors
    /// Rows of another width.
    pub(crate) fn coordinates(&self, features: ArrayView2<'_, f32>) -> Result<Array2<f32>, ComponentError> {
        if features.ncols() != WIDTH || self.scales.len() != COLUMNS.len() {
            let have = features.ncols();
            return Err(ComponentError::Data(format!("rows have {have} features; all {WIDTH} are needed")));
        }
        let mut rows = features.slice_axis(Axis(1), COLUMNS.into()).to_owned();
        for mut row in rows.outer_iter_mut() {
            row.iter_mut().zip(&self.scales).for_each(|(value, scale)| *value *= scale);
        }
        Ok(rows)
    }
}

/// Equal rows taken together.
pub(crate) struct DistinctRows {
    /// One row each, in the order in which they first occur.
    pub(crate) rows: Array2<f32>,
    /// The number of its distinct row, for each row.
    pub(crate) of_row: Vec<usize>,
    /// The row in which each first occurs.
    pub(crate) first: Vec<usize>,
}

impl DistinctRows {
    pub(crate) fn of(rows: &Array2<f32>, job: &Job) -> Result<Self, ComponentError> {
        let Distinct { first, of_row } = Distinct::of(rows.outer_iter(), job)?;
        Ok(Self { rows: rows.select(Axis(0), &first), of_row, first })
    }
}

#[cfg(test)]
mod tests {
    use souffleur_core::features::DOMAIN_START;

    use super::*;

    #[test]
    fn another_category_counts_as_one_feature() {
        let mut features = Array2::<f32>::zeros((2, WIDTH));
        features[[0, DOMAIN_START]] = 1.0;
        features[[1, DOMAIN_START + 3]] = 1.0;
        features[[1, 0]] = 1.0;
        features[[1, TEAM_SIZE]] = 0.5;
        let space = Space::of(Weights { team_size: 2.0, ..Weights::default() });
        let rows = space.coordinates(features.view()).unwrap();
        let apart: f32 = rows.row(0).iter().zip(rows.row(1)).map(|(a, b)| (a - b) * (a - b)).sum();
        assert!((apart - 1.0).abs() < 1e-6, "{apart}");
        assert!(space.coordinates(Array2::zeros((1, 3)).view()).is_err());
    }
}
