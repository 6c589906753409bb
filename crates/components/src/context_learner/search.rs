//! Finding contexts among distinct rows.

use ndarray::{ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};
use souffleur_algorithms::clustering_quality::{Stability, adjusted_rand_index, bootstrap_stability, dbcv};
use souffleur_algorithms::hdbscan::{ClusterSelection, Hdbscan, HdbscanValidParams, Reachability};
use souffleur_algorithms::{ParamGuard, Watch};

use super::clusters::Clusters;
use super::failed::Failed;
use super::params::Params;
use super::projection::{Projection, Seen};

/// Neighbours that make a row's density.
const MIN_SAMPLES: usize = 5;
/// How many principal components rows are looked at along.
const DIRECTIONS: [usize; 5] = [usize::MAX, 8, 5, 3, 2];
/// Least sizes of a context that are tried, as shares of the rows.
const SIZES: [f64; 4] = [0.01, 0.025, 0.05, 0.1];
/// For each projection, settings of the highest validity that are resampled; and how often.
const FINALISTS: usize = 3;
const FINALIST_RESAMPLES: usize = 4;
/// Several clusters that come back less, by the adjusted Rand index, are no better than one.
const TRUSTED_FROM: f64 = 0.6;
/// Scores this little below the best are as good: they rest on a few resamples.
const AS_GOOD: f64 = 0.05;
/// Most distinct rows that are clustered again in each resample.
const RESAMPLED_ROWS_MAX: usize = 5000;
/// Rows of a cluster that its validity is judged by.
const VALIDITY_ROWS: usize = 200;

/// What a search for clusters came to.
pub(super) struct Found {
    pub(super) clusters: Clusters,
    /// The cluster of each row clustered, -1 for none, before rows between clusters were attached.
    pub(super) core_labels: Vec<i32>,
    /// The same afterwards.
    pub(super) labels: Vec<i32>,
    /// The settings that won, and their score.
    pub(super) choice: Choice,
}

/// How rows are clustered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Choice {
    /// Principal components that rows are looked at along; [`usize::MAX`] for all columns.
    pub(super) directions: usize,
    pub(super) min_cluster_size: usize,
    pub(super) leaves: bool,
    /// Density-based validity (Moulavi et al. 2014), in [-1, 1].
    pub(super) dbcv: f64,
}

/// Rows along a projection, and how far they reach.
struct Looked {
    projection: Projection,
    seen: Seen,
    reachability: Reachability,
}

impl Looked {
    fn at(rows: ArrayView2<'_, f32>, directions: usize, watch: &dyn Watch) -> Result<Self, Failed> {
        let projection = Projection::fit(rows, directions, watch)?;
        let seen = projection.apply(rows, watch)?;
        let reachability = settings(rows.nrows(), 2, false)?.reachability(seen.rows.view(), watch)?;
        Ok(Self { projection, seen, reachability })
    }

    fn cluster(&self, size: usize, leaves: bool, watch: &dyn Watch) -> Result<Vec<i32>, Failed> {
        let rows = self.reachability.rows();
        Ok(settings(rows, size, leaves)?.cluster(self.reachability.edges(), rows, watch)?.labels)
    }

    fn clusters(&self, core_labels: &[i32], params: &Params, watch: &dyn Watch) -> Result<(Clusters, Vec<i32>), Failed> {
        let Self { projection, seen, reachability } = self;
        Clusters::new(projection.clone(), seen, core_labels, reachability, params.attach_factor, watch)
    }
}

/// The checked settings of HDBSCAN* for these rows.
fn settings(rows: usize, size: usize, leaves: bool) -> Result<HdbscanValidParams, Failed> {
    let selection = if leaves { ClusterSelection::Leaf } else { ClusterSelection::ExcessOfMass };
    let samples = MIN_SAMPLES.min(rows.max(2) - 1);
    let params = Hdbscan::params().min_cluster_size(size).min_samples(samples).cluster_selection(selection);
    params.check().map_err(|e| Failed::Data(e.to_string()))
}

/// The settings tried: every size with both ways to choose clusters.
fn candidates(rows: usize, params: &Params) -> Vec<(usize, bool)> {
    let size = |share: f64| ((rows as f64 * share) as usize).max(params.min_context_rows).min(rows.max(2) - 1).max(2);
    let mut sizes: Vec<usize> = SIZES.iter().map(|share| size(*share)).collect();
    sizes.dedup();
    sizes.into_iter().flat_map(|size| [(size, false), (size, true)]).collect()
}

/// A clustering that may be chosen.
struct Finalist {
    clusters: Clusters,
    core_labels: Vec<i32>,
    labels: Vec<i32>,
    choice: Choice,
    /// Mean adjusted Rand index with what resamples found.
    stability: f64,
}

/// Finds the clusters of distinct rows: HDBSCAN* on all columns and along few principal components, at several sizes. Of
/// those with the highest density-based validity the one stands that comes back when rows are resampled and that the
/// other ways of looking agree with; of those as good as the best, the most detailed one. Rows between clusters are
/// attached where that is near enough.
pub(super) fn find(rows: ArrayView2<'_, f32>, params: &Params, seed: u64, watch: &dyn Watch) -> Result<Found, Failed> {
    let mut all: Vec<Finalist> = Vec::new();
    for directions in DIRECTIONS {
        let looked = Looked::at(rows, directions, watch)?;
        for (choice, core_labels) in finalists(&looked, directions, params, seed, watch)? {
            let (clusters, labels) = looked.clusters(&core_labels, params, watch)?;
            let stability = stability(rows, &labels, choice, params, FINALIST_RESAMPLES, seed, watch)?;
            let stability = stability.mean_adjusted_rand();
            all.push(Finalist { clusters, core_labels, labels, choice, stability });
        }
    }
    if all.iter().any(|one| one.clusters.len() > 1 && one.stability >= TRUSTED_FROM) {
        // One cluster of everything always comes back: that proves nothing where several do as well.
        all.retain(|one| one.clusters.len() > 1);
    }
    let scores = scores(&all, watch)?;
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut chosen: Option<(usize, f64, Finalist)> = None;
    for (score, finalist) in scores.into_iter().zip(all).filter(|(score, _)| *score >= best - AS_GOOD) {
        let detail = finalist.clusters.len();
        if chosen.as_ref().is_none_or(|(most, least, _)| (detail, score) > (*most, *least)) {
            chosen = Some((detail, score, finalist));
        }
    }
    let too_few = || Failed::Data("there are too few different rows to cluster".to_owned());
    let (_, _, Finalist { clusters, core_labels, labels, choice, .. }) = chosen.ok_or_else(too_few)?;
    Ok(Found { clusters, core_labels, labels, choice })
}

/// For each finalist how often it comes back, and how far the others agree with it: both adjusted Rand indices.
fn scores(all: &[Finalist], watch: &dyn Watch) -> Result<Vec<f64>, Failed> {
    let mut agreement = vec![0.0; all.len()];
    for (i, one) in all.iter().enumerate() {
        watch.tick(i as u64, all.len() as u64)?;
        for (j, other) in all.iter().enumerate().skip(i + 1) {
            let same = adjusted_rand_index(&one.labels, &other.labels)?;
            agreement[i] += same;
            agreement[j] += same;
        }
    }
    let others = (all.len().max(2) - 1) as f64;
    Ok(all.iter().zip(agreement).map(|(finalist, sum)| finalist.stability + sum / others).collect())
}

/// The clusterings of the highest validity.
fn finalists(
    looked: &Looked,
    directions: usize,
    params: &Params,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Vec<(Choice, Vec<i32>)>, Failed> {
    let mut tried: Vec<(Choice, Vec<i32>)> = Vec::new();
    for (min_cluster_size, leaves) in candidates(looked.reachability.rows(), params) {
        let labels = looked.cluster(min_cluster_size, leaves, watch)?;
        if tried.iter().any(|(_, known)| *known == labels) {
            continue;
        }
        let several = labels.iter().any(|label| *label > 0);
        let rows = looked.seen.rows.view();
        let validity = if several { dbcv(rows, &labels, VALIDITY_ROWS, seed, watch)?.value } else { -1.0 };
        tried.push((Choice { directions, min_cluster_size, leaves, dbcv: validity }, labels));
    }
    tried.sort_by(|a, b| b.0.dbcv.total_cmp(&a.0.dbcv));
    tried.truncate(FINALISTS);
    Ok(tried)
}

/// How often these clusters come back when some of the rows, at most [`RESAMPLED_ROWS_MAX`], are clustered again in the
/// same way.
pub(super) fn stability(
    rows: ArrayView2<'_, f32>,
    labels: &[i32],
    choice: Choice,
    params: &Params,
    resamples: usize,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Stability, Failed> {
    let step = rows.nrows().div_ceil(RESAMPLED_ROWS_MAX);
    let few = rows.slice(s![..;step, ..]);
    let labels: Vec<i32> = labels.iter().step_by(step).copied().collect();
    bootstrap_stability(&labels, resamples, seed, watch, |drawn, _| {
        let looked = Looked::at(few.select(Axis(0), drawn).view(), choice.directions, watch)?;
        // The same share of fewer rows.
        let size = (choice.min_cluster_size * drawn.len() / rows.nrows()).max(2);
        let core_labels = looked.cluster(size, choice.leaves, watch)?;
        Ok(looked.clusters(&core_labels, params, watch)?.1)
    })
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use souffleur_algorithms::clustering_quality::matched_accuracy;
    use souffleur_simulator::{MixtureKind, mixture};

    
    use super::*;

    #[test]
    fn curved_groups_that_differ_in_two_columns_only_are_found() {
        let planted = mixture(MixtureKind::Moons, 2, 1200);
        let params = Params::default();
        let rows = params.space().coordinates(planted.features.view()).unwrap();
        let found = find(rows.view(), &params, 1, &()).unwrap();
        let accuracy = matched_accuracy(&found.labels, &planted.labels).unwrap();
        assert!(accuracy > 0.95, "{accuracy} {:?}", found.choice);
    }

    #[test]
    fn rows_without_groups_are_one_context() {
        let rows = Array2::from_shape_fn((64, 4), |(i, column)| ((i >> (2 * (column % 3))) & 3) as f32 / 4.0);
        let found = find(rows.view(), &Params::default(), 1, &()).unwrap();
        assert_eq!(found.clusters.len(), 1, "{:?}", found.labels);
    }
}
