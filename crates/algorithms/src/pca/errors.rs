//! What can go wrong with principal components.

use crate::input::{NotFinite, Refused};
use crate::symmetric_eigen::EigenStop;
use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PcaParamsError {
    /// No components were asked for.
    #[error("the number of components is 0: it must be at least 1")]
    Components,
    /// The randomized solver does not know how many components to look for.
    #[error("the randomized solver needs a number of components: give one, or take another solver")]
    Randomized,
    /// The share of variance is out of range.
    #[error("the share of variance is {0}: it must be above 0 and below 1")]
    Share(f64),
}

/// Fitting or transforming failed; no model was changed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PcaError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] PcaParamsError),
    /// There is nothing to learn from.
    #[error("the input has {rows} rows and {columns} columns: at least two rows and one column are needed")]
    Empty {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
    },
    /// The covariance would not fit in the memory allowed for it.
    #[error("the input has {0} columns: at most 4096 are allowed, more with the randomized solver")]
    TooWide(usize),
    /// More components were asked for than there are.
    #[error("{components} components of {rows} rows and {columns} columns: at most the smaller of both is possible")]
    TooMany {
        /// Components asked for.
        components: usize,
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
    },
    /// The input has another width than the model.
    #[error("the input has {found} columns, the model takes {expected}")]
    Columns {
        /// Columns the model takes.
        expected: usize,
        /// Columns given.
        found: usize,
    },
    /// The eigenvalues of the covariance were not found.
    #[error("the eigenvalues of the covariance did not converge: scale the columns to comparable size")]
    NotConverged,
    /// A value is missing or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The caller stopped the computation.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<Refused> for PcaError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}

impl From<EigenStop> for PcaError {
    fn from(stop: EigenStop) -> Self {
        match stop {
            EigenStop::NotConverged => Self::NotConverged,
            EigenStop::Interrupted(interrupted) => interrupted.into(),
        }
    }
}
