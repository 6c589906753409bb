//! How good a clustering is: by itself, by known classes, and when it is repeated.
//!
//! Clusterings are given as one label per row, `&[i32]`, as scikit-learn and hdbscan write them: rows of equal label
//! are one cluster, **negative labels are noise**. Labels need not be consecutive. Distances are Euclidean.
//!
//! All results depend neither on the number of threads nor on the width of the machine's vectors: sums are taken in
//! one fixed order, without fused multiply-add.

mod agreement;
mod calinski_harabasz;
mod centroids;
mod davies_bouldin;
mod dbcv;
mod distance_tiles;
mod errors;
mod groups;
mod packed;
mod silhouette;
mod stability;

pub use agreement::{Match, adjusted_rand_index, align_clusters, matched_accuracy};
pub use calinski_harabasz::calinski_harabasz;
pub use davies_bouldin::davies_bouldin;
pub use dbcv::{Dbcv, dbcv};
pub use errors::ClusteringQualityError;
pub use silhouette::{SampledSilhouette, Silhouette, silhouette, silhouette_sampled};
pub(crate) use stability::drawn_rows;
pub use stability::{Stability, bootstrap_stability};

use serde::{Deserialize, Serialize};

/// A measure of one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClusterValue {
    /// Label of the cluster.
    pub label: i32,
    /// Rows with this label.
    pub rows: usize,
    /// The measure.
    pub value: f64,
}

#[cfg(test)]
mod made_rows;
