//! What can go wrong when an effect is estimated.

use crate::gbdt::GradientBoostingError;
use crate::input::NotFinite;
use crate::logistic::LogisticRegressionError;
use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum CausalEffectParamsError {
    /// The number of folds is out of range.
    #[error("folds is {0}: it must be between 2 and 20")]
    Folds(usize),
    /// The trimming bound is out of range.
    #[error("trim is {0}: it must be above 0 and below 0.5")]
    Trim(f64),
    /// The share of comparable rows is out of range.
    #[error("overlap_minimum is {0}: it must lie in [0, 1]")]
    OverlapMinimum(f64),
    /// The number of repeats is out of range.
    #[error("repeats is {0}: it must be between 1 and 1000")]
    Repeats(usize),
    /// The share of rows is out of range.
    #[error("share is {0}: it must lie in [0.1, 1)")]
    Share(f64),
    /// The risk ratio is out of range.
    #[error("the risk ratio is {0}: it must be a finite number above 0")]
    RiskRatio(f64),
}

/// Treated and untreated rows are too different to be compared: no estimate is given.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NoOverlap {
    /// Hardly a row has both a fair chance of treatment and one of none.
    #[error(
        "only {share:.3} of the {of} have a probability of treatment between {trim} and {}: at least {minimum} is needed",
        1.0 - trim
    )]
    Comparable {
        /// Which rows: `rows`, `treated rows` or `untreated rows`.
        of: &'static str,
        /// Share of them with a probability inside the bounds.
        share: f64,
        /// Share needed.
        minimum: f64,
        /// Lower bound of the probability.
        trim: f64,
    },
    /// A few rows carry nearly all the weight.
    #[error("weighted, the {arm} rows count for {effective:.1} rows only: at least {needed} are needed")]
    Effective {
        /// `treated` or `untreated`.
        arm: &'static str,
        /// Effective number of rows (Kish 1965).
        effective: f64,
        /// Number needed.
        needed: f64,
    },
    /// No weights make the arms alike.
    #[error(
        "weighted, a covariate still differs by {imbalance:.2} standard deviations between the arms: at most {most:.2} is bearable"
    )]
    Imbalance {
        /// Largest difference of a covariate's mean, in pooled standard deviations.
        imbalance: f64,
        /// Largest that is bearable: 1, or what chance alone may bring about.
        most: f64,
    },
}

/// No effect could be estimated.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum CausalEffectError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] CausalEffectParamsError),
    /// Columns differ in length.
    #[error("there are {rows} rows but {found} {what}: each row needs one")]
    Lengths {
        /// Rows given.
        rows: usize,
        /// What differs: `treatments`, `outcomes`, `propensities` or `groups`.
        what: &'static str,
        /// How many of them were given.
        found: usize,
    },
    /// Too few rows got the treatment, or too few did not.
    #[error("there are {have} {arm} rows: at least {need} are needed")]
    TooFewRows {
        /// `treated` or `untreated`.
        arm: &'static str,
        /// How many there are.
        have: usize,
        /// How many it takes.
        need: usize,
    },
    /// A covariate is missing or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// An outcome is missing or infinite.
    #[error("the outcome of row {0} is not a finite number: leave the row out")]
    Outcome(usize),
    /// A logged probability is none, or leaves no choice.
    #[error("the propensity of row {row} is {value}: it must lie strictly between 0 and 1")]
    Propensity {
        /// The row.
        row: usize,
        /// What was given.
        value: f64,
    },
    /// The covariates determine the treatment.
    #[error("the treatment is a linear function of the covariates: no rows differ in it alone")]
    Collinear,
    /// The sums overflowed.
    #[error("sums over the rows are not finite: scale the columns")]
    Overflow,
    /// The rows cannot be compared.
    #[error(transparent)]
    NoOverlap(#[from] NoOverlap),
    /// The probability of treatment could not be learnt.
    #[error("the probability of treatment could not be learnt: {0}")]
    PropensityModel(LogisticRegressionError),
    /// Boosted trees could not be learnt.
    #[error("boosted trees could not be learnt: {0}")]
    Boosting(GradientBoostingError),
    /// Rows asked about have another width than those learnt from.
    #[error("the row has {found} columns, the effect was learnt from {expected}")]
    Columns {
        /// Columns the model knows.
        expected: usize,
        /// Columns given.
        found: usize,
    },
    /// The caller stopped the computation.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<LogisticRegressionError> for CausalEffectError {
    fn from(error: LogisticRegressionError) -> Self {
        match error {
            LogisticRegressionError::Interrupted(interrupted) => interrupted.into(),
            other => Self::PropensityModel(other),
        }
    }
}

impl From<GradientBoostingError> for CausalEffectError {
    fn from(error: GradientBoostingError) -> Self {
        match error {
            GradientBoostingError::Interrupted(interrupted) => interrupted.into(),
            other => Self::Boosting(other),
        }
    }
}
