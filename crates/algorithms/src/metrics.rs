//! How good scores and probabilities are, judged by labels.
//!
//! All functions take one score or probability per row and the label (`true` = positive, the event predicted),
//! cost a sort at most, and do not depend on the order of the rows.
//!
//! linfa has a ROC curve and a log-loss, but on `f32`: counts lose exactness beyond 2^24 rows, scores closer than
//! 1e-10 count as tied, and a NaN panics. It has no average precision, Brier score or calibration error. So these
//! are written here, in `f64`, with ties exact and errors typed.

mod calibration_error;
mod confusion;
mod ranking;

pub use calibration_error::{Bins, brier, expected_calibration_error, log_loss};
pub use confusion::{Confusion, confusion};
pub use ranking::{YoudenThreshold, auroc, average_precision, youden_threshold};

/// The input to a metric does not define it.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum MetricError {
    /// There are no rows.
    #[error("there are no rows to judge: at least one is needed")]
    Empty,
    /// Scores and labels differ in number.
    #[error("{scores} scores but {labels} labels: each row needs one of both")]
    Lengths {
        /// Number of scores.
        scores: usize,
        /// Number of labels.
        labels: usize,
    },
    /// All labels are alike.
    #[error("all labels are {0}: rows of both classes are needed")]
    OneClass(bool),
    /// A score is NaN.
    #[error("score of row {row} is not a number")]
    NotANumber {
        /// First such row.
        row: usize,
    },
    /// A probability is outside [0, 1].
    #[error("probability of row {row} is {value}: it must be between 0 and 1")]
    Probability {
        /// First such row.
        row: usize,
        /// What stands there.
        value: f64,
    },
    /// No bins were asked for.
    #[error("the number of bins is 0: at least 1 is needed")]
    NoBins,
}

/// One label per score, at least one row, no NaN.
pub(crate) fn check_scores(scores: &[f64], labels: &[bool]) -> Result<(), MetricError> {
    if scores.len() != labels.len() {
        return Err(MetricError::Lengths { scores: scores.len(), labels: labels.len() });
    }
    if scores.is_empty() {
        return Err(MetricError::Empty);
    }
    match scores.iter().position(|score| score.is_nan()) {
        Some(row) => Err(MetricError::NotANumber { row }),
        None => Ok(()),
    }
}

/// As [`check_scores`], and every score in [0, 1].
fn check_probabilities(probabilities: &[f64], labels: &[bool]) -> Result<(), MetricError> {
    check_scores(probabilities, labels)?;
    match probabilities.iter().position(|value| !(0.0..=1.0).contains(value)) {
        Some(row) => Err(MetricError::Probability { row, value: probabilities[row] }),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "metrics/tests.rs"]
mod tests;
