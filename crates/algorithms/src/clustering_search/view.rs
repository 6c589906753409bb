//! Rows as one reduction shows them.

use ndarray::{Array2, ArrayView2};

use super::candidate::{Method, Reduction};
use super::errors::ClusteringSearchError;
use super::model::Fitted;
use crate::gaussian_mixture::{GaussianMixture, GaussianMixtureValidParams};
use crate::hdbscan::{Hdbscan, HdbscanValidParams, Reachability};
use crate::k_means::{KMeans, KMeansFit, KMeansValidParams};
use crate::pca::Pca;
use crate::watch::Watch;
use linfa::ParamGuard;

/// Neighbours that make a row's density.
const MIN_SAMPLES: usize = 5;
/// Starts of k-means of which the best is kept.
const K_MEANS_STARTS: usize = 5;

/// Some rows, reduced, and how far they reach: what all candidates of the same reduction have in common.
pub(super) struct View {
    pub(super) pca: Option<Pca>,
    rows: Array2<f64>,
    reachability: Reachability,
}

impl View {
    pub(super) fn of(
        x: ArrayView2<'_, f64>,
        reduction: Reduction,
        watch: &dyn Watch,
    ) -> Result<Self, ClusteringSearchError> {
        let (pca, rows) = match reduction {
            Reduction::None => (None, x.to_owned()),
            Reduction::Pca(components) => {
                let pca = Pca::params().components(components.min(x.nrows())).check().map_err(other)?.fit(x, watch)?;
                let rows = pca.transform(x, watch)?;
                (Some(pca), rows)
            }
        };
        let reachability = hdbscan(rows.nrows(), 2, Default::default())?.reachability(rows.view(), watch)?;
        Ok(Self { pca, rows, reachability })
    }

    /// The cluster of each row, -1 for none. Sizes of clusters are as for `share` times as many rows.
    pub(super) fn labels(
        &self,
        method: Method,
        share: f64,
        seed: u64,
        watch: &dyn Watch,
    ) -> Result<Vec<i32>, ClusteringSearchError> {
        match method {
            Method::KMeans { clusters } => Ok(numbers(&self.k_means(clusters, seed, watch)?.labels)),
            Method::GaussianMixture { .. } => {
                let mixture = self.mixture(method, seed)?.fit(self.rows.view(), watch)?;
                Ok(numbers(&mixture.predict(self.rows.view(), watch)?))
            }
            Method::Hdbscan { min_cluster_size, selection } => {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the rows")]
                let size = ((min_cluster_size as f64 * share).round() as usize).max(2);
                let params = hdbscan(self.rows.nrows(), size, selection)?;
                Ok(params.cluster(self.reachability.edges(), self.rows.nrows(), watch)?.labels)
            }
        }
    }

    /// The model of a method, fitted as [`labels`](Self::labels) does with a share of 1.
    pub(super) fn fit(&self, method: Method, seed: u64, watch: &dyn Watch) -> Result<Fitted, ClusteringSearchError> {
        Ok(match method {
            Method::KMeans { clusters } => Fitted::KMeans(self.k_means(clusters, seed, watch)?.model),
            Method::GaussianMixture { .. } => {
                Fitted::GaussianMixture(self.mixture(method, seed)?.fit(self.rows.view(), watch)?)
            }
            Method::Hdbscan { min_cluster_size, selection } => {
                let params = hdbscan(self.rows.nrows(), min_cluster_size, selection)?;
                Fitted::Hdbscan(params.fit_reachability(&self.reachability, watch)?)
            }
        })
    }

    fn k_means(&self, clusters: usize, seed: u64, watch: &dyn Watch) -> Result<KMeansFit, ClusteringSearchError> {
        let params: KMeansValidParams =
            KMeans::params(clusters).n_init(K_MEANS_STARTS).seed(seed).check().map_err(other)?;
        Ok(params.fit(self.rows.view(), watch)?)
    }

    fn mixture(&self, method: Method, seed: u64) -> Result<GaussianMixtureValidParams, ClusteringSearchError> {
        let Method::GaussianMixture { components, covariance } = method else {
            return Err(ClusteringSearchError::Clustering(format!("{method} is no mixture")));
        };
        GaussianMixture::params(components).covariance(covariance).seed(seed).check().map_err(other)
    }
}

fn hdbscan(
    rows: usize,
    min_cluster_size: usize,
    selection: crate::hdbscan::ClusterSelection,
) -> Result<HdbscanValidParams, ClusteringSearchError> {
    let samples = MIN_SAMPLES.min(rows.max(2) - 1);
    let params = Hdbscan::params().min_cluster_size(min_cluster_size).min_samples(samples);
    params.cluster_selection(selection).check().map_err(other)
}

fn numbers(labels: &[usize]) -> Vec<i32> {
    // Clusters are at most some hundred.
    labels.iter().map(|label| i32::try_from(*label).unwrap_or(i32::MAX)).collect()
}

/// Candidates are made with settings in range, so this is a defect of their own.
fn other(error: impl std::fmt::Display) -> ClusteringSearchError {
    ClusteringSearchError::Clustering(error.to_string())
}
