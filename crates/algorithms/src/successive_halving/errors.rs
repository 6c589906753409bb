//! What can go wrong with successive halving.

use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SuccessiveHalvingParamsError {
    /// The budgets are no range.
    #[error("budgets from {min} to {max}: the least must be at least 1 and at most the greatest")]
    Budget {
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
    #[error("no candidate has a score with a budget of {budget}: every one is NaN")]
    NoScore {
        /// The budget at which there is none.
        budget: usize,
    },
    /// A rung could not be judged.
    #[error("the candidates could not be judged with a budget of {budget}: {error}")]
    Evaluation {
        /// The budget they were given.
        budget: usize,
        /// What went wrong.
        error: E,
    },
    /// There is not one score for each candidate of a rung.
    #[error("{scores} scores for {candidates} candidates: each needs one")]
    Scores {
        /// Candidates of the rung.
        candidates: usize,
        /// Scores returned.
        scores: usize,
    },
    /// The caller stopped the search.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}
