//! What can go wrong with a Gaussian mixture.

use crate::input::{NotFinite, Refused};
use crate::k_means::{KMeansError, KMeansParamsError};
use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum GaussianMixtureParamsError {
    /// The number of components is out of range.
    #[error("n_components is {0}: it must be between 1 and 1000")]
    Components(usize),
    /// The number of starts is out of range.
    #[error("n_init is {0}: it must be between 1 and 1000")]
    Starts(usize),
    /// The number of iterations is out of range.
    #[error("max_iter is {0}: it must be between 1 and 100000")]
    Iterations(usize),
    /// The tolerance is out of range.
    #[error("tol is {0}: it must be a finite number of at least 0")]
    Tolerance(f64),
    /// The regularisation is out of range.
    #[error("reg_covar is {0}: it must be a finite number of at least 0")]
    Regularisation(f64),
    /// A start mean is not a number.
    #[error("start mean {component}, column {column} is not a finite f32")]
    Start {
        /// The first such mean.
        component: usize,
        /// Its column.
        column: usize,
    },
}

/// Fitting or predicting failed; no model was changed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum GaussianMixtureError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] GaussianMixtureParamsError),
    /// There is nothing to learn from.
    #[error("the input has {rows} rows and {columns} columns: at least one of each is needed")]
    Empty {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
    },
    /// There are fewer rows than components.
    #[error("{rows} rows for {components} components: at least one row for each, and at least 2, are needed")]
    Rows {
        /// Rows given.
        rows: usize,
        /// Components asked for.
        components: usize,
    },
    /// There are more rows than can be counted.
    #[error("the input has {0} rows: at most 4294967295 are allowed")]
    TooManyRows(usize),
    /// The covariances would not fit in the memory allowed for them.
    #[error(
        "{components} covariances of {columns} columns pass the limit of 16777216 values: take fewer components or columns, or diagonal covariances"
    )]
    TooLarge {
        /// Components asked for.
        components: usize,
        /// Columns given.
        columns: usize,
    },
    /// The means have another width than the rows.
    #[error("the input has {found} columns, the means have {expected}")]
    Columns {
        /// Columns of the means.
        expected: usize,
        /// Columns given.
        found: usize,
    },
    /// A component has shrunk until it has no density.
    #[error(
        "the covariance of component {component} is not positive definite: raise reg_covar or take fewer components"
    )]
    Singular {
        /// The first such component.
        component: usize,
    },
    /// A value is missing or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The caller stopped the computation.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<Refused> for GaussianMixtureError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}

impl From<KMeansError> for GaussianMixtureError {
    fn from(error: KMeansError) -> Self {
        match error {
            KMeansError::Params(error) => error.into(),
            KMeansError::Empty { rows, columns } => Self::Empty { rows, columns },
            KMeansError::Rows { rows, clusters } => Self::Rows { rows, components: clusters },
            KMeansError::TooManyRows(rows) => Self::TooManyRows(rows),
            KMeansError::Columns { expected, found } => Self::Columns { expected, found },
            KMeansError::NotFinite(found) => Self::NotFinite(found),
            KMeansError::Interrupted(interrupted) => Self::Interrupted(interrupted),
        }
    }
}

impl From<KMeansParamsError> for GaussianMixtureError {
    fn from(error: KMeansParamsError) -> Self {
        Self::Params(match error {
            KMeansParamsError::Clusters(count) => GaussianMixtureParamsError::Components(count),
            KMeansParamsError::Starts(count) => GaussianMixtureParamsError::Starts(count),
            KMeansParamsError::Iterations(count) => GaussianMixtureParamsError::Iterations(count),
            KMeansParamsError::Tolerance(tol) => GaussianMixtureParamsError::Tolerance(tol),
            KMeansParamsError::Start { centroid, column } => {
                GaussianMixtureParamsError::Start { component: centroid, column }
            }
        })
    }
}
