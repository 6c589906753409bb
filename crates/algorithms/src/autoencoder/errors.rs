//! What can go wrong with an autoencoder.

use crate::input::{NotFinite, Refused};
use crate::pca::PcaError;
use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum AutoencoderParamsError {
    /// No code was asked for, or a very long one.
    #[error("a code of {0} numbers: there must be between 1 and 256")]
    Code(usize),
    /// The number of hidden units is out of range.
    #[error("{0} hidden units: there must be between 1 and 1024")]
    Hidden(usize),
    /// The number of epochs is out of range.
    #[error("{epochs} epochs, {patience} without progress allowed: there must be between 1 and 10000 of each")]
    Epochs {
        /// Most epochs.
        epochs: usize,
        /// Epochs without progress.
        patience: usize,
    },
    /// The batch is out of range.
    #[error("batches of {0} rows: there must be between 1 and 65536")]
    Batch(usize),
    /// The learning rate is out of range.
    #[error("the learning rate is {0}: it must be above 0 and at most 1")]
    LearningRate(f64),
    /// The share that is held out is out of range.
    #[error("the share held out is {0}: it must be above 0 and at most 0.5")]
    HeldOut(f64),
}

/// Fitting or applying failed; no model was changed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum AutoencoderError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] AutoencoderParamsError),
    /// There is too little to learn from.
    #[error(
        "the input has {rows} rows and {columns} columns: at least {needed} rows and the code's {code} columns are needed"
    )]
    TooSmall {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
        /// Rows needed.
        needed: usize,
        /// Numbers in the code.
        code: usize,
    },
    /// The input has another width than the model.
    #[error("the input has {found} columns, the model takes {expected}")]
    Columns {
        /// Columns the model takes.
        expected: usize,
        /// Columns given.
        found: usize,
    },
    /// The principal components it starts from were not found.
    #[error("the start: {0}")]
    Start(PcaError),
    /// A value is missing or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The caller stopped the computation.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<Refused> for AutoencoderError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}

impl From<PcaError> for AutoencoderError {
    fn from(error: PcaError) -> Self {
        match error {
            PcaError::Interrupted(interrupted) => interrupted.into(),
            PcaError::NotFinite(found) => found.into(),
            other => Self::Start(other),
        }
    }
}
