//! From the edges of a spanning tree to the order in which clusters merge.

use serde::{Deserialize, Serialize};

use super::errors::HdbscanError;

/// An edge of a spanning tree.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// One row.
    pub a: u32,
    /// Another row.
    pub b: u32,
    /// How far apart they are: finite, 0 or more.
    pub weight: f64,
}

/// Two nodes that become one. Rows are the nodes `0..n`; merge `i` makes the node `n + i`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Merge {
    pub(super) left: u32,
    pub(super) right: u32,
    pub(super) distance: f64,
    pub(super) size: u32,
}

/// Representatives of merged sets, found with path halving.
pub(super) struct Sets {
    parent: Vec<u32>,
}

impl Sets {
    pub(super) fn new(n: usize) -> Self {
        Self { parent: (0..n as u32).collect() }
    }

    pub(super) fn find(&mut self, mut x: u32) -> u32 {
        while self.parent[x as usize] != x {
            let above = self.parent[self.parent[x as usize] as usize];
            self.parent[x as usize] = above;
            x = above;
        }
        x
    }

    /// Makes `to` the representative of `from`; both must be representatives.
    pub(super) fn attach(&mut self, from: u32, to: u32) {
        self.parent[from as usize] = to;
    }
}

/// The merges of `n` rows by the edges of their spanning tree, nearest first. `O(n log n)`.
///
/// Edges of equal weight merge in the order in which they come.
///
/// # Errors
/// The edges are not a spanning tree of `n` rows, or a weight is negative or not finite.
pub(super) fn merges(edges: &[Edge], n: usize) -> Result<Vec<Merge>, HdbscanError> {
    let refused = |edge: usize| HdbscanError::Edge { edge, rows: n };
    if edges.len() + 1 != n {
        return Err(HdbscanError::Edges { edges: edges.len(), rows: n });
    }
    let mut order: Vec<(f64, u32)> = edges.iter().zip(0..).map(|(edge, i)| (edge.weight, i)).collect();
    order.sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
    let mut sets = Sets::new(2 * n);
    let mut sizes = vec![1u32; n];
    let mut found = Vec::with_capacity(edges.len());
    for (_, i) in order {
        let edge = edges[i as usize];
        let known = (edge.a as usize) < n && (edge.b as usize) < n;
        if !known || !edge.weight.is_finite() || edge.weight < 0.0 {
            return Err(refused(i as usize));
        }
        let (left, right) = (sets.find(edge.a), sets.find(edge.b));
        if left == right {
            return Err(refused(i as usize));
        }
        let (node, size) = (sizes.len() as u32, sizes[left as usize] + sizes[right as usize]);
        sets.attach(left, node);
        sets.attach(right, node);
        sizes.push(size);
        found.push(Merge { left, right, distance: edge.weight, size });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(a: u32, b: u32, weight: f64) -> Edge {
        Edge { a, b, weight }
    }

    #[test]
    fn the_nearest_merge_first_and_sizes_add_up() {
        let found = merges(&[edge(0, 3, 9.0), edge(2, 3, 1.0), edge(1, 0, 2.0)], 4).unwrap();
        let merge = |left, right, distance, size| Merge { left, right, distance, size };
        assert_eq!(found, [merge(2, 3, 1.0, 2), merge(1, 0, 2.0, 2), merge(5, 4, 9.0, 4)]);
    }

    #[test]
    fn what_is_no_spanning_tree_is_refused() {
        let refused = |edges: &[Edge]| merges(edges, 3).unwrap_err().to_string();
        assert!(refused(&[edge(0, 1, 1.0)]).starts_with("1 edges"));
        assert!(refused(&[edge(0, 1, 1.0), edge(1, 0, 2.0)]).starts_with("edge 1"));
        assert!(refused(&[edge(0, 1, 1.0), edge(1, 3, 2.0)]).starts_with("edge 1"));
        assert!(refused(&[edge(0, 1, f64::NAN), edge(1, 2, 2.0)]).starts_with("edge 0"));
    }
}
