//! How good one candidate is.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use super::errors::ClusteringSearchError;
use super::hyperparams::ClusteringSearchValidParams;
use crate::clustering_quality::{ClusteringQualityError, dbcv, silhouette};
use crate::watch::Watch;

/// Rows of a cluster that its validity is judged by.
const VALIDITY_ROWS: usize = 100;

/// What is known of a candidate. All rows are judged in the space of the input, whatever the candidate looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The candidate.
    pub candidate: Candidate,
    /// Clusters it found.
    pub clusters: usize,
    /// Share of rows it left out as noise, in [0, 1].
    pub noise_share: f64,
    /// Mean silhouette over **all** rows, in [-1, 1]: one that was left out counts 0, so that leaving out rows gains
    /// nothing.
    pub silhouette: f64,
    /// Density-based validity, in [-1, 1]; noise lowers it too.
    pub dbcv: f64,
    /// Mean adjusted Rand index with what the same settings find in resamples, at most 1; 0 where there were none.
    pub stability: f64,
    /// Resamples behind it; less than asked for where the candidate could not win any more.
    pub resamples: usize,
    /// The weighted mean of silhouette, validity and stability.
    pub score: f64,
}

/// What rows clustered so are worth, whoever clustered them.
#[derive(Clone, Copy)]
pub(super) struct Quality {
    clusters: usize,
    silhouette: f64,
    dbcv: f64,
}

impl Quality {
    /// Judges a clustering of `x`; nothing where it is not two clusters.
    pub(super) fn of(
        x: ArrayView2<'_, f64>,
        labels: &[i32],
        seed: u64,
        watch: &dyn Watch,
    ) -> Result<Option<Self>, ClusteringSearchError> {
        let of_rows = match silhouette(x, labels, watch) {
            Ok(found) => found,
            Err(ClusteringQualityError::Clusters(_) | ClusteringQualityError::Singletons { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let inside: usize = of_rows.clusters.iter().map(|cluster| cluster.rows).sum();
        let silhouette = of_rows.mean * inside as f64 / labels.len() as f64;
        let dbcv = dbcv(x, labels, VALIDITY_ROWS, seed, watch)?.value;
        Ok(Some(Self { clusters: of_rows.clusters.len(), silhouette, dbcv }))
    }
}

/// A candidate and all that was found out about it so far.
pub(super) struct Contender {
    pub(super) candidate: Candidate,
    pub(super) labels: Vec<i32>,
    quality: Quality,
    /// Agreement with each resample.
    pub(super) agreements: Vec<f64>,
}

impl Contender {
    pub(super) fn new(candidate: Candidate, labels: Vec<i32>, quality: Quality) -> Self {
        Self { candidate, labels, quality, agreements: Vec::new() }
    }

    /// The score after the resamples so far.
    pub(super) fn score(&self, params: &ClusteringSearchValidParams) -> f64 {
        self.score_with(self.stability(), params)
    }

    /// The best score there can be after `resamples`, as no agreement is above 1.
    pub(super) fn bound(&self, resamples: usize, params: &ClusteringSearchValidParams) -> f64 {
        let to_come = resamples.saturating_sub(self.agreements.len()) as f64;
        let sum = self.agreements.iter().sum::<f64>() + to_come;
        self.score_with(sum / resamples.max(1) as f64, params)
    }

    fn score_with(&self, stability: f64, params: &ClusteringSearchValidParams) -> f64 {
        let [silhouette, dbcv, agreement] = params.weights();
        silhouette * self.quality.silhouette + dbcv * self.quality.dbcv + agreement * stability
    }

    fn stability(&self) -> f64 {
        self.agreements.iter().sum::<f64>() / self.agreements.len().max(1) as f64
    }

    pub(super) fn evaluation(&self, params: &ClusteringSearchValidParams) -> Evaluation {
        let noise = self.labels.iter().filter(|label| **label < 0).count();
        Evaluation {
            candidate: self.candidate,
            clusters: self.quality.clusters,
            noise_share: noise as f64 / self.labels.len() as f64,
            silhouette: self.quality.silhouette,
            dbcv: self.quality.dbcv,
            stability: self.stability(),
            resamples: self.agreements.len(),
            score: self.score(params),
        }
    }
}
