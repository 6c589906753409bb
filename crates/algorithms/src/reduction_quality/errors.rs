//! What can go wrong with judging a reduction.

use crate::input::{NotFinite, Refused};
use crate::watch::Interrupted;

/// A reduction could not be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReductionQualityError {
    /// Rows and their pictures differ in number.
    #[error("{rows} rows but {reduced} reduced ones: each row needs its own")]
    Rows {
        /// Rows given.
        rows: usize,
        /// Reduced rows given.
        reduced: usize,
    },
    /// Rows and what came back have different widths.
    #[error("the rows have {expected} columns, what came back has {found}")]
    Columns {
        /// Columns of the rows.
        expected: usize,
        /// Columns of what came back.
        found: usize,
    },
    /// The number of neighbours does not suit the number of rows.
    #[error("{neighbors} neighbours of {rows} rows: at least 1 and less than half of the rows can be judged")]
    Neighbors {
        /// Neighbours asked for.
        neighbors: usize,
        /// Rows given.
        rows: usize,
    },
    /// There is nothing to judge.
    #[error("no rows to judge, or none that differ")]
    Empty,
    /// A value is missing or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The caller stopped the computation.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<Refused> for ReductionQualityError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}
