//! From the edges of a spanning tree to the order in which clusters merge.

/// An edge of a spanning tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Edge {
    pub(super) a: u32,
    pub(super) b: u32,
    pub(super) weight: f64,
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
pub(super) fn merges(mut edges: Vec<Edge>, n: usize) -> Vec<Merge> {
    edges.sort_by(|x, y| x.weight.total_cmp(&y.weight));
    let mut sets = Sets::new(2 * n);
    let mut sizes = vec![1u32; n];
    let mut found = Vec::with_capacity(edges.len());
    for edge in edges {
        let (left, right) = (sets.find(edge.a), sets.find(edge.b));
        let (node, size) = (sizes.len() as u32, sizes[left as usize] + sizes[right as usize]);
        sets.attach(left, node);
        sets.attach(right, node);
        sizes.push(size);
        found.push(Merge { left, right, distance: edge.weight, size });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_merge_first_and_sizes_add_up() {
        let edge = |a, b, weight| Edge { a, b, weight };
        let found = merges(vec![edge(0, 3, 9.0), edge(2, 3, 1.0), edge(1, 0, 2.0)], 4);
        let merge = |left, right, distance, size| Merge { left, right, distance, size };
        assert_eq!(found, [merge(2, 3, 1.0, 2), merge(1, 0, 2.0, 2), merge(5, 4, 9.0, 4)]);
    }
}
