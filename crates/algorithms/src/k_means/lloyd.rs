//! The iteration: nearest centroids, then means, until they settle.

use multiversion::multiversion;
use rayon::prelude::*;

use super::bounds::Motion;
use super::strips::{Strips, rows_per_tick};
use crate::input::Real;
use crate::lanes::{RowMajor, squared_distance};
use crate::watch::{Interrupted, Progress};

/// One run from one start.
pub(super) struct Lloyd<'a, F> {
    pub(super) rows: RowMajor<'a, F>,
    pub(super) clusters: usize,
    pub(super) max_iter: usize,
    /// Sum of squared shifts at which to stop.
    pub(super) tolerance: f64,
}

/// What a run found.
pub(super) struct Settled {
    pub(super) centroids: Vec<f64>,
    pub(super) labels: Vec<usize>,
    pub(super) inertia: f64,
    pub(super) iterations: usize,
    pub(super) converged: bool,
}

impl<F: Real> Lloyd<'_, F> {
    pub(super) fn run(&self, mut centroids: Vec<f64>, progress: &Progress<'_>) -> Result<Settled, Interrupted> {
        let columns = self.rows.columns;
        let mut strips = Strips::new(self.rows, self.clusters);
        let mut motion = Motion::none(self.clusters);
        let (mut iterations, mut converged, mut moved) = (0, false, 1);
        while !converged && iterations < self.max_iter {
            iterations += 1;
            moved = strips.assign(&centroids, &motion, progress)?;
            let mut means = strips.means(&centroids, progress)?;
            let pairs = means.chunks_exact(columns).zip(centroids.chunks_exact(columns));
            let shift: f64 = pairs.map(|(mean, centroid)| squared_distance(mean, centroid)).sum();
            converged = moved == 0 || shift <= self.tolerance;
            if converged || iterations == self.max_iter {
                strips.resum(progress)?;
                means = strips.means(&centroids, progress)?;
            }
            motion = Motion::between(&centroids, &means, columns, progress)?;
            centroids = means;
        }
        if moved > 0 {
            strips.assign(&centroids, &motion, progress)?;
        }
        let inertia = strips.inertia(&centroids, progress)?;
        Ok(Settled { centroids, labels: strips.into_labels(), inertia, iterations, converged })
    }
}

/// Mean over the columns of the population variance.
pub(super) fn mean_variance<F: Real>(rows: RowMajor<'_, F>, progress: &Progress<'_>) -> Result<f64, Interrupted> {
    let (count, columns) = (rows.rows(), rows.columns);
    let step = rows_per_tick(columns).max(256);
    // Values are taken relative to the first row, so that a common offset costs no precision.
    let origin: Vec<f64> = rows.row(0).iter().map(|value| value.to_f64()).collect();
    let parts = (0..count.div_ceil(step)).into_par_iter().map(|part| {
        let mut sums = vec![[0.0; 2]; columns];
        add_moments(rows.part(part * step, ((part + 1) * step).min(count)), &origin, &mut sums);
        progress.advance(0)?;
        Ok(sums)
    });
    let parts: Result<Vec<Vec<[f64; 2]>>, Interrupted> = parts.collect();
    let mut total = vec![[0.0; 2]; columns];
    for part in parts? {
        for (total, sums) in total.iter_mut().zip(part) {
            total[0] += sums[0];
            total[1] += sums[1];
        }
    }
    let count = count as f64;
    let variances = total.iter().map(|[sum, squares]| (squares / count - (sum / count).powi(2)).max(0.0));
    Ok(variances.sum::<f64>() / columns as f64)
}

/// Adds the sums and the sums of squares of each column, relative to `origin`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn add_moments<F: Real>(rows: RowMajor<'_, F>, origin: &[f64], sums: &mut [[f64; 2]]) {
    for row in rows.values.chunks_exact(rows.columns) {
        for ((sums, value), origin) in sums.iter_mut().zip(row).zip(origin) {
            let difference = value.to_f64() - origin;
            sums[0] += difference;
            sums[1] += difference * difference;
        }
    }
}
