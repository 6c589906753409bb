//! From scores to probabilities: maps learnt on held-out rows, so that "80 %" happens in 80 % of cases.
//!
//! [`IsotonicRegression`] assumes only that the probability never falls as the score rises; it wants a thousand rows
//! or so. [`PlattScaling`] assumes a logistic curve; it has two numbers to learn, so it does with fewer.
//! Fit either on rows that the scoring model has not seen, or the result will be over-confident.

mod isotonic;
mod platt;

pub use isotonic::IsotonicRegression;
pub use platt::PlattScaling;

use crate::watch::Interrupted;

/// A calibration map could not be learnt.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// There are no rows.
    #[error("there are no rows to learn from: at least one with a positive weight is needed")]
    Empty,
    /// The inputs differ in length.
    #[error("{scores} scores but {other} {what}: each row needs one of both")]
    Lengths {
        /// Number of scores.
        scores: usize,
        /// What there is another number of.
        what: &'static str,
        /// That number.
        other: usize,
    },
    /// A value is missing or infinite.
    #[error("{what} of row {row} is {value}: it must be finite")]
    NotFinite {
        /// Which input.
        what: &'static str,
        /// First such row.
        row: usize,
        /// What stands there.
        value: f64,
    },
    /// A weight is negative.
    #[error("weight of row {row} is {value}: it must not be negative")]
    Weight {
        /// First such row.
        row: usize,
        /// What stands there.
        value: f64,
    },
    /// All labels are alike.
    #[error("all labels are {0}: rows of both classes are needed")]
    OneClass(bool),
    /// The caller stopped the computation.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

fn check_finite(what: &'static str, values: &[f64]) -> Result<(), CalibrationError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => Err(CalibrationError::NotFinite { what, row, value: values[row] }),
        None => Ok(()),
    }
}

fn check_length(scores: &[f64], what: &'static str, other: usize) -> Result<(), CalibrationError> {
    if scores.len() == other { Ok(()) } else { Err(CalibrationError::Lengths { scores: scores.len(), what, other }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn autotraits() {
        fn has_autotraits<T: Send + Sync + Sized + Unpin>() {}
        has_autotraits::<IsotonicRegression>();
        has_autotraits::<PlattScaling>();
        has_autotraits::<CalibrationError>();
    }
}
