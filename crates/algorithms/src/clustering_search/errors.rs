//! What can go wrong with a search for a clustering.

use crate::clustering_quality::ClusteringQualityError;
use crate::gaussian_mixture::GaussianMixtureError;
use crate::hdbscan::HdbscanError;
use crate::input::{NotFinite, Refused};
use crate::k_means::KMeansError;
use crate::pca::PcaError;
use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ClusteringSearchParamsError {
    /// The number of clusters to try.
    #[error("clusters_max is {0}: it must be between 2 and 100")]
    Clusters(usize),
    /// The number of resamples.
    #[error("resamples is {0}: it must be between 1 and 1000")]
    Resamples(usize),
    /// A weight of the score.
    #[error("the weights of silhouette, validity and stability are {0:?}: each must be 0 or more, and one above 0")]
    Weights([f64; 3]),
}

/// A search failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClusteringSearchError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] ClusteringSearchParamsError),
    /// There are too few rows, or no column.
    #[error("the input has {rows} rows and {columns} columns: at least {least} rows and one column are needed")]
    TooFew {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
        /// Rows needed.
        least: usize,
    },
    /// There are more rows than can be judged exactly.
    #[error("the input has {0} rows: at most 100000 are searched, give a sample of them")]
    TooManyRows(usize),
    /// Nothing falls into clusters.
    #[error("no candidate finds two clusters or more: the rows are one cluster, or none")]
    NoClusters,
    /// Rows of another width are asked about.
    #[error("the input has {found} columns, the clustering was fitted on {expected}")]
    Columns {
        /// Columns expected.
        expected: usize,
        /// Columns found.
        found: usize,
    },
    /// Principal components could not be found.
    #[error("principal components: {0}")]
    Reduction(PcaError),
    /// The winner could not be applied.
    #[error("clustering: {0}")]
    Clustering(String),
    /// A value is missing or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The caller stopped the computation.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<Refused> for ClusteringSearchError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}

impl From<PcaError> for ClusteringSearchError {
    fn from(error: PcaError) -> Self {
        match error {
            PcaError::Interrupted(interrupted) => interrupted.into(),
            other => Self::Reduction(other),
        }
    }
}

/// Errors of one algorithm, of which an interruption stays one.
macro_rules! clustering_error {
    ($($error:ident),+) => {$(
        impl From<$error> for ClusteringSearchError {
            fn from(error: $error) -> Self {
                match error {
                    $error::Interrupted(interrupted) => interrupted.into(),
                    other => Self::Clustering(other.to_string()),
                }
            }
        }
    )+};
}

clustering_error!(KMeansError, GaussianMixtureError, HdbscanError, ClusteringQualityError);
