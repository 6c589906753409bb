//! Cluster centroids and how rows scatter about them.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::groups::Groups;
use crate::input::Real;
use crate::watch::{Interrupted, Progress, Watch};

/// Rows read between two calls of the watch.
const ROWS_PER_TICK: usize = 1024;

/// One cluster by its first moments.
pub(super) struct Centroid {
    pub(super) rows: usize,
    pub(super) mean: Vec<f64>,
    /// Mean distance of the rows to the centroid.
    pub(super) mean_distance: f64,
    /// Sum of squared distances of the rows to the centroid.
    pub(super) squares: f64,
}

/// Centroid of each cluster, clusters on all threads, rows within a cluster in row order. `O(n d)`.
pub(super) fn centroids<F: Real>(
    x: ArrayView2<'_, F>,
    groups: &Groups,
    watch: &dyn Watch,
) -> Result<Vec<Centroid>, Interrupted> {
    let progress = Progress::new(watch, 2 * groups.all_members().len() as u64);
    let clusters = (0..groups.len()).into_par_iter().map(|cluster| {
        let members = groups.members(cluster);
        let rows = members.len() as f64;
        let mut mean = vec![0.0; x.ncols()];
        for members in members.chunks(ROWS_PER_TICK) {
            for row in members {
                mean.iter_mut().zip(x.row(*row)).for_each(|(sum, value)| *sum += value.to_f64());
            }
            progress.advance(members.len() as u64)?;
        }
        mean.iter_mut().for_each(|sum| *sum /= rows);
        let (mut distances, mut squares) = (0.0, 0.0);
        for members in members.chunks(ROWS_PER_TICK) {
            for row in members {
                let squared = squared_distance(x.row(*row).iter().map(|value| value.to_f64()), &mean);
                distances += squared.sqrt();
                squares += squared;
            }
            progress.advance(members.len() as u64)?;
        }
        Ok(Centroid { rows: members.len(), mean, mean_distance: distances / rows, squares })
    });
    clusters.collect()
}

/// Squared Euclidean distance of two points.
pub(super) fn squared_distance(point: impl Iterator<Item = f64>, other: &[f64]) -> f64 {
    point.zip(other).map(|(a, b)| (a - b) * (a - b)).sum()
}
