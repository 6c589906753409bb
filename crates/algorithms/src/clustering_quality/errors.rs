//! What can go wrong with a measure of clustering quality.

use crate::input::{NotFinite, Refused};
use crate::watch::Interrupted;

/// The input does not define the measure, or the caller stopped it.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ClusteringQualityError {
    /// There is nothing to judge.
    #[error("the input has {rows} rows and {columns} columns: at least one of each is needed")]
    Empty {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
    },
    /// Rows and labels differ in number, or two clusterings do.
    #[error("{rows} rows but {labels} labels: each row needs one")]
    Lengths {
        /// Rows given, or labels of the first clustering.
        rows: usize,
        /// Labels given, or labels of the second clustering.
        labels: usize,
    },
    /// Too few clusters for a comparison between clusters.
    #[error("the labels name {0} clusters beside noise (negative labels): at least 2 are needed")]
    Clusters(usize),
    /// Every row is a cluster of its own.
    #[error("the labels name {clusters} clusters for {rows} rows: at least one cluster of two rows is needed")]
    Singletons {
        /// Clusters found.
        clusters: usize,
        /// Rows that are not noise.
        rows: usize,
    },
    /// A sample of no use was asked for.
    #[error("a sample of {rows} rows was asked for: at least {least} are needed")]
    Sample {
        /// Rows asked for.
        rows: usize,
        /// Least number of use.
        least: usize,
    },
    /// A threshold is out of range.
    #[error("the least Jaccard index of a match is {0}: it must be above 0 and at most 1")]
    MinJaccard(f64),
    /// A value is missing or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The caller stopped the computation.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<Refused> for ClusteringQualityError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}
