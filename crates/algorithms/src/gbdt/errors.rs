//! What can go wrong with gradient boosting.

use crate::input::{BadLabels, NotFinite, Refused};
use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum GradientBoostingParamsError {
    /// The number of trees is out of range.
    #[error("n_trees is {0}: it must be between 1 and 2000")]
    Trees(usize),
    /// The depth is out of range.
    #[error("max_depth is {0}: it must be between 1 and 8")]
    Depth(u32),
    /// The number of bins is out of range.
    #[error("max_bins is {0}: it must be between 2 and 256")]
    Bins(usize),
    /// The learning rate is out of range.
    #[error("learning_rate is {0}: it must be above 0 and at most 1")]
    LearningRate(f64),
    /// The least number of rows is out of range.
    #[error("min_leaf_rows is 0: it must be at least 1")]
    LeafRows,
    /// The regularisation is out of range.
    #[error("l2 is {0}: it must be a finite number of at least 0")]
    L2(f64),
}

/// Fitting or predicting failed; no model was changed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum GradientBoostingError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] GradientBoostingParamsError),
    /// There is nothing to learn from.
    #[error(transparent)]
    Labels(#[from] BadLabels),
    /// There are more rows than can be counted.
    #[error("the input has {0} rows: at most 4294967295 are allowed")]
    Rows(usize),
    /// A target is missing or infinite, or there is not one for each row.
    #[error("target {0} is missing or not finite: each row needs a number")]
    Target(usize),
    /// The rows to predict have another width than those learnt from.
    #[error("the input has {found} columns, the model was fitted on {expected}")]
    Columns {
        /// Columns the model knows.
        expected: usize,
        /// Columns given.
        found: usize,
    },
    /// A value is missing or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The caller stopped the computation.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<Refused> for GradientBoostingError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}
