//! The estimator: fit, predict, transform.

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::errors::KMeansError;
use super::hyperparams::{KMeansParams, KMeansValidParams};
use super::lloyd::{Lloyd, Settled, mean_variance};
use super::plus_plus;
use super::strips::rows_per_tick;
use crate::input::{Real, check_finite};
use crate::isolation_forest::RandomState;
use crate::lanes::{LANES, Lane, RowMajor, nearest_two, row_after_row, squared_distances};
use crate::watch::{Interrupted, Progress, Watch};

/// Clusters of rows around `k` centroids (Lloyd 1982, "Least squares quantization in PCM", IEEE Trans. Inf. Theory).
///
/// # What it does
/// Gives each row to the nearest centroid (of equally near ones the first), moves each centroid to the mean of its
/// rows, and repeats until no row changes its cluster or the squared shifts of all centroids sum to at most `tol`
/// times the mean variance of the columns. It starts from rows that are drawn far apart (k-means++, Arthur and
/// Vassilvitskii 2007; greedy: of `2 + ln k` candidates for each centroid the one that leaves the least inertia), or
/// from centroids that are given. A cluster that loses all its rows takes the row farthest from its centroid.
///
/// All of this is scikit-learn's `KMeans`: from the same start, or the same seed, both take the same steps and find
/// the same clusters, up to rounding. `inertia` is the sum of squared distances of the rows to their centroids.
///
/// The result depends on neither the number of threads nor the processor. Distances that cannot matter are not
/// computed (bounds of Hamerly 2010, "Making k-means even faster", SDM), which changes nothing of the result.
///
/// # When to use it
/// Compact clusters of similar width, columns of comparable scale, and a number of clusters that is known or tried
/// out. Elongated clusters ask for a [`GaussianMixture`](crate::gaussian_mixture::GaussianMixture).
///
/// # Cost
/// `O(rows k columns)` for the first iteration; later ones read only the rows whose cluster is in doubt, fewer and
/// fewer. Memory: 12 bytes a row and 512 k columns for sums; for a k-means++ start, while it is drawn, 8 bytes a row
/// for each candidate; and a copy of the input if it is not stored row after row. Runs on the current rayon pool.
///
/// linfa-clustering's `KMeans` was measured beside this one (`benches/k_means.rs`). It computes all distances in
/// every iteration and checks convergence by another rule, so it cannot be compared step by step; from the same start it
/// finds the same clusters, but takes some 30 times as long at 1e5 x 31 with 12 clusters. So the better path is this one.
///
/// # Errors
/// Named by [`KMeansError`]: empty input, fewer rows than clusters, a value that is not finite as `f32`, a start of
/// another width, or the watch interrupted.
///
/// # Example
/// ```
/// use ndarray::array;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::k_means::KMeans;
///
/// let x = array![[0.0, 0.1], [0.2, 0.0], [9.0, 9.1], [8.9, 9.0], [0.1, 0.1]];
/// let found = KMeans::params(2).seed(7).check()?.fit(x.view(), &())?;
/// assert_eq!(found.labels[0], found.labels[4]);
/// assert_ne!(found.labels[0], found.labels[2]);
/// assert_eq!(found.model.predict(x.view(), &())?, found.labels);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct KMeans {
    centroids: Array2<f64>,
    inertia: f64,
    iterations: usize,
    converged: bool,
}

/// A fitted model and the clusters of the rows that it was fitted to.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeansFit {
    /// The model.
    pub model: KMeans,
    /// The cluster of each row.
    pub labels: Vec<usize>,
}

impl KMeans {
    /// Hyperparameters to find this number of clusters with.
    pub fn params(n_clusters: usize) -> KMeansParams {
        KMeansParams::new(n_clusters)
    }
    /// A model that was not fitted: it gives each row to the nearest of these centroids.
    pub(crate) fn at(centroids: Array2<f64>) -> Self {
        let centroids = centroids.as_standard_layout().into_owned();
        Self { centroids, inertia: 0.0, iterations: 0, converged: false }
    }
    /// The centroids, clusters x columns.
    pub fn centroids(&self) -> ArrayView2<'_, f64> {
        self.centroids.view()
    }
    /// Sum of the squared distances of the training rows to their centroids.
    pub fn inertia(&self) -> f64 {
        self.inertia
    }
    /// Iterations of the start that was kept.
    pub fn iterations(&self) -> usize {
        self.iterations
    }
    /// Whether it settled before the iterations ran out.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// The cluster of each row: that of the nearest centroid. `x` is rows x columns.
    ///
    /// # Errors
    /// The width differs from that learnt from, a value is not finite as `f32`, or the watch interrupts.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "there are at most 4096 clusters")]
    pub fn predict<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Vec<usize>, KMeansError> {
        let mut labels = vec![0; x.nrows()];
        self.visit_blocks(x, 1, &mut labels, watch, |block, centroids, labels| {
            for (label, point) in labels.iter_mut().zip(nearest_two(block, centroids).point) {
                *label = point as usize;
            }
        })?;
        Ok(labels)
    }

    /// The distance of each row to each centroid, rows x clusters. `x` is rows x columns.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn transform<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Array2<f64>, KMeansError> {
        let clusters = self.centroids.nrows();
        let mut distances = Array2::zeros((x.nrows(), clusters));
        let out = distances.as_slice_mut().unwrap_or_default();
        self.visit_blocks(x, clusters, out, watch, |block, centroids, out| {
            let mut found: Vec<Lane> = vec![[0.0; LANES]; clusters];
            squared_distances(block, centroids, &mut found);
            for (lane, out) in out.chunks_exact_mut(clusters).enumerate() {
                out.iter_mut().zip(&found).for_each(|(out, found)| *out = found[lane].sqrt());
            }
        })?;
        Ok(distances)
    }

    /// Calls `each` with blocks of rows, the centroids and the `width` values of `out` for each of the rows.
    fn visit_blocks<F: Real, T: Send>(
        &self,
        x: ArrayView2<'_, F>,
        width: usize,
        out: &mut [T],
        watch: &dyn Watch,
        each: impl Fn(&[Lane], &[f64], &mut [T]) + Sync,
    ) -> Result<(), KMeansError> {
        let columns = self.centroids.ncols();
        if x.ncols() != columns {
            return Err(KMeansError::Columns { expected: columns, found: x.ncols() });
        }
        check_finite(x, watch)?;
        let x = row_after_row(x, watch)?;
        let rows = RowMajor { values: x.as_slice().unwrap_or_default(), columns };
        let centroids = self.centroids.as_slice().unwrap_or_default();
        let progress = Progress::new(watch, x.nrows() as u64);
        let step = rows_per_tick(centroids.len());
        out.par_chunks_mut(step * width).enumerate().try_for_each_init(Vec::new, |block, (part, out)| {
            for (index, out) in out.chunks_mut(LANES * width).enumerate() {
                let start = part * step + index * LANES;
                rows.gather(start..start + out.len() / width, block);
                each(block, centroids, out);
            }
            progress.advance((out.len() / width) as u64)
        })?;
        Ok(())
    }
}

impl KMeansValidParams {
    /// Finds the clusters of `x`, rows x columns.
    ///
    /// # Errors
    /// See [`KMeans`].
    pub fn fit<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<KMeansFit, KMeansError> {
        self.check_shape(x)?;
        check_finite(x, watch)?;
        let x = row_after_row(x, watch)?;
        let rows = RowMajor { values: x.as_slice().unwrap_or_default(), columns: x.ncols() };
        let starts = if self.start().is_some() { 1 } else { self.n_init() };
        let work = starts.saturating_mul(self.max_iter()).saturating_mul(x.nrows());
        let progress = Progress::new(watch, work as u64);
        let tolerance = if self.tol() > 0.0 { self.tol() * mean_variance(rows, &progress)? } else { 0.0 };
        let lloyd = Lloyd { rows, clusters: self.n_clusters(), max_iter: self.max_iter(), tolerance };
        let mut random = RandomState::folded(self.seed());
        let mut best: Option<Settled> = None;
        for _ in 0..starts {
            let centroids = match self.start() {
                Some(start) => start.iter().copied().collect(),
                None => plus_plus::choose(rows, self.n_clusters(), &mut random, &progress)?,
            };
            let settled = lloyd.run(centroids, &progress)?;
            if best.as_ref().is_none_or(|best| settled.inertia < best.inertia) {
                best = Some(settled);
            }
        }
        let best = best.ok_or(Interrupted)?;
        let clusters = best.centroids.chunks_exact(x.ncols());
        let mut centroids = Array2::zeros((self.n_clusters(), x.ncols()));
        for (mut to, from) in centroids.axis_iter_mut(Axis(0)).zip(clusters) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
        let Settled { inertia, iterations, converged, labels, .. } = best;
        Ok(KMeansFit { model: KMeans { centroids, inertia, iterations, converged }, labels })
    }

    fn check_shape<F>(&self, x: ArrayView2<'_, F>) -> Result<(), KMeansError> {
        let (rows, columns) = x.dim();
        if rows == 0 || columns == 0 {
            return Err(KMeansError::Empty { rows, columns });
        }
        if u32::try_from(rows).is_err() {
            return Err(KMeansError::TooManyRows(rows));
        }
        if rows < self.n_clusters() {
            return Err(KMeansError::Rows { rows, clusters: self.n_clusters() });
        }
        match self.start() {
            Some(start) if start.ncols() != columns => {
                Err(KMeansError::Columns { expected: start.ncols(), found: columns })
            }
            _ => Ok(()),
        }
    }
}

/// A model as read back, before its centroids are known to be numbers.
#[derive(Deserialize)]
struct Stored {
    centroids: Array2<f64>,
    inertia: f64,
    iterations: usize,
    converged: bool,
}

impl TryFrom<Stored> for KMeans {
    type Error = &'static str;

    fn try_from(Stored { centroids, inertia, iterations, converged }: Stored) -> Result<Self, Self::Error> {
        if centroids.is_empty() || !inertia.is_finite() {
            return Err("k-means: there is no centroid, or the inertia is not a number");
        }
        if !centroids.iter().all(|value| value.is_finite()) {
            return Err("k-means: a centroid is not a number");
        }
        let centroids = centroids.as_standard_layout().into_owned();
        Ok(Self { centroids, inertia, iterations, converged })
    }
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
