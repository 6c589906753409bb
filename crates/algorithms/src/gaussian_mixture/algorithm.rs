//! The estimator: what a fitted mixture answers.

use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2, ArrayView3};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::densities::{Densities, Scratch};
use super::errors::GaussianMixtureError;
use super::hyperparams::{CovarianceKind, GaussianMixtureParams};
use crate::input::{Real, check_finite};
use crate::lanes::{LANES, Lane, RowMajor, row_after_row};
use crate::watch::{Progress, Watch};

/// A mixture of normal distributions, fitted by expectation-maximisation (Dempster, Laird and Rubin 1977, "Maximum
/// likelihood from incomplete data via the EM algorithm", J. R. Stat. Soc. B).
///
/// # What it does
/// Takes each row as drawn from one of `k` normal distributions, which one being unknown. Starting from a k-means
/// clustering, or from means that are given, it computes the probability of each component for each row, its
/// responsibility, then weights, means and covariances from all rows weighted with these, and repeats until the mean
/// log-likelihood of a row changes by less than `tol`. `reg_covar` is added to every variance.
///
/// All of this is scikit-learn's `GaussianMixture` (`full`, `tied`, `diag`): with the same seed both start from the
/// same clusters and take the same steps, up to rounding. With `n_init > 1` the further seeds differ.
///
/// # When to use it
/// Elliptic clusters, overlapping or of different width; soft membership; a density that says how ordinary a row is.
/// Compare numbers of components by [`bic`](Self::bic): less is better. With few rows for each component take
/// diagonal or tied covariances.
///
/// # Cost
/// An iteration is one pass over the rows: `O(rows k columns^2)`, diagonal `O(rows k columns)`. Components that have
/// less than 1e-18 of a row take no part in its sums, which saves most of the work when components are far apart.
/// Nothing of the size rows x k is kept. Memory: up to 64 times the covariances, at most 64 MiB or one set of them.
/// Runs on the current rayon pool; results do not depend on its size.
///
/// linfa's `GaussianMixtureModel` has full covariances only and keeps a rows x k x columns intermediate; it was
/// measured 9 times slower at 5,000 x 31 with 4 components (`benches/gaussian_mixture.rs`).
///
/// # Errors
/// Named by [`GaussianMixtureError`]: empty input, fewer rows than components, covariances of more than 16,777,216
/// values, a component whose covariance is not positive definite, a value that is not finite as `f32`, or the watch
/// interrupted.
///
/// # Example
/// ```
/// use ndarray::Array2;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::gaussian_mixture::GaussianMixture;
///
/// // Two groups that differ in width as well as in place.
/// let x = Array2::from_shape_fn((200, 2), |(row, column)| {
///     let noise = ((row * (7 + 6 * column)) % 101) as f64 / 101.0 - 0.5;
///     if row % 2 == 0 { noise } else { 5.0 + 4.0 * noise }
/// });
/// let model = GaussianMixture::params(2).check()?.fit(x.view(), &())?;
/// let found = model.predict(x.view(), &())?;
/// assert!(found.iter().enumerate().all(|(row, component)| *component == found[row % 2]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct GaussianMixture {
    kind: CovarianceKind,
    weights: Array1<f64>,
    means: Array2<f64>,
    covariances: Array3<f64>,
    pub(super) lower_bound: f64,
    pub(super) iterations: usize,
    pub(super) converged: bool,
}

impl GaussianMixture {
    /// Hyperparameters to fit a mixture of this number of components with.
    pub fn params(n_components: usize) -> GaussianMixtureParams {
        GaussianMixtureParams::new(n_components)
    }
    pub(super) fn new(
        kind: CovarianceKind,
        weights: Array1<f64>,
        means: Array2<f64>,
        covariances: Array3<f64>,
    ) -> Self {
        Self { kind, weights, means, covariances, lower_bound: f64::MIN, iterations: 0, converged: false }
    }
    /// Share of each component; adds up to 1.
    pub fn weights(&self) -> ArrayView1<'_, f64> {
        self.weights.view()
    }
    /// Means, components x columns.
    pub fn means(&self) -> ArrayView2<'_, f64> {
        self.means.view()
    }
    /// What shape the components have.
    pub fn covariance_kind(&self) -> CovarianceKind {
        self.kind
    }
    /// Covariances: components x columns x columns if full, 1 x columns x columns if tied, components x 1 x columns
    /// (the variances) if diagonal.
    pub fn covariances(&self) -> ArrayView3<'_, f64> {
        self.covariances.view()
    }
    /// Mean log-likelihood of a training row before the last step.
    pub fn lower_bound(&self) -> f64 {
        self.lower_bound
    }
    /// Iterations of the start that was kept.
    pub fn iterations(&self) -> usize {
        self.iterations
    }
    /// Whether it settled before the iterations ran out.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// Number of values that are free to vary.
    pub fn n_parameters(&self) -> usize {
        let (components, columns) = self.means.dim();
        let covariances = match self.kind {
            CovarianceKind::Full => components * columns * (columns + 1) / 2,
            CovarianceKind::Tied => columns * (columns + 1) / 2,
            CovarianceKind::Diagonal => components * columns,
        };
        covariances + components * columns + components - 1
    }

    /// Probability of each component for each row, rows x components. `x` is rows x columns.
    ///
    /// # Errors
    /// The width differs from that learnt from, a value is not finite as `f32`, or the watch interrupts.
    pub fn responsibilities<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<Array2<f64>, GaussianMixtureError> {
        let components = self.weights.len();
        let mut shares = Array2::zeros((x.nrows(), components));
        let out = shares.as_slice_mut().unwrap_or_default();
        self.visit_blocks(x, components, out, watch, |_, by_component, out| {
            for (lane, out) in out.chunks_exact_mut(components).enumerate() {
                out.iter_mut().zip(by_component).for_each(|(out, shares)| *out = shares[lane]);
            }
        })?;
        Ok(shares)
    }

    /// The most probable component of each row; of equally probable ones the first.
    ///
    /// # Errors
    /// As [`responsibilities`](Self::responsibilities).
    pub fn predict<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<Vec<usize>, GaussianMixtureError> {
        let mut found = vec![0; x.nrows()];
        self.visit_blocks(x, 1, &mut found, watch, |_, by_component, out| {
            for (lane, out) in out.iter_mut().enumerate() {
                for (component, shares) in by_component.iter().enumerate() {
                    if shares[lane] > by_component[*out][lane] {
                        *out = component;
                    }
                }
            }
        })?;
        Ok(found)
    }

    /// Logarithm of the density at each row.
    ///
    /// # Errors
    /// As [`responsibilities`](Self::responsibilities).
    pub fn log_likelihood<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<Array1<f64>, GaussianMixtureError> {
        let mut found = Array1::zeros(x.nrows());
        let out = found.as_slice_mut().unwrap_or_default();
        self.visit_blocks(x, 1, out, watch, |logs, _, out| out.copy_from_slice(&logs[..out.len()]))?;
        Ok(found)
    }

    /// Bayesian information criterion on `x` (Schwarz 1978): less is better.
    ///
    /// # Errors
    /// As [`responsibilities`](Self::responsibilities).
    pub fn bic<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<f64, GaussianMixtureError> {
        let penalty = self.n_parameters() as f64 * (x.nrows() as f64).ln();
        Ok(penalty - 2.0 * self.log_likelihood(x, watch)?.sum())
    }

    /// Akaike's information criterion on `x` (Akaike 1974): less is better.
    ///
    /// # Errors
    /// As [`responsibilities`](Self::responsibilities).
    pub fn aic<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<f64, GaussianMixtureError> {
        Ok(2.0 * self.n_parameters() as f64 - 2.0 * self.log_likelihood(x, watch)?.sum())
    }

    pub(super) fn densities(&self, progress: &Progress<'_>) -> Result<Densities, GaussianMixtureError> {
        Densities::new(self.weights.view(), self.means.view(), self.covariances.view(), self.kind, progress)
    }

    /// Calls `each` with the log-likelihoods and responsibilities of blocks of rows and the `width` values of `out`
    /// for each of the rows.
    fn visit_blocks<F: Real, T: Send>(
        &self,
        x: ArrayView2<'_, F>,
        width: usize,
        out: &mut [T],
        watch: &dyn Watch,
        each: impl Fn(&Lane, &[Lane], &mut [T]) + Sync,
    ) -> Result<(), GaussianMixtureError> {
        let columns = self.means.ncols();
        if x.ncols() != columns {
            return Err(GaussianMixtureError::Columns { expected: columns, found: x.ncols() });
        }
        check_finite(x, watch)?;
        let x = row_after_row(x, watch)?;
        let rows = RowMajor { values: x.as_slice().unwrap_or_default(), columns };
        let progress = Progress::new(watch, x.nrows() as u64);
        let densities = self.densities(&progress)?;
        let blocks = out.par_chunks_mut(LANES * width).enumerate().with_min_len(8);
        blocks.try_for_each_init(
            || (Vec::new(), Scratch::default()),
            |(block, scratch), (index, out)| {
                let (start, count) = (index * LANES, out.len() / width);
                rows.gather(start..start + count, block);
                let logs = densities.responsibilities(block, scratch);
                each(&logs, &scratch.by_component, out);
                progress.advance(count as u64)
            },
        )?;
        Ok(())
    }
}

/// A model as read back, before it is known to be a mixture.
#[derive(Deserialize)]
struct Stored {
    kind: CovarianceKind,
    weights: Array1<f64>,
    means: Array2<f64>,
    covariances: Array3<f64>,
    lower_bound: f64,
    iterations: usize,
    converged: bool,
}

impl TryFrom<Stored> for GaussianMixture {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { kind, weights, means, covariances, lower_bound, iterations, converged } = stored;
        let (components, columns) = means.dim();
        let expected = match kind {
            CovarianceKind::Full => (components, columns, columns),
            CovarianceKind::Tied => (1, columns, columns),
            CovarianceKind::Diagonal => (components, 1, columns),
        };
        if means.is_empty() || weights.len() != components || covariances.dim() != expected {
            return Err("gaussian mixture: weights, means and covariances do not match");
        }
        let numbers = weights.iter().chain(&means).chain(&covariances).all(|value| value.is_finite());
        if !numbers || !lower_bound.is_finite() || weights.iter().any(|weight| *weight < 0.0) {
            return Err("gaussian mixture: a value is not a number, or a weight is negative");
        }
        let model = Self { kind, weights, means, covariances, lower_bound, iterations, converged };
        match model.densities(&Progress::new(&(), 0)) {
            Ok(_) => Ok(model),
            Err(_) => Err("gaussian mixture: a covariance is not positive definite"),
        }
    }
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
