//! What a component can fail with, and what a bad value is told.

use serde::Serialize;

use crate::job::Interrupted;

/// A value that was refused: where it stood, what is wrong with it, what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{at}: {problem}; {expected}")]
pub struct Invalid {
    /// Where: the field, in dotted form (`rules[2].propensity`).
    pub at: String,
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub expected: String,
}

impl Invalid {
    /// Says where, what, and what would be right.
    pub fn new(at: impl Into<String>, problem: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { at: at.into(), problem: problem.into(), expected: expected.into() }
    }
}

/// Why a component's work came to nothing. The previous model is untouched in every case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComponentError {
    /// Cancelled, or out of time.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// Not enough rows to learn from.
    #[error("{have} {what} are too few to train on: at least {need} are needed")]
    TooFewRows {
        /// What is counted ("rows", "failures").
        what: &'static str,
        /// How many there are.
        have: usize,
        /// How many it takes.
        need: usize,
    },
    /// The batch cannot be learnt from.
    #[error("unusable data: {0}")]
    Data(String),
    /// The question cannot be answered.
    #[error("bad query: {0}")]
    Query(String),
    /// A hyperparameter is out of range.
    #[error("bad parameter: {0}")]
    Params(Invalid),
    /// A stored model cannot be read.
    #[error("unreadable snapshot: {0}")]
    Snapshot(String),
    /// The component panicked. The text is the panic's own.
    #[error("panicked: {0}")]
    Panicked(String),
}
