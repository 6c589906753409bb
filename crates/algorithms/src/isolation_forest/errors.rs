//! What can go wrong with an isolation forest.

use crate::input::{NotFinite, Refused};
use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IsolationForestParamsError {
    /// The number of trees is out of range.
    #[error("n_trees is {0}: it must be between 1 and 10000")]
    Trees(usize),
    /// The sample size is out of range.
    #[error("max_samples is {0}: it must be between 2 and 65536")]
    Samples(usize),
    /// The forest would be too large.
    #[error("{n_trees} trees of {max_samples} rows would need {slots} node slots: at most 16777216 are allowed")]
    Size {
        /// Trees asked for.
        n_trees: usize,
        /// Rows per tree asked for.
        max_samples: usize,
        /// Slots that this would take.
        slots: usize,
    },
}

/// Fitting or scoring failed; no model was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IsolationForestError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] IsolationForestParamsError),
    /// There is nothing to learn from.
    #[error("the input has {rows} rows and {columns} columns: at least one of each is needed")]
    Empty {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
    },
    /// There are more rows than can be counted.
    #[error("the input has {0} rows: at most 4294967295 are allowed")]
    Rows(usize),
    /// A tree's sample would not fit in the memory allowed for it.
    #[error(
        "a sample of {rows} rows x {columns} columns passes the limit of 8388608 values: lower max_samples or drop columns"
    )]
    SampleTooLarge {
        /// Rows in the sample of one tree.
        rows: usize,
        /// Columns given.
        columns: usize,
    },
    /// The rows to score have another width than those learnt from.
    #[error("the input has {found} columns, the forest was fitted on {expected}")]
    Columns {
        /// Columns the forest knows.
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

impl From<Refused> for IsolationForestError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}
