//! The condensed tree: which groups of rows exist at which density, and when each row leaves them.

use serde::{Deserialize, Serialize};

use super::linkage::Merge;

/// A row or a cluster that leaves a cluster as the density rises.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Departure {
    /// The cluster it leaves; 0 is the root, which holds all rows.
    pub cluster: u32,
    /// Who leaves.
    pub child: Child,
    /// The density at which it leaves: 1 / distance, infinite at distance 0.
    pub lambda: f64,
}

/// Who leaves a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Child {
    /// One row.
    Row(u32),
    /// A cluster of its own, by number, with its size in rows.
    Cluster(u32, u32),
}

/// The clusters of at least the least size, as a tree (Campello, Moulavi & Sander 2013; McInnes & Healy 2017).
///
/// Clusters are numbered from the root, 0, downwards: a parent's number is below its children's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CondensedTree {
    departures: Vec<Departure>,
    clusters: u32,
}

impl CondensedTree {
    /// Condenses the merges of `n` rows: splits that shed fewer than `min_cluster_size` rows are rows leaving. `O(n)`.
    pub(super) fn new(merges: &[Merge], n: usize, min_cluster_size: usize) -> Self {
        let mut tree = Self { departures: Vec::with_capacity(n + 64), clusters: 1 };
        if merges.is_empty() {
            tree.departures.extend((0..n as u32).map(|row| departure(0, Child::Row(row), f64::INFINITY)));
            return tree;
        }
        let walk = Walk { merges, n: n as u32 };
        let mut queue = std::collections::VecDeque::from([(n as u32 + merges.len() as u32 - 1, 0)]);
        while let Some((node, cluster)) = queue.pop_front() {
            let Some(merge) = walk.merge(node) else {
                // A cluster of one row cannot be: the least size is 2.
                continue;
            };
            let lambda = if merge.distance > 0.0 { 1.0 / merge.distance } else { f64::INFINITY };
            let large = |node: u32| walk.size(node) as usize >= min_cluster_size;
            let sides = [merge.left, merge.right];
            if sides.iter().all(|side| large(*side)) {
                for side in sides {
                    let child = tree.clusters;
                    tree.clusters += 1;
                    tree.departures.push(departure(cluster, Child::Cluster(child, walk.size(side)), lambda));
                    queue.push_back((side, child));
                }
                continue;
            }
            for side in sides {
                if large(side) {
                    queue.push_back((side, cluster));
                } else {
                    walk.rows(side, |row| tree.departures.push(departure(cluster, Child::Row(row), lambda)));
                }
            }
        }
        tree
    }

    /// Every departure, parents before children. Each row departs once.
    #[must_use]
    pub fn departures(&self) -> &[Departure] {
        &self.departures
    }

    /// How many clusters there are, the root among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.clusters as usize
    }

    /// Whether there is no cluster; never so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clusters == 0
    }

    /// Of each cluster: its parent and the density at which it was born. The root is its own parent, born at 0.
    pub(super) fn births(&self) -> Vec<(u32, f64)> {
        let mut births = vec![(0, 0.0); self.len()];
        for departure in &self.departures {
            if let Child::Cluster(cluster, _) = departure.child {
                births[cluster as usize] = (departure.cluster, departure.lambda);
            }
        }
        births
    }

    /// The highest density at which something leaves each cluster.
    pub(super) fn deaths(&self) -> Vec<f64> {
        let mut deaths = vec![0.0; self.len()];
        for departure in &self.departures {
            let death: &mut f64 = &mut deaths[departure.cluster as usize];
            *death = death.max(departure.lambda);
        }
        deaths
    }

    /// Whether every number points to what is there; a tree that was read back must be looked at first.
    pub(super) fn is_sound(&self, rows: usize) -> bool {
        let known = |d: &Departure| match d.child {
            Child::Row(row) => (row as usize) < rows,
            Child::Cluster(child, _) => d.cluster < child && child < self.clusters,
        };
        self.clusters > 0 && self.departures.iter().all(|d| d.cluster < self.clusters && known(d))
    }
}

fn departure(cluster: u32, child: Child, lambda: f64) -> Departure {
    Departure { cluster, child, lambda }
}

/// The merges seen as a tree from the top.
struct Walk<'a> {
    merges: &'a [Merge],
    n: u32,
}

impl Walk<'_> {
    fn merge(&self, node: u32) -> Option<&Merge> {
        node.checked_sub(self.n).and_then(|merge| self.merges.get(merge as usize))
    }

    fn size(&self, node: u32) -> u32 {
        self.merge(node).map_or(1, |merge| merge.size)
    }

    /// Visits the rows below a node.
    fn rows(&self, node: u32, mut visit: impl FnMut(u32)) {
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            match self.merge(node) {
                Some(merge) => stack.extend([merge.right, merge.left]),
                None => visit(node),
            }
        }
    }
}
