//! What can go wrong with causal discovery.

use crate::input::{NotFinite, Refused};
use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum CausalDiscoveryParamsError {
    /// The level of the tests is out of range.
    #[error("alpha is {0}: it must be above 0 and below 1")]
    Alpha(f64),
    /// The size of conditioning sets is out of range.
    #[error("max_condition is {0}: it must be at most 32")]
    MaxCondition(usize),
    /// The length of paths is out of range.
    #[error("max_path is {0}: it must be at least 1")]
    MaxPath(usize),
    /// The number of random features is out of range.
    #[error("{name} is {value}: it must be between 1 and 512")]
    Features {
        /// The hyperparameter.
        name: &'static str,
        /// Its value.
        value: usize,
    },
    /// The number of resamples is out of range.
    #[error("resamples is {0}: it must be between 1 and 100000")]
    Resamples(usize),
}

/// Nothing was learnt.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CausalDiscoveryError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] CausalDiscoveryParamsError),
    /// There is nothing to learn from.
    #[error("the input has {rows} rows and {variables} variables: at least four rows and two variables are needed")]
    Empty {
        /// Rows given.
        rows: usize,
        /// Variables given.
        variables: usize,
    },
    /// More variables, or rows, than there is room for.
    #[error("the input has {0} {1}: at most {2} are allowed")]
    TooMany(usize, &'static str, usize),
    /// A variable does not vary: nothing can be said of its causes.
    #[error("variable {0} has the same value in every row: leave it out")]
    Constant(usize),
    /// A discrete variable has too many values.
    #[error("variable {0} has more than 256 different values: put them into groups, or use a test for numbers")]
    TooManyStates(usize),
    /// The blocks of columns do not cover the matrix.
    #[error("the variables take {expected} columns, the matrix has {found}")]
    Columns {
        /// Columns that the variables take together.
        expected: usize,
        /// Columns given.
        found: usize,
    },
    /// What is known speaks of another number of variables.
    #[error("the background knowledge is about {found} variables, the data has {expected}")]
    KnowledgeWidth {
        /// Variables of the data.
        expected: usize,
        /// Variables of the knowledge.
        found: usize,
    },
    /// What is known names a variable that is not there.
    #[error("the background knowledge names variable {0}: there are {1}, from 0 on")]
    NoSuchVariable(usize, usize),
    /// An edge is both required and forbidden.
    #[error("the edge from variable {0} to variable {1} is both required and forbidden")]
    Contradiction(usize, usize),
    /// Required edges lead from a variable back to itself.
    #[error("the required edges lead from variable {0} back to itself: a cause cannot follow from its effect")]
    RequiredCycle(usize),
    /// A value is missing or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The caller stopped the computation.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<Refused> for CausalDiscoveryError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}
