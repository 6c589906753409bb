//! Clusters of distinct rows, and where any other row belongs.

use ndarray::{ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use souffleur_algorithms::Watch;
use souffleur_algorithms::hdbscan::Reachability;
use souffleur_algorithms::neighbors::NeighborIndex;

use super::failed::Failed;
use super::projection::{Projection, Seen};

/// Most rows kept to place others by, and least of each cluster.
const REPRESENTATIVES_MAX: usize = 2000;
const REPRESENTATIVES_OF_EACH: usize = 50;
/// The share of a cluster's rows that set how far its rows reach, and how far they lie off the projection.
const REACH_QUANTILE: f64 = 0.95;

/// Where a row belongs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    /// The cluster; nothing if the row is far from all.
    pub(super) cluster: Option<usize>,
    /// How much it is like the cluster's own rows, in [0, 1]: 1 up to the distance at which these are from each other, then
    /// falling with the distance.
    pub(super) membership: f64,
    /// Distance to the nearest known row.
    pub(super) distance: f64,
}

impl Place {
    /// The cluster's number, -1 for none.
    pub(super) fn label(&self) -> i32 {
        self.cluster.map_or(-1, |cluster| cluster as i32)
    }
}

/// How near a row is to one cluster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Nearness {
    pub(super) cluster: usize,
    /// Distance to the cluster's nearest row, in units of how far its rows reach.
    pub(super) reaches: f64,
    pub(super) distance: f64,
}

/// Clusters of distinct rows, ready to place others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Clusters {
    projection: Projection,
    /// Rows of the clusters, at most about [`REPRESENTATIVES_MAX`], evenly taken from each.
    index: NeighborIndex<f64>,
    /// The cluster of each of these.
    cluster: Vec<u32>,
    /// How far each cluster's rows reach for their neighbours: the core distance of all but the farthest.
    reach: Vec<f64>,
    /// How far off the projection each cluster's rows lie, all but the farthest.
    off: Vec<f64>,
    /// How many times that far rows are attached.
    attach_factor: f64,
}

impl Clusters {
    /// The clusters of these rows, and the label of each row once those between clusters are attached where that is near
    /// enough. Where no row has a label, all rows together are the one cluster.
    pub(super) fn new(
        projection: Projection,
        seen: &Seen,
        core_labels: &[i32],
        reachability: &Reachability,
        attach_factor: f64,
        watch: &dyn Watch,
    ) -> Result<(Self, Vec<i32>), Failed> {
        let none = core_labels.iter().all(|label| *label < 0);
        let mut labels = if none { vec![0; core_labels.len()] } else { core_labels.to_vec() };
        let count = labels.iter().max().map_or(0, |last| (*last + 1) as usize);
        let (mut reach, mut off) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (row, (label, core)) in labels.iter().zip(reachability.core_distances()).enumerate() {
            if let Ok(cluster) = usize::try_from(*label) {
                reach[cluster].push(core);
                off[cluster].push(seen.off[row]);
                members[cluster].push(row);
            }
        }
        let kept = representatives(&members);
        let clusters = Self {
            projection,
            index: NeighborIndex::new(seen.rows.select(Axis(0), &kept).view(), watch)?,
            cluster: kept.iter().map(|row| labels[*row] as u32).collect(),
            reach: reach.into_iter().map(quantile).collect(),
            off: off.into_iter().map(quantile).collect(),
            attach_factor,
        };
        let between: Vec<usize> = (0..labels.len()).filter(|row| labels[*row] < 0).collect();
        let others = Seen {
            rows: seen.rows.select(Axis(0), &between),
            off: between.iter().map(|row| seen.off[*row]).collect(),
        };
        for (row, place) in between.into_iter().zip(clusters.place_seen(&others, watch)?) {
            labels[row] = place.label();
        }
        Ok((clusters, labels))
    }

    /// How many clusters there are.
    pub(super) fn len(&self) -> usize {
        self.reach.len()
    }

    /// Places rows. A row belongs where the nearest known row does, unless it is too far off for that cluster.
    pub(super) fn place(&self, rows: ArrayView2<'_, f32>, watch: &dyn Watch) -> Result<Vec<Place>, Failed> {
        self.place_seen(&self.projection.apply(rows, watch)?, watch)
    }

    fn place_seen(&self, seen: &Seen, watch: &dyn Watch) -> Result<Vec<Place>, Failed> {
        let nearest = self.index.nearest_batch(seen.rows.view(), 1, watch)?;
        let place = |(found, off): (&Vec<souffleur_algorithms::neighbors::Neighbor>, &f64)| match found.first() {
            Some(found) => self.judge(self.nearness(found.row, found.distance, *off)),
            None => Place { cluster: None, membership: 0.0, distance: f64::INFINITY },
        };
        Ok(nearest.iter().zip(&seen.off).map(place).collect())
    }

    /// How near a row at this distance from a known one is to its cluster: along the projection or off it, whichever is
    /// farther.
    fn nearness(&self, row: usize, distance: f64, off: f64) -> Nearness {
        let cluster = self.cluster[row] as usize;
        let times = |value: f64, usual: f64| if value > 0.0 { value / usual.max(f64::MIN_POSITIVE) } else { 0.0 };
        let reaches = times(distance, self.reach[cluster]).max(times(off, self.off[cluster]));
        Nearness { cluster, reaches, distance }
    }

    fn judge(&self, near: Nearness) -> Place {
        let belongs = near.reaches <= self.attach_factor.max(1.0);
        Place {
            cluster: belongs.then_some(near.cluster),
            membership: if belongs { near.reaches.max(1.0).recip() } else { 0.0 },
            distance: near.distance,
        }
    }

    /// How near one row is to each cluster, the nearest first; and where it belongs.
    pub(super) fn look(&self, row: ArrayView2<'_, f32>) -> Result<(Place, Vec<Nearness>), Failed> {
        let seen = self.projection.apply(row, &())?;
        let all = self.index.nearest_batch(seen.rows.view(), self.index.rows(), &())?;
        let off = seen.off.first().copied().unwrap_or(0.0);
        let mut by_cluster: Vec<Option<Nearness>> = vec![None; self.len()];
        for found in all.iter().flatten() {
            let near = self.nearness(found.row, found.distance, off);
            by_cluster[near.cluster].get_or_insert(near);
        }
        let mut by_cluster: Vec<Nearness> = by_cluster.into_iter().flatten().collect();
        by_cluster.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.cluster.cmp(&b.cluster)));
        let nothing = Place { cluster: None, membership: 0.0, distance: f64::INFINITY };
        Ok((by_cluster.first().map_or(nothing, |near| self.judge(*near)), by_cluster))
    }

    /// Whether its parts fit together; a model that was read back must be looked at first.
    pub(super) fn is_sound(&self, columns: usize) -> bool {
        let clusters = self.reach.len();
        self.cluster.len() == self.index.rows()
            && self.off.len() == clusters
            && self.cluster.iter().all(|cluster| (*cluster as usize) < clusters)
            && self.projection.columns().is_none_or(|own| own == columns)
            && self.index.columns() == self.projection.directions(columns)
    }
}

/// Which rows stand for the clusters: evenly taken, of small clusters more.
fn representatives(members: &[Vec<usize>]) -> Vec<usize> {
    let total: usize = members.iter().map(Vec::len).sum();
    let step = total.div_ceil(REPRESENTATIVES_MAX).max(1);
    let of = |rows: &Vec<usize>| {
        let step = step.min(rows.len() / REPRESENTATIVES_OF_EACH).max(1);
        rows.iter().copied().step_by(step).collect::<Vec<usize>>()
    };
    members.iter().flat_map(of).collect()
}

/// The value that all but the highest lie at or below.
fn quantile(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let place = ((values.len() - 1) as f64 * REACH_QUANTILE).round() as usize;
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_clusters_are_thinned_and_small_ones_kept() {
        let members = [(0..20_000).collect::<Vec<usize>>(), (20_000..20_040).collect()];
        let kept = representatives(&members);
        assert_eq!(kept.iter().filter(|row| **row >= 20_000).count(), 40);
        assert!((1500..=2100).contains(&kept.len()), "{}", kept.len());
    }
}
