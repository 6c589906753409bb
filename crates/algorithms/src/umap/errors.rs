//! What can go wrong with UMAP.

use crate::input::{NotFinite, Refused};
use crate::neighbors::NeighborsError;
use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum UmapParamsError {
    /// The number of neighbours is out of range.
    #[error("{0} neighbours: there must be between 2 and 200")]
    Neighbors(usize),
    /// The number of coordinates is out of range.
    #[error("{0} components: there must be between 1 and 32")]
    Components(usize),
    /// The distances of the curve are out of range.
    #[error(
        "min_dist is {min_dist}, spread {spread}: spread must be above 0 and at most 100, min_dist from 0 to spread"
    )]
    Distances {
        /// Least distance of neighbours.
        min_dist: f64,
        /// Scale of all distances.
        spread: f64,
    },
    /// The number of epochs is out of range.
    #[error("{0} epochs: there must be between 1 and 10000")]
    Epochs(usize),
    /// The learning rate is out of range.
    #[error("the learning rate is {0}: it must be above 0 and at most 10")]
    LearningRate(f64),
    /// The number of rows pushed away is out of range.
    #[error("{0} negative samples: there must be between 1 and 50")]
    NegativeSamples(usize),
    /// The weight of the labels is out of range.
    #[error("the weight of the labels is {0}: it must be at least 0 and at most 1")]
    TargetWeight(f64),
}

/// Fitting or transforming failed; no model was changed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum UmapError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] UmapParamsError),
    /// There is too little to learn from.
    #[error(
        "the input has {rows} rows and {columns} columns: more rows than {neighbors} neighbours and a column are needed"
    )]
    Empty {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
        /// Neighbours asked for.
        neighbors: usize,
    },
    /// Rows and labels differ in number.
    #[error("{rows} rows but {labels} labels: each row needs one, -1 where it is not known")]
    Labels {
        /// Rows given.
        rows: usize,
        /// Labels given.
        labels: usize,
    },
    /// Positions would not fit their type.
    #[error("the input has {0} rows: at most 16777216 are allowed")]
    TooManyRows(usize),
    /// The input has another width than the model.
    #[error("the input has {found} columns, the model takes {expected}")]
    Columns {
        /// Columns the model takes.
        expected: usize,
        /// Columns given.
        found: usize,
    },
    /// The start was not found.
    #[error("the start was not found: the eigenvalues did not converge, scale the columns to comparable size")]
    NotConverged,
    /// A value is missing or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The caller stopped the computation.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<Refused> for UmapError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}

impl From<NeighborsError> for UmapError {
    fn from(error: NeighborsError) -> Self {
        match error {
            NeighborsError::Empty { rows, columns } => Self::Empty { rows, columns, neighbors: 1 },
            NeighborsError::NoNeighbors => Self::Params(UmapParamsError::Neighbors(0)),
            NeighborsError::Columns { expected, found } => Self::Columns { expected, found },
            NeighborsError::NotFinite(found) => found.into(),
            NeighborsError::Interrupted(interrupted) => interrupted.into(),
        }
    }
}
