//! Clustering by density, and placing new rows.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::condensed::{Child, CondensedTree};
use super::core_distance::core_distance;
use super::distinct::Distinct;
use super::errors::HdbscanError;
use super::hyperparams::{HdbscanParams, HdbscanValidParams};
use super::labelling::{self, label_of_clusters, membership};
use super::linkage::{Edge, merges};
use super::metric::Metric;
use super::selection;
use super::spanning_tree::SpanningTree;
use crate::input::{Real, check_finite};
use crate::neighbors::{Neighbor, NeighborIndex, NeighborsError};
use crate::space_tree::{NearestRows, SpaceTree};
use crate::watch::Watch;

/// Clusters found by density.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Hdbscan {
    metric: Metric,
    min_samples: usize,
    labels: Vec<i32>,
    probabilities: Vec<f64>,
    outlier_scores: Vec<f64>,
    persistences: Vec<f64>,
    tree: CondensedTree,
    chosen: Vec<u32>,
    places: Places,
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
    labels: Vec<i32>,
    probabilities: Vec<f64>,
    outlier_scores: Vec<f64>,
    persistences: Vec<f64>,
    tree: CondensedTree,
    chosen: Vec<u32>,
    places: Places,
}

impl TryFrom<Stored> for Hdbscan {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { metric, min_samples, labels, probabilities, outlier_scores, persistences, tree, chosen, places } =
            stored;
        let (rows, distinct) = (labels.len(), places.index.rows());
        let lengths = probabilities.len() == rows
            && outlier_scores.len() == rows
            && persistences.len() == chosen.len()
            && places.counts.len() == distinct
            && places.core.len() == distinct
            && places.left.len() == distinct;
        let clusters = tree.len() as u32;
        let numbers = chosen.iter().all(|cluster| *cluster < clusters)
            && places.left.iter().all(|(cluster, _)| *cluster < clusters)
            && labels.iter().all(|label| (-1..chosen.len() as i32).contains(label));
        if min_samples == 0 || metric.check().is_err() || !lengths || !numbers || !tree.is_sound(rows) {
            return Err("clustering: its parts do not fit together");
        }
        Ok(Self { metric, min_samples, labels, probabilities, outlier_scores, persistences, tree, chosen, places })
    }
}

impl HdbscanValidParams {
    /// Clusters the rows of `x`, rows x columns.
    ///
    /// # Errors
    /// `x` is empty, has no `min_samples`-th neighbour, a value is not finite as `f32`, the metric has another number
    /// of weights, or the watch interrupts.
    pub fn fit<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Hdbscan, HdbscanError> {
        let (n, columns) = x.dim();
        if n == 0 || columns == 0 {
            return Err(HdbscanError::Empty { rows: n, columns });
        }
        if n <= self.min_samples() {
            return Err(HdbscanError::TooFewRows { rows: n, min_samples: self.min_samples() });
        }
        if i32::try_from(n).is_err() {
            return Err(HdbscanError::Rows(n));
        }
        check_finite(x, watch)?;
        let scales = self.metric().scales(columns)?;
        let distinct = Distinct::of(x, scales.as_deref());
        let space = SpaceTree::new(distinct.rows.view(), watch)?;
        let nearest = NearestRows::of(&space, self.min_samples(), watch)?;
        let position_core: Vec<f64> = (0..space.rows())
            .map(|position| {
                let count = |position: u32| distinct.counts[space.order[position as usize] as usize];
                let neighbors = nearest.at(position).iter().map(|&(squared, other)| (squared, count(other)));
                core_distance(count(position as u32), neighbors, self.min_samples())
            })
            .collect();
        let mut core = vec![0.0; space.rows()];
        for (position, &row) in space.order.iter().enumerate() {
            core[row as usize] = position_core[position];
        }
        let edges = all_edges(&SpanningTree::new(&space, &nearest, position_core).edges(watch)?, &distinct, &core);
        let index = NeighborIndex::new(distinct.rows.view(), watch).map_err(neighbors)?;
        let tree = CondensedTree::new(&merges(edges, n), n, self.min_cluster_size());
        let stabilities = selection::stabilities(&tree);
        let chosen = selection::select(&tree, &stabilities, self);
        let labelling = labelling::label(&tree, &chosen, &stabilities, n, self);
        let mut left = vec![(0, 0.0); distinct.counts.len()];
        for departure in tree.departures() {
            if let Child::Row(row) = departure.child {
                left[distinct.of_row[row as usize] as usize] = (departure.cluster, departure.lambda);
            }
        }
        Ok(Hdbscan {
            metric: self.metric().clone(),
            min_samples: self.min_samples(),
            labels: labelling.labels,
            probabilities: labelling.probabilities,
            outlier_scores: labelling.outlier_scores,
            persistences: labelling.persistences,
            tree,
            chosen,
            places: Places { index, counts: distinct.counts, core, left },
        })
    }
}

/// The spanning tree of all rows: that of the distinct ones, and each repeated row at its core distance from the first.
fn all_edges(tree: &[Edge], distinct: &Distinct, core: &[f64]) -> Vec<Edge> {
    let mut first = vec![u32::MAX; distinct.counts.len()];
    let mut edges = Vec::with_capacity(distinct.of_row.len());
    for (row, &of) in distinct.of_row.iter().enumerate() {
        if first[of as usize] == u32::MAX {
            first[of as usize] = row as u32;
        } else {
            edges.push(Edge { a: first[of as usize], b: row as u32, weight: core[of as usize] });
        }
    }
    edges.extend(tree.iter().map(|e| Edge { a: first[e.a as usize], b: first[e.b as usize], weight: e.weight }));
    edges
}

fn neighbors(error: NeighborsError) -> HdbscanError {
    match error {
        NeighborsError::NotFinite(found) => found.into(),
        NeighborsError::Interrupted(interrupted) => interrupted.into(),
        NeighborsError::Columns { expected, found } => HdbscanError::Columns { expected, found },
        NeighborsError::Empty { rows, columns } => HdbscanError::Empty { rows, columns },
        NeighborsError::NoNeighbors => HdbscanError::TooFewRows { rows: 0, min_samples: 0 },
    }
}

impl Hdbscan {
    /// The default hyperparameters.
    pub fn params() -> HdbscanParams {
        HdbscanParams::new()
    }

    /// The cluster of each row, numbered from 0; -1 for noise.
    pub fn labels(&self) -> &[i32] {
        &self.labels
    }

    /// How far inside its cluster each row is, in [0, 1]; 0 for noise.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// How much less dense each row is than the densest place of the cluster it falls out of, in [0, 1] (GLOSH).
    pub fn outlier_scores(&self) -> &[f64] {
        &self.outlier_scores
    }

    /// Number of clusters.
    pub fn n_clusters(&self) -> usize {
        self.chosen.len()
    }

    /// How long each cluster persists, relative to the longest that any could, in [0, 1].
    pub fn persistences(&self) -> &[f64] {
        &self.persistences
    }

    /// The tree the clusters were chosen from.
    pub fn condensed_tree(&self) -> &CondensedTree {
        &self.tree
    }

    /// The chosen clusters' numbers in the tree, by label.
    pub fn chosen_clusters(&self) -> &[u32] {
        &self.chosen
    }

    /// Number of columns that rows must have.
    pub fn columns(&self) -> usize {
        self.places.index.columns()
    }

    /// Places new rows without changing the clusters: each joins where it would first touch a known row as the density
    /// falls (`approximate_predict` of McInnes & Healy). `O(distinct rows x columns)` a row.
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
        let found = self.places.index.nearest_batch(rows.view(), 2 * self.min_samples, watch).map_err(neighbors)?;
        let (births, labels) = (self.tree.births(), label_of_clusters(&self.tree, &self.chosen));
        let deaths = self.tree.deaths();
        Ok(found.iter().map(|found| self.place(found, &births, &labels, &deaths)).collect())
    }

    /// Places a row by its nearest known ones.
    fn place(&self, found: &[Neighbor], births: &[(u32, f64)], labels: &[i32], deaths: &[f64]) -> Membership {
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
                let death = deaths[self.chosen[label as usize] as usize];
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
