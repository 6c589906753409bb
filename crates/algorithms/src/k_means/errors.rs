//! What can go wrong with k-means.

use crate::input::{NotFinite, Refused};
use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum KMeansParamsError {
    /// The number of clusters is out of range.
    #[error("n_clusters is {0}: it must be between 1 and 4096")]
    Clusters(usize),
    /// The number of starts is out of range.
    #[error("n_init is {0}: it must be between 1 and 1000")]
    Starts(usize),
    /// The number of iterations is out of range.
    #[error("max_iter is {0}: it must be between 1 and 100000")]
    Iterations(usize),
    /// The tolerance is out of range.
    #[error("tol is {0}: it must be a finite number of at least 0")]
    Tolerance(f64),
    /// A start centroid is not a number.
    #[error("start centroid {centroid}, column {column} is not a finite f32")]
    Start {
        /// The first such centroid.
        centroid: usize,
        /// Its column.
        column: usize,
    },
}

/// Fitting or predicting failed; no model was changed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum KMeansError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] KMeansParamsError),
    /// There is nothing to learn from.
    #[error("the input has {rows} rows and {columns} columns: at least one of each is needed")]
    Empty {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
    },
    /// There are fewer rows than clusters.
    #[error("{rows} rows for {clusters} clusters: at least one row for each is needed")]
    Rows {
        /// Rows given.
        rows: usize,
        /// Clusters asked for.
        clusters: usize,
    },
    /// There are more rows than can be counted.
    #[error("the input has {0} rows: at most 4294967295 are allowed")]
    TooManyRows(usize),
    /// The centroids have another width than the rows.
    #[error("the input has {found} columns, the centroids have {expected}")]
    Columns {
        /// Columns of the centroids.
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

impl From<Refused> for KMeansError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}
