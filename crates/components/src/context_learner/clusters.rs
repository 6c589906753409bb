//! Finding contexts among distinct rows, and the context of any row.

use ndarray::{Array2, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};
use souffleur_algorithms::clustering_quality::{ClusteringQualityError, Stability, bootstrap_stability, dbcv};
use souffleur_algorithms::hdbscan::{ClusterSelection, Hdbscan, HdbscanError, HdbscanValidParams};
use souffleur_algorithms::neighbors::{NeighborIndex, NeighborsError};
use souffleur_algorithms::{Interrupted, ParamGuard, Watch};
use souffleur_core::error::ComponentError;

use super::params::Params;

/// Neighbours that make a row's density.
const MIN_SAMPLES: usize = 5;
/// Least sizes of a context that are tried, as shares of the rows.
const SIZES: [f64; 5] = [0.01, 0.02, 0.035, 0.05, 0.08];
/// Settings of the highest validity that are resampled, and how often.
const FINALISTS: usize = 4;
const FINALIST_RESAMPLES: usize = 6;
/// Most distinct rows that are clustered again in each resample.
const RESAMPLED_ROWS_MAX: usize = 5000;
/// Rows of a cluster that its validity is judged by.
const VALIDITY_ROWS: usize = 300;
/// The share of a context's rows that set how far apart its rows are.
const REACH_QUANTILE: f64 = 0.95;

/// Where a row belongs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    /// The cluster; nothing if the row is far from all.
    pub(super) cluster: Option<usize>,
    /// How sure that is, in [0, 1]: 1 up to the distance at which the cluster's own rows are from each other, then falling
    /// with the distance.
    pub(super) membership: f64,
    /// Distance to the nearest known row.
    pub(super) distance: f64,
}

/// Clusters of distinct rows, ready to place others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Clusters {
    /// The rows that belong to a cluster.
    index: NeighborIndex<f32>,
    /// The cluster of each of these.
    cluster: Vec<u32>,
    /// How far each cluster's rows are from each other: the distance that all but the farthest have to their nearest one.
    reach: Vec<f64>,
    /// How many times that far rows are attached.
    attach_factor: f64,
}

/// What a search for clusters came to.
pub(super) struct Found {
    pub(super) clusters: Clusters,
    /// The cluster of each row clustered, -1 for none, before rows between clusters were attached.
    pub(super) core_labels: Vec<i32>,
    /// The settings that won, and their score.
    pub(super) choice: Choice,
}

/// How rows are clustered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Choice {
    pub(super) min_cluster_size: usize,
    pub(super) leaves: bool,
    /// Density-based validity (Moulavi et al. 2014), in [-1, 1].
    pub(super) dbcv: f64,
}

/// What kept clusters from being found.
#[derive(Debug)]
pub(super) enum Failed {
    Interrupted,
    Data(String),
}

impl From<HdbscanError> for Failed {
    fn from(error: HdbscanError) -> Self {
        match error {
            HdbscanError::Interrupted(_) => Self::Interrupted,
            other => Self::Data(other.to_string()),
        }
    }
}

impl From<NeighborsError> for Failed {
    fn from(error: NeighborsError) -> Self {
        match error {
            NeighborsError::Interrupted(_) => Self::Interrupted,
            other => Self::Data(other.to_string()),
        }
    }
}

impl From<ClusteringQualityError> for Failed {
    fn from(error: ClusteringQualityError) -> Self {
        match error {
            ClusteringQualityError::Interrupted(_) => Self::Interrupted,
            other => Self::Data(other.to_string()),
        }
    }
}

impl From<Interrupted> for Failed {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl Failed {
    /// As the component's error; the job says why it was interrupted.
    pub(super) fn into_error(self, job: &souffleur_core::job::Job) -> ComponentError {
        match (self, job.check()) {
            (_, Err(interrupted)) => interrupted.into(),
            (Self::Interrupted, Ok(())) => ComponentError::Data("the search was interrupted".to_owned()),
            (Self::Data(why), Ok(())) => ComponentError::Data(why),
        }
    }
}

/// The settings tried: every size with both ways to choose clusters.
fn candidates(rows: usize, params: &Params) -> Vec<(usize, bool)> {
    let size = |share: f64| ((rows as f64 * share) as usize).max(params.min_context_rows).min(rows.max(2) - 1).max(2);
    let mut sizes: Vec<usize> = SIZES.iter().map(|share| size(*share)).collect();
    sizes.dedup();
    sizes.into_iter().flat_map(|size| [(size, false), (size, true)]).collect()
}

/// The checked settings of HDBSCAN* for these rows.
fn settings(rows: usize, size: usize, leaves: bool) -> Result<HdbscanValidParams, Failed> {
    let selection = if leaves { ClusterSelection::Leaf } else { ClusterSelection::ExcessOfMass };
    let samples = MIN_SAMPLES.min(rows.max(2) - 1);
    let params = Hdbscan::params().min_cluster_size(size).min_samples(samples).cluster_selection(selection);
    params.check().map_err(|e| Failed::Data(e.to_string()))
}

/// Finds the clusters of distinct rows: HDBSCAN* at several sizes on one reachability. Of those with the highest
/// density-based validity the one stands that also comes back most when rows are resampled. Rows between clusters are
/// attached where that is near enough.
pub(super) fn find(rows: ArrayView2<'_, f32>, params: &Params, seed: u64, watch: &dyn Watch) -> Result<Found, Failed> {
    let n = rows.nrows();
    let reachability = settings(n, params.min_context_rows, false)?.reachability(rows, watch)?;
    let mut tried: Vec<(Choice, Vec<i32>)> = Vec::new();
    for (size, leaves) in candidates(n, params) {
        let labels = settings(n, size, leaves)?.cluster(reachability.edges(), n, watch)?.labels;
        let several = labels.iter().any(|label| *label > 0);
        let validity = if several { dbcv(rows, &labels, VALIDITY_ROWS, seed, watch)?.value } else { -1.0 };
        tried.push((Choice { min_cluster_size: size, leaves, dbcv: validity }, labels));
    }
    tried.sort_by(|a, b| b.0.dbcv.total_cmp(&a.0.dbcv));
    tried.dedup_by(|a, b| a.1 == b.1);
    tried.truncate(FINALISTS);
    let mut best: Option<(f64, Choice, Clusters, Vec<i32>)> = None;
    for (choice, mut labels) in tried {
        if labels.iter().all(|label| *label < 0) {
            // No groups: then all rows together are the one context.
            labels.iter_mut().for_each(|label| *label = 0);
        }
        let clusters = Clusters::new(rows, &labels, params.attach_factor, watch)?;
        let stability = stability(rows, &clusters, choice, params, FINALIST_RESAMPLES, seed, watch)?;
        let score = choice.dbcv + stability.mean_adjusted_rand();
        if best.as_ref().is_none_or(|(least, ..)| score > *least) {
            best = Some((score, choice, clusters, labels));
        }
    }
    let (_, choice, clusters, core_labels) =
        best.ok_or_else(|| Failed::Data("there are too few different rows to cluster".to_owned()))?;
    Ok(Found { clusters, core_labels, choice })
}

/// How often these clusters come back when some of the rows, at most [`RESAMPLED_ROWS_MAX`], are clustered again in the
/// same way.
pub(super) fn stability(
    rows: ArrayView2<'_, f32>,
    clusters: &Clusters,
    choice: Choice,
    params: &Params,
    resamples: usize,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Stability, Failed> {
    let step = rows.nrows().div_ceil(RESAMPLED_ROWS_MAX);
    let few = rows.slice(s![..;step, ..]);
    let labels = clusters.labels(few, watch)?;
    bootstrap_stability(&labels, resamples, seed, watch, |drawn, _| {
        let drawn_rows = few.select(Axis(0), drawn);
        // The same share of fewer rows.
        let size = (choice.min_cluster_size * drawn.len() / rows.nrows()).max(2);
        let again = settings(drawn.len(), size, choice.leaves)?;
        let reachability = again.reachability(drawn_rows.view(), watch)?;
        let mut found = again.cluster(reachability.edges(), drawn.len(), watch)?.labels;
        if found.iter().all(|label| *label < 0) {
            found.iter_mut().for_each(|label| *label = 0);
        }
        Clusters::new(drawn_rows.view(), &found, params.attach_factor, watch)?.labels(drawn_rows.view(), watch)
    })
}

impl Clusters {
    fn new(rows: ArrayView2<'_, f32>, labels: &[i32], attach_factor: f64, watch: &dyn Watch) -> Result<Self, Failed> {
        let members: Vec<usize> = (0..labels.len()).filter(|row| labels[*row] >= 0).collect();
        let known: Array2<f32> = rows.select(Axis(0), &members);
        let index = NeighborIndex::new(known.view(), watch)?;
        let cluster: Vec<u32> = members.iter().map(|row| labels[*row] as u32).collect();
        let count = cluster.iter().max().map_or(0, |last| *last as usize + 1);
        // The nearest other row: the row itself comes first.
        let nearest = index.nearest_batch(known.view(), 2, watch)?;
        let mut apart: Vec<Vec<f64>> = vec![Vec::new(); count];
        for (found, cluster) in nearest.iter().zip(&cluster) {
            apart[*cluster as usize].push(found.last().map_or(0.0, |n| n.distance));
        }
        let reach = apart.into_iter().map(|apart| quantile(apart, REACH_QUANTILE)).collect();
        Ok(Self { index, cluster, reach, attach_factor })
    }

    /// How many clusters there are.
    pub(super) fn len(&self) -> usize {
        self.reach.len()
    }

    /// The cluster of each row, -1 for none.
    pub(super) fn labels(&self, rows: ArrayView2<'_, f32>, watch: &dyn Watch) -> Result<Vec<i32>, Failed> {
        Ok(self.place(rows, watch)?.iter().map(|place| place.cluster.map_or(-1, |cluster| cluster as i32)).collect())
    }

    /// Places rows. A row belongs where the nearest known row does, unless it is too far off for that cluster.
    pub(super) fn place(&self, rows: ArrayView2<'_, f32>, watch: &dyn Watch) -> Result<Vec<Place>, Failed> {
        let nearest = self.index.nearest_batch(rows, 1, watch)?;
        Ok(nearest
            .iter()
            .map(|found| {
                let Some(found) = found.first() else {
                    return Place { cluster: None, membership: 0.0, distance: f64::INFINITY };
                };
                let cluster = self.cluster[found.row] as usize;
                let reach = self.reach[cluster];
                let near = found.distance <= reach * self.attach_factor.max(1.0);
                let membership = if found.distance <= reach { 1.0 } else { reach / found.distance };
                Place {
                    cluster: near.then_some(cluster),
                    membership: if near { membership } else { 0.0 },
                    distance: found.distance,
                }
            })
            .collect())
    }

    /// Whether its parts fit together; a model that was read back must be looked at first.
    pub(super) fn is_sound(&self) -> bool {
        let clusters = self.reach.len();
        self.cluster.len() == self.index.rows() && self.cluster.iter().all(|cluster| (*cluster as usize) < clusters)
    }
}

/// The value that a share of all lies at or below.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let place = ((values.len() - 1) as f64 * share).round() as usize;
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}
