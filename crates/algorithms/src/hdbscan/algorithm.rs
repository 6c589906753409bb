//! Clustering by density, and placing new rows.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::condensed::{Child, CondensedTree};
use super::errors::HdbscanError;
use super::hyperparams::{HdbscanParams, HdbscanValidParams};
use super::labelling::{self, label_of_clusters, membership};
use super::linkage::{Edge, merges};
use super::metric::Metric;
use super::reachability::{Reachability, from_neighbors};
use super::selection;
use crate::input::{Real, check_finite};
use crate::neighbors::{Neighbor, NeighborIndex};
use crate::watch::Watch;

/// Clusters found by density.
///
/// # What it does
/// A row's *core distance* is the distance to its `min_samples`-th neighbour; two rows are *mutually reachable* at the
/// larger of their core distances and the distance between them. HDBSCAN* (Campello, Moulavi & Sander 2013) looks at
/// the groups that are connected at each reachability, keeps those of at least `min_cluster_size` rows as a tree, and
/// takes the clusters that persist longest; what belongs to none is noise. Each row gets the probability of its
/// membership, and an outlier score (GLOSH, Campello et al. 2015). New rows are placed without changing the clusters
/// (McInnes & Healy 2017).
///
/// # When to use it
/// Clusters of unknown number, shape and density, with noise between them. `min_cluster_size` is the one parameter that
/// matters. Values must be comparable: standardise columns, or give a [`Metric`] with weights.
///
/// # Cost
/// Exact, whatever the data: nearest rows and the spanning tree (Boruvka's rounds, March et al. 2010) come from a tree of
/// balls; at worst every pair of rows is looked at, 128 pairs at a time (`benches/hdbscan.rs` measures it). Memory is
/// linear in the rows. The result does not depend on the number of threads or the order in which they finish.
///
/// Ties are decided by distance, then by row: where a row of low density joins two clusters, both are equally reachable
/// from it, and implementations differ in which one gets it. Equal rows are looked at once.
///
/// # Example
/// ```
/// use ndarray::array;
/// use souffleur_algorithms::{ParamGuard, hdbscan::Hdbscan};
/// let x = array![[0.0], [0.1], [0.2], [0.3], [5.0], [5.1], [5.2], [5.3], [99.0]];
/// let model = Hdbscan::params().min_cluster_size(3).min_samples(2).check()?.fit(x.view(), &())?;
/// assert_eq!(model.labels(), [0, 0, 0, 0, 1, 1, 1, 1, -1]);
/// assert_eq!(model.predict(array![[5.15]].view(), &())?[0].label, 1);
/// # Ok::<(), souffleur_algorithms::hdbscan::HdbscanError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Hdbscan {
    metric: Metric,
    min_samples: usize,
    clustering: Clustering,
    places: Places,
}

/// The clusters of a spanning tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clustering {
    /// The cluster of each row, numbered from 0; -1 for noise.
    pub labels: Vec<i32>,
    /// How far inside its cluster each row is, in [0, 1]; 0 for noise.
    pub probabilities: Vec<f64>,
    /// How much less dense each row is than the densest place of the cluster it falls out of, in [0, 1] (GLOSH).
    pub outlier_scores: Vec<f64>,
    /// How long each cluster persists, relative to the longest that any could, in [0, 1].
    pub persistences: Vec<f64>,
    /// The tree the clusters were chosen from.
    pub tree: CondensedTree,
    /// The chosen clusters' numbers in the tree, by label.
    pub chosen: Vec<u32>,
}

/// What it takes to place new rows: the distinct rows, how dense it is there, and when each left which cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Places {
    index: NeighborIndex<f64>,
    counts: Vec<u32>,
    core: Vec<f64>,
    left: Vec<(u32, f64)>,
}

/// Where a new row belongs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Membership {
    /// The cluster, or -1 for none.
    pub label: i32,
    /// How far inside the cluster the row is, in [0, 1]; 0 for none.
    pub probability: f64,
}

/// A model as read back, before its parts are known to fit together.
#[derive(Deserialize)]
struct Stored {
    metric: Metric,
    min_samples: usize,
    clustering: Clustering,
    places: Places,
}

impl TryFrom<Stored> for Hdbscan {
    type Error = &'static str;

    fn try_from(Stored { metric, min_samples, clustering, places }: Stored) -> Result<Self, Self::Error> {
        let (rows, distinct) = (clustering.labels.len(), places.index.rows());
        let lengths = clustering.probabilities.len() == rows
            && clustering.outlier_scores.len() == rows
            && clustering.persistences.len() == clustering.chosen.len()
            && [places.counts.len(), places.core.len(), places.left.len()] == [distinct; 3];
        let (clusters, labels) = (clustering.tree.len() as u32, clustering.chosen.len() as i32);
        let numbers = clustering.chosen.iter().all(|cluster| *cluster < clusters)
            && places.left.iter().all(|(cluster, _)| *cluster < clusters)
            && clustering.labels.iter().all(|label| (-1..labels).contains(label));
        let sound = min_samples > 0 && metric.check().is_ok() && clustering.tree.is_sound(rows);
        if !(lengths && numbers && sound) {
            return Err("clustering: its parts do not fit together");
        }
        Ok(Self { metric, min_samples, clustering, places })
    }
}

impl HdbscanValidParams {
    /// Clusters the rows of `x`, rows x columns.
    ///
    /// # Errors
    /// `x` is empty, has no `min_samples`-th neighbour, a value is not finite as `f32`, the metric has another number
    /// of weights, or the watch interrupts.
    pub fn fit<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Hdbscan, HdbscanError> {
        self.fit_reachability(&self.reachability(x, watch)?, watch)
    }

    /// Clusters rows whose mutual reachability is known: the same as [`fit`](Self::fit), in `O(n log n)`.
    ///
    /// # Errors
    /// The reachability is for another metric or `min_samples`, or the watch interrupts.
    pub fn fit_reachability(&self, known: &Reachability, watch: &dyn Watch) -> Result<Hdbscan, HdbscanError> {
        if known.min_samples != self.min_samples() {
            return Err(HdbscanError::OtherReachability("min_samples"));
        }
        if known.metric != *self.metric() {
            return Err(HdbscanError::OtherReachability("metric"));
        }
        let clustering = self.cluster(&known.edges, known.rows(), watch)?;
        let mut left = vec![(0, 0.0); known.counts.len()];
        for departure in clustering.tree.departures() {
            if let Child::Row(row) = departure.child {
                left[known.of_row[row as usize] as usize] = (departure.cluster, departure.lambda);
            }
        }
        let (index, counts, core) = (known.index.clone(), known.counts.clone(), known.core.clone());
        let places = Places { index, counts, core, left };
        Ok(Hdbscan { metric: known.metric.clone(), min_samples: known.min_samples, clustering, places })
    }

    /// Clusters `n` rows by the edges of a minimum spanning tree, of any metric. `O(n log n)`.
    ///
    /// # Errors
    /// The edges are not a spanning tree of `n` rows, or the watch interrupts.
    pub fn cluster(&self, edges: &[Edge], n: usize, watch: &dyn Watch) -> Result<Clustering, HdbscanError> {
        let merges = merges(edges, n)?;
        watch.tick(1, 3)?;
        let tree = CondensedTree::new(&merges, n, self.min_cluster_size());
        watch.tick(2, 3)?;
        let stabilities = selection::stabilities(&tree);
        let chosen = selection::select(&tree, &stabilities, self);
        let labelled = labelling::label(&tree, &chosen, &stabilities, n, self);
        watch.tick(3, 3)?;
        Ok(Clustering {
            labels: labelled.labels,
            probabilities: labelled.probabilities,
            outlier_scores: labelled.outlier_scores,
            persistences: labelled.persistences,
            tree,
            chosen,
        })
    }
}

impl Hdbscan {
    /// The default hyperparameters.
    pub fn params() -> HdbscanParams {
        HdbscanParams::new()
    }

    /// The clusters.
    pub fn clustering(&self) -> &Clustering {
        &self.clustering
    }

    /// The cluster of each row, numbered from 0; -1 for noise.
    pub fn labels(&self) -> &[i32] {
        &self.clustering.labels
    }

    /// How far inside its cluster each row is, in [0, 1]; 0 for noise.
    pub fn probabilities(&self) -> &[f64] {
        &self.clustering.probabilities
    }

    /// How much less dense each row is than the densest place of the cluster it falls out of, in [0, 1] (GLOSH).
    pub fn outlier_scores(&self) -> &[f64] {
        &self.clustering.outlier_scores
    }

    /// How long each cluster persists, relative to the longest that any could, in [0, 1].
    pub fn persistences(&self) -> &[f64] {
        &self.clustering.persistences
    }

    /// Number of clusters.
    pub fn n_clusters(&self) -> usize {
        self.clustering.chosen.len()
    }

    /// Number of columns that rows must have.
    pub fn columns(&self) -> usize {
        self.places.index.columns()
    }

    /// Places new rows without changing the clusters: each joins where it would first touch a known row as the density
    /// falls (`approximate_predict` of McInnes & Healy 2017). `O(distinct rows x columns)` a row.
    ///
    /// # Errors
    /// Another width, a value that is not finite as `f32`, or the watch interrupts.
    pub fn predict<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Vec<Membership>, HdbscanError> {
        if x.ncols() != self.columns() {
            return Err(HdbscanError::Columns { expected: self.columns(), found: x.ncols() });
        }
        check_finite(x, watch)?;
        let mut rows = x.mapv(Real::to_f64);
        if let Some(scales) = self.metric.scales(x.ncols())? {
            rows.outer_iter_mut().for_each(|mut row| row.iter_mut().zip(scales.iter()).for_each(|(v, s)| *v *= s));
        }
        let nearest = self.places.index.nearest_batch(rows.view(), 2 * self.min_samples, watch);
        let Clustering { tree, chosen, .. } = &self.clustering;
        let (births, deaths, labels) = (tree.births(), tree.deaths(), label_of_clusters(tree, chosen));
        Ok(nearest.map_err(from_neighbors)?.iter().map(|found| self.place(found, &births, &deaths, &labels)).collect())
    }

    /// Places a row by its nearest known ones.
    fn place(&self, found: &[Neighbor], births: &[(u32, f64)], deaths: &[f64], labels: &[i32]) -> Membership {
        let own_core = self.core_of_new(found);
        let reach = |n: &Neighbor| n.distance.max(own_core).max(self.places.core[n.row]);
        let Some(nearest) = found.iter().min_by(|a, b| reach(a).total_cmp(&reach(b))) else {
            return Membership { label: -1, probability: 0.0 };
        };
        let lambda = if reach(nearest) > 0.0 { 1.0 / reach(nearest) } else { f64::INFINITY };
        let (mut cluster, left) = self.places.left[nearest.row];
        if left > lambda {
            while cluster > 0 && births[cluster as usize].1 >= lambda {
                cluster = births[cluster as usize].0;
            }
        }
        match labels[cluster as usize] {
            -1 => Membership { label: -1, probability: 0.0 },
            label => {
                let death = deaths[self.clustering.chosen[label as usize] as usize];
                Membership { label, probability: membership(death, lambda) }
            }
        }
    }

    /// The core distance a new row would have among the known ones.
    fn core_of_new(&self, found: &[Neighbor]) -> f64 {
        let mut seen = 0;
        let reached = found.iter().find(|neighbor| {
            seen += self.places.counts[neighbor.row] as usize;
            seen >= self.min_samples
        });
        reached.or(found.last()).map_or(0.0, |neighbor| neighbor.distance)
    }
}
