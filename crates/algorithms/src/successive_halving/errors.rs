//! What can go wrong with successive halving.

use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SuccessiveHalvingParamsError {
    /// The budgets are no range.
    #[error("budgets from {min} to {max} rows: the least must be at least 1 and at most the greatest")]
    Rows {
        /// The least budget.
        min: usize,
        /// The greatest budget.
        max: usize,
    },
    /// The rate is out of range.
    #[error("eta is {0}: it must be between 2 and 1000")]
    Eta(usize),
}

/// A search failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SuccessiveHalvingError<E> {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] SuccessiveHalvingParamsError),
    /// There is nothing to choose from.
    #[error("there are no candidates: at least one is needed")]
    NoCandidates,
    /// No candidate of a rung has a score.
    #[error("no candidate has a score at {budget} rows: every one is NaN")]
    NoScore {
        /// The budget at which there is none.
        budget: usize,
    },
    /// An evaluation failed.
    #[error("candidate {candidate} failed at {budget} rows: {error}")]
    Evaluation {
        /// The candidate.
        candidate: usize,
        /// The budget it was given.
        budget: usize,
        /// Its error.
        error: E,
    },
    /// The caller stopped the search.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}
