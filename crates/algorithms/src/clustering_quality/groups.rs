//! Rows sorted by cluster.

use std::collections::BTreeMap;

use ndarray::ArrayView2;

use super::errors::ClusteringQualityError;
use crate::input::{Real, check_finite};
use crate::watch::Watch;

/// The clusters that labels name, in order of their labels, without noise.
pub(super) struct Groups {
    labels: Vec<i32>,
    /// Cluster `c` has the members `starts[c]..starts[c + 1]`.
    starts: Vec<usize>,
    members: Vec<usize>,
}

impl Groups {
    /// Sorts rows by label; within a cluster they stay in row order. `O(n log k)`.
    pub(super) fn new(labels: &[i32]) -> Self {
        let mut counts = BTreeMap::new();
        for label in labels.iter().filter(|label| **label >= 0) {
            *counts.entry(*label).or_insert(0) += 1;
        }
        let mut starts = vec![0];
        for count in counts.values() {
            starts.push(starts.last().copied().unwrap_or(0) + count);
        }
        let mut next: BTreeMap<i32, usize> = counts.keys().copied().zip(starts.iter().copied()).collect();
        let mut members = vec![0; starts.last().copied().unwrap_or(0)];
        for (row, label) in labels.iter().enumerate() {
            if let Some(place) = next.get_mut(label) {
                members[*place] = row;
                *place += 1;
            }
        }
        Self { labels: counts.into_keys().collect(), starts, members }
    }

    /// As [`new`](Self::new), after checking that `x` has a label for each row, finite values only and at least two
    /// clusters.
    pub(super) fn checked<F: Real>(
        x: ArrayView2<'_, F>,
        labels: &[i32],
        watch: &dyn Watch,
    ) -> Result<Self, ClusteringQualityError> {
        let (rows, columns) = x.dim();
        if rows == 0 || columns == 0 {
            return Err(ClusteringQualityError::Empty { rows, columns });
        }
        if rows != labels.len() {
            return Err(ClusteringQualityError::Lengths { rows, labels: labels.len() });
        }
        let groups = Self::new(labels);
        if groups.len() < 2 {
            return Err(ClusteringQualityError::Clusters(groups.len()));
        }
        check_finite(x, watch)?;
        Ok(groups)
    }

    /// Number of clusters.
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Label of a cluster.
    pub(super) fn label(&self, cluster: usize) -> i32 {
        self.labels[cluster]
    }

    /// Rows of a cluster, ascending.
    pub(super) fn members(&self, cluster: usize) -> &[usize] {
        &self.members[self.starts[cluster]..self.starts[cluster + 1]]
    }

    /// Rows of all clusters, cluster after cluster.
    pub(super) fn all_members(&self) -> &[usize] {
        &self.members
    }

    /// Cluster of each row; nothing for noise.
    pub(super) fn cluster_of_rows(&self, rows: usize) -> Vec<Option<usize>> {
        let mut clusters = vec![None; rows];
        for cluster in 0..self.len() {
            for row in self.members(cluster) {
                clusters[*row] = Some(cluster);
            }
        }
        clusters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_by_label_and_noise_is_left_out() {
        let groups = Groups::new(&[7, -1, 2, 7, -3, 2, 2]);
        assert_eq!(groups.len(), 2);
        assert_eq!((groups.label(0), groups.members(0)), (2, [2, 5, 6].as_slice()));
        assert_eq!((groups.label(1), groups.members(1)), (7, [0, 3].as_slice()));
        assert_eq!(groups.all_members(), [2, 5, 6, 0, 3]);
        assert_eq!(groups.cluster_of_rows(7)[..3], [Some(1), None, Some(0)]);
        assert_eq!(Groups::new(&[-1]).len(), 0);
    }
}
