//! What a clustering rests on: how dense each row is, and the spanning tree of the mutual reachability distances.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::core_distance::core_distance;
use super::distinct::Distinct;
use super::errors::HdbscanError;
use super::hyperparams::HdbscanValidParams;
use super::linkage::Edge;
use super::metric::Metric;
use super::spanning_tree::SpanningTree;
use crate::input::{Real, check_finite};
use crate::neighbors::{NeighborIndex, NeighborsError};
use crate::space_tree::{NearestRows, SpaceTree};
use crate::watch::Watch;

/// The mutual reachability of rows: what takes nearly all of the time, and depends on the metric and `min_samples` only.
///
/// Clusterings of other sizes, selections and epsilons follow from one of these in `O(n log n)`, by
/// [`HdbscanValidParams::fit_reachability`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reachability {
    pub(super) metric: Metric,
    pub(super) min_samples: usize,
    /// The spanning tree of all rows, the shortest edges first.
    pub(super) edges: Vec<Edge>,
    /// The number of its distinct row, for each row.
    pub(super) of_row: Vec<u32>,
    /// Core distance of each distinct row.
    pub(super) core: Vec<f64>,
    /// How often each distinct row occurs.
    pub(super) counts: Vec<u32>,
    /// The distinct rows.
    pub(super) index: NeighborIndex<f64>,
}

impl HdbscanValidParams {
    /// The mutual reachability of the rows of `x`, rows x columns.
    ///
    /// # Errors
    /// `x` is empty, has no `min_samples`-th neighbour, a value is not finite as `f32`, the metric has another number
    /// of weights, or the watch interrupts.
    pub fn reachability<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Reachability, HdbscanError> {
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
        let distinct = Distinct::of(x, scales.as_deref(), watch)?;
        let space = SpaceTree::new(distinct.rows.view(), watch)?;
        let nearest = NearestRows::of(&space, self.min_samples(), watch)?;
        let core_at: Vec<f64> = (0..space.rows())
            .map(|position| {
                let count = |position: u32| distinct.counts[space.order[position as usize] as usize];
                let neighbors = nearest.at(position).iter().map(|&(squared, other)| (squared, count(other)));
                core_distance(count(position as u32), neighbors, self.min_samples())
            })
            .collect();
        let mut core = vec![0.0; space.rows()];
        for (position, &row) in space.order.iter().enumerate() {
            core[row as usize] = core_at[position];
        }
        let tree = SpanningTree::new(&space, &nearest, core_at).edges(watch)?;
        Ok(Reachability {
            metric: self.metric().clone(),
            min_samples: self.min_samples(),
            edges: all_edges(&tree, &distinct, &core),
            core,
            index: NeighborIndex::new(distinct.rows.view(), watch).map_err(from_neighbors)?,
            of_row: distinct.of_row,
            counts: distinct.counts,
        })
    }
}

impl Reachability {
    /// The minimum spanning tree of the mutual reachability distances of all rows.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.of_row.len()
    }

    /// Core distance of each row: how far it must reach for its `min_samples`-th neighbour.
    pub fn core_distances(&self) -> impl Iterator<Item = f64> + '_ {
        self.of_row.iter().map(|distinct| self.core[*distinct as usize])
    }
}

/// The spanning tree of all rows: each repeated row at its core distance from the first, and that of the distinct ones.
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

/// What a search for neighbours that was refused means here.
pub(super) fn from_neighbors(error: NeighborsError) -> HdbscanError {
    match error {
        NeighborsError::NotFinite(found) => found.into(),
        NeighborsError::Interrupted(interrupted) => interrupted.into(),
        NeighborsError::Columns { expected, found } => HdbscanError::Columns { expected, found },
        NeighborsError::Empty { rows, columns } => HdbscanError::Empty { rows, columns },
        NeighborsError::NoNeighbors => HdbscanError::TooFewRows { rows: 0, min_samples: 0 },
    }
}
