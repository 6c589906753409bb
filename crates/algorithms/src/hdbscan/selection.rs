//! Which clusters of the condensed tree are the answer.

use super::condensed::{Child, CondensedTree};
use super::hyperparams::{ClusterSelection, HdbscanValidParams};

/// Stability of each cluster (Campello et al. 2013, eq. 3): how much density its rows stay together for, summed.
///
/// What is born and leaves at infinite density, rows at distance 0, adds nothing.
pub(super) fn stabilities(tree: &CondensedTree) -> Vec<f64> {
    let births = tree.births();
    let mut stabilities = vec![0.0; tree.len()];
    for departure in tree.departures() {
        let size = match departure.child {
            Child::Row(_) => 1.0,
            Child::Cluster(_, size) => f64::from(size),
        };
        let birth = births[departure.cluster as usize].1;
        if birth.is_finite() {
            stabilities[departure.cluster as usize] += (departure.lambda - birth) * size;
        }
    }
    stabilities
}

/// The chosen clusters, in rising order of their numbers.
pub(super) fn select(tree: &CondensedTree, stabilities: &[f64], params: &HdbscanValidParams) -> Vec<u32> {
    let family = Family::new(tree);
    let mut chosen = match params.cluster_selection() {
        ClusterSelection::ExcessOfMass => family.excess_of_mass(stabilities, params.allow_single_cluster()),
        ClusterSelection::Leaf => family.leaves(),
    };
    let epsilon = params.cluster_selection_epsilon();
    if epsilon > 0.0 && chosen != [0] {
        chosen = family.merged_below(&chosen, epsilon, params.allow_single_cluster());
    }
    chosen
}

/// Parents and children of the clusters.
struct Family {
    births: Vec<(u32, f64)>,
    children: Vec<Vec<u32>>,
}

impl Family {
    fn new(tree: &CondensedTree) -> Self {
        let births = tree.births();
        let mut children = vec![Vec::new(); births.len()];
        for (cluster, (parent, _)) in births.iter().enumerate().skip(1) {
            children[*parent as usize].push(cluster as u32);
        }
        Self { births, children }
    }

    /// From the bottom up, a cluster is chosen where it is more stable than what is best below it.
    fn excess_of_mass(&self, stabilities: &[f64], root_too: bool) -> Vec<u32> {
        let mut best = stabilities.to_vec();
        let mut chosen = vec![false; best.len()];
        for cluster in (usize::from(!root_too)..best.len()).rev() {
            let below: f64 = self.children[cluster].iter().map(|child| best[*child as usize]).sum();
            if below > best[cluster] {
                best[cluster] = below;
            } else {
                chosen[cluster] = true;
            }
        }
        // Only the topmost of the chosen ones stand.
        let mut covered = vec![false; best.len()];
        let mut found = Vec::new();
        for cluster in 0..best.len() {
            let above = cluster > 0 && covered[self.births[cluster].0 as usize];
            if chosen[cluster] && !above {
                found.push(cluster as u32);
            }
            covered[cluster] = above || chosen[cluster];
        }
        found
    }

    /// The clusters without children; none if the root has none.
    fn leaves(&self) -> Vec<u32> {
        (1..self.children.len() as u32).filter(|cluster| self.children[*cluster as usize].is_empty()).collect()
    }

    /// Replaces clusters that were born below the distance `epsilon` by the first ancestor that was not
    /// (Malzer & Baum 2020).
    fn merged_below(&self, chosen: &[u32], epsilon: f64, root_too: bool) -> Vec<u32> {
        let mut found: Vec<u32> = chosen
            .iter()
            .map(|&cluster| {
                let birth = self.births[cluster as usize].1;
                if 1.0 / birth < epsilon { self.ancestor_at(cluster, epsilon, root_too) } else { cluster }
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        // An ancestor may cover others that were kept; the topmost stand.
        let mut covered = vec![false; self.births.len()];
        let all = std::mem::take(&mut found);
        for cluster in 0..self.births.len() as u32 {
            let above = cluster > 0 && covered[self.births[cluster as usize].0 as usize];
            let own = all.binary_search(&cluster).is_ok();
            if own && !above {
                found.push(cluster);
            }
            covered[cluster as usize] = above || own;
        }
        found
    }

    fn ancestor_at(&self, mut cluster: u32, epsilon: f64, root_too: bool) -> u32 {
        loop {
            let parent = self.births[cluster as usize].0;
            if parent == 0 {
                return if root_too { 0 } else { cluster };
            }
            if 1.0 / self.births[parent as usize].1 > epsilon {
                return parent;
            }
            cluster = parent;
        }
    }
}
