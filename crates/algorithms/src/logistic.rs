//! Logistic regression: a probability from a weighted sum of features.
//!
//! linfa's logistic regression minimises by L-BFGS through another crate and can be neither watched nor interrupted;
//! with few columns Newton's method needs a handful of passes, so it is written here.

mod algorithm;
mod hyperparams;
mod newton;
mod objective;

pub(crate) use objective::Examples;

pub use algorithm::LogisticRegression;
pub use hyperparams::{LogisticRegressionParams, LogisticRegressionValidParams};

use crate::input::{BadLabels, NotFinite, Refused};
use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum LogisticRegressionParamsError {
    /// The penalty is out of range.
    #[error("l2 is {0}: it must be a finite number above 0")]
    L2(f64),
    /// The tolerance is out of range.
    #[error("tolerance is {0}: it must be above 0 and at most 0.1")]
    Tolerance(f64),
    /// The number of steps is out of range.
    #[error("max_steps is {0}: it must be between 1 and 1000")]
    Steps(usize),
}

/// Fitting or predicting failed; no model was changed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum LogisticRegressionError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] LogisticRegressionParamsError),
    /// There is nothing to learn from.
    #[error(transparent)]
    Labels(#[from] BadLabels),
    /// Newton's method would take too long with so many columns.
    #[error("the input has {0} columns: at most 512 are allowed")]
    TooManyColumns(usize),
    /// The minimum was not reached.
    #[error(
        "not converged after {steps} steps (gradient {gradient:e}): scale the columns alike, raise l2 or max_steps"
    )]
    NotConverged {
        /// Steps taken.
        steps: usize,
        /// Largest component of the gradient of the mean loss.
        gradient: f64,
    },
    /// The rows to predict have another width than those learnt from.
    #[error("the input has {found} columns, the model was fitted on {expected}")]
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

impl From<Refused> for LogisticRegressionError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}
