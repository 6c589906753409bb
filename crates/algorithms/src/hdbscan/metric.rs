//! How far apart two rows are.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::errors::{HdbscanError, HdbscanParamsError};

/// The distance between two rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Metric {
    /// The root of the summed squared differences.
    #[default]
    Euclidean,
    /// The same with each column's squared difference times its weight.
    ///
    /// A category in one-hot columns counts as one column of weight `w` if each of its columns has the weight `w / 2`:
    /// two different members then differ by `w`, a member and an unknown one (all zeros) by `w / 2`.
    /// [`Metric::one_hot_aware`] makes such weights.
    Weighted(Vec<f64>),
}

impl Metric {
    /// Weights for rows of `columns` columns in which each of `categories` is one category in one-hot columns: columns
    /// outside them have the weight 1, those within `category_weight / 2`, so that a mismatch costs `category_weight`.
    ///
    /// Columns beyond `columns` are ignored.
    #[must_use]
    pub fn one_hot_aware(columns: usize, categories: &[std::ops::Range<usize>], category_weight: f64) -> Self {
        let mut weights = vec![1.0; columns];
        for column in categories.iter().cloned().flatten().filter(|column| *column < columns) {
            weights[column] = category_weight / 2.0;
        }
        Self::Weighted(weights)
    }

    pub(super) fn check(&self) -> Result<(), HdbscanParamsError> {
        let Self::Weighted(weights) = self else { return Ok(()) };
        match weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            Some(column) => Err(HdbscanParamsError::Weight { column, weight: weights[column] }),
            None => Ok(()),
        }
    }

    /// What each column is multiplied with so that the distance becomes the Euclidean one; nothing if it is already.
    pub(super) fn scales(&self, columns: usize) -> Result<Option<Cow<'_, [f64]>>, HdbscanError> {
        match self {
            Self::Euclidean => Ok(None),
            Self::Weighted(weights) if weights.len() == columns => {
                Ok(Some(weights.iter().map(|weight| weight.sqrt()).collect()))
            }
            Self::Weighted(weights) => Err(HdbscanError::Weights { weights: weights.len(), columns }),
        }
    }
}
