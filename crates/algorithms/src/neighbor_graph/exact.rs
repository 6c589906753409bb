//! All neighbours, by the tree of balls.

use ndarray::ArrayView2;

use super::NeighborGraph;
use crate::space_tree::{NearestRows, SpaceTree};
use crate::watch::{Interrupted, Watch};

pub(super) fn graph(rows: ArrayView2<'_, f64>, k: usize, watch: &dyn Watch) -> Result<NeighborGraph, Interrupted> {
    let tree = SpaceTree::new(rows, watch)?;
    let nearest = NearestRows::of(&tree, k, watch)?;
    let found = || (0..tree.rows()).flat_map(|position| nearest.at(position));
    Ok(NeighborGraph {
        k,
        neighbors: found().map(|(_, position)| *position).collect(),
        distances: found().map(|(squared, _)| squared.sqrt() as f32).collect(),
        order: tree.order,
    })
}
