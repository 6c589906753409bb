//! What can go wrong with a clustering.

use crate::input::{NotFinite, Refused};
use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum HdbscanParamsError {
    /// The least size of a cluster is out of range.
    #[error("min_cluster_size is {0}: it must be between 2 and 4294967295")]
    ClusterSize(usize),
    /// The neighbour that gives the core distance is out of range.
    #[error("min_samples is {0}: it must be between 1 and 1024")]
    Samples(usize),
    /// The distance below which clusters are not split is out of range.
    #[error("cluster_selection_epsilon is {0}: it must be 0 or more, and finite")]
    Epsilon(f64),
    /// A column's weight is out of range.
    #[error("the weight of column {column} is {weight}: it must be 0 or more, and finite")]
    Weight {
        /// The column.
        column: usize,
        /// Its weight.
        weight: f64,
    },
}

/// Clustering or predicting failed; no model was changed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum HdbscanError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] HdbscanParamsError),
    /// There is nothing to cluster.
    #[error("the input has {rows} rows and {columns} columns: at least one of each is needed")]
    Empty {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
    },
    /// The core distance asks for a neighbour that is not there.
    #[error("the input has {rows} rows: min_samples {min_samples} needs at least {}", min_samples + 1)]
    TooFewRows {
        /// Rows given.
        rows: usize,
        /// The neighbour asked for.
        min_samples: usize,
    },
    /// There are more rows than can be counted.
    #[error("the input has {0} rows: at most 2147483647 are allowed")]
    Rows(usize),
    /// There are more, or fewer, weights than columns.
    #[error("the metric has {weights} weights, the input {columns} columns: each column needs one")]
    Weights {
        /// Weights of the metric.
        weights: usize,
        /// Columns given.
        columns: usize,
    },
    /// There are more, or fewer, edges than a spanning tree has.
    #[error("{edges} edges for {rows} rows: a spanning tree has {}", rows.saturating_sub(1))]
    Edges {
        /// Edges given.
        edges: usize,
        /// Rows given.
        rows: usize,
    },
    /// An edge leads nowhere, closes a circle, or has no length.
    #[error(
        "edge {edge} has an end that is no row below {rows}, closes a circle, or its weight is not finite and 0 or more"
    )]
    Edge {
        /// The edge.
        edge: usize,
        /// Rows given.
        rows: usize,
    },
    /// The reachability was worked out for other hyperparameters.
    #[error("the reachability is for another {0}: work it out with the same hyperparameters")]
    OtherReachability(&'static str),
    /// The rows to place have another width than those learnt from.
    #[error("the input has {found} columns, the clustering was fitted on {expected}")]
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

impl From<Refused> for HdbscanError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}
