//! The minimum spanning tree of the mutual reachability distances.

use ndarray::{ArrayView1, ArrayView2};

use super::linkage::Edge;
use crate::watch::{Interrupted, Watch};

fn distance(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

/// Prim's algorithm on all pairs.
pub(super) fn spanning_tree(
    rows: ArrayView2<'_, f64>,
    core: &[f64],
    watch: &dyn Watch,
) -> Result<Vec<Edge>, Interrupted> {
    let n = rows.nrows();
    let mut nearest = vec![(f64::INFINITY, 0u32); n];
    let mut in_tree = vec![false; n];
    let mut edges = Vec::with_capacity(n.saturating_sub(1));
    let mut current = 0;
    for step in 1..n {
        watch.tick(step as u64, n as u64)?;
        in_tree[current] = true;
        let mut next = (f64::INFINITY, current);
        for other in (0..n).filter(|other| !in_tree[*other]) {
            let weight = distance(rows.row(current), rows.row(other)).max(core[current]).max(core[other]);
            if weight < nearest[other].0 {
                nearest[other] = (weight, current as u32);
            }
            if nearest[other].0 < next.0 {
                next = (nearest[other].0, other);
            }
        }
        current = next.1;
        edges.push(Edge { a: nearest[current].1, b: current as u32, weight: nearest[current].0 });
    }
    Ok(edges)
}
