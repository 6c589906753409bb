//! What can go wrong with an estimate of the intrinsic dimension.

use crate::input::{NotFinite, Refused};
use crate::neighbors::NeighborsError;
use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum IntrinsicDimensionParamsError {
    /// The number of neighbours is out of range.
    #[error("{0} neighbours: there must be between 3 and 1000")]
    Neighbors(usize),
    /// The discarded share is out of range.
    #[error("the discarded share is {0}: it must be at least 0 and at most 0.5")]
    Discarded(f64),
    /// The number of queries is out of range.
    #[error("max_queries is {0}: it must be at least 10")]
    Queries(usize),
}

/// An estimate was refused or stopped.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum IntrinsicDimensionError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] IntrinsicDimensionParamsError),
    /// There are more rows than can be counted.
    #[error("the input has {0} rows: at most 4294967295 are allowed")]
    TooManyRows(usize),
    /// There are too few different rows.
    #[error("{distinct} different rows: at least {needed} are needed")]
    Distinct {
        /// Rows that differ from all before them.
        distinct: usize,
        /// How many there must be.
        needed: usize,
    },
    /// All neighbours of all queries are equally far, or too near for distances to tell.
    #[error("the distances to neighbours do not grow: the dimension is not defined, as on a regular grid")]
    Undefined,
    /// The nearest neighbours were not found.
    #[error(transparent)]
    Neighbors(NeighborsError),
    /// A value is missing or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The caller stopped the computation.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<Refused> for IntrinsicDimensionError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}

impl From<NeighborsError> for IntrinsicDimensionError {
    fn from(error: NeighborsError) -> Self {
        match error {
            NeighborsError::Interrupted(interrupted) => interrupted.into(),
            other => Self::Neighbors(other),
        }
    }
}
