//! Expectation-maximisation, from a clustering to a mixture.

use ndarray::{Array1, Array2, Array3, ArrayView2, Axis};

use super::algorithm::GaussianMixture;
use super::errors::GaussianMixtureError;
use super::expectation::{Moments, Pass};
use super::hyperparams::{CovarianceKind, GaussianMixtureValidParams};
use crate::ParamGuard;
use crate::input::{Real, check_finite};
use crate::k_means::KMeans;
use crate::lanes::{LANES, RowMajor, row_after_row};
use crate::watch::{Progress, Watch};

/// Most values in all covariances: 128 MiB.
const COVARIANCE_CELLS_MAX: usize = 1 << 24;
/// Keeps a component without any share of a row from dividing by zero.
const COUNT_FLOOR: f64 = 10.0 * f64::EPSILON;

impl GaussianMixtureValidParams {
    /// Fits the mixture to `x`, rows x columns.
    ///
    /// # Errors
    /// See [`GaussianMixture`].
    pub fn fit<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<GaussianMixture, GaussianMixtureError> {
        self.check_shape(x)?;
        check_finite(x, watch)?;
        let starts = if self.start_means().is_some() { 1 } else { self.n_init() };
        let mut best: Option<GaussianMixture> = None;
        for start in 0..starts {
            let found = self.fit_from(x, self.seed().wrapping_add(start as u64), watch)?;
            if best.as_ref().is_none_or(|best| found.lower_bound > best.lower_bound) {
                best = Some(found);
            }
        }
        best.ok_or(GaussianMixtureError::Empty { rows: x.nrows(), columns: x.ncols() })
    }

    fn check_shape<F>(&self, x: ArrayView2<'_, F>) -> Result<(), GaussianMixtureError> {
        let ((rows, columns), components) = (x.dim(), self.n_components());
        if rows == 0 || columns == 0 {
            return Err(GaussianMixtureError::Empty { rows, columns });
        }
        if rows < components.max(2) {
            return Err(GaussianMixtureError::Rows { rows, components });
        }
        if let Some(means) = self.start_means()
            && means.ncols() != columns
        {
            return Err(GaussianMixtureError::Columns { expected: means.ncols(), found: columns });
        }
        let order = if self.covariance() == CovarianceKind::Diagonal { 1 } else { columns };
        if components.saturating_mul(columns).saturating_mul(order) > COVARIANCE_CELLS_MAX {
            return Err(GaussianMixtureError::TooLarge { components, columns });
        }
        Ok(())
    }

    /// One run from one clustering.
    fn fit_from<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        seed: u64,
        watch: &dyn Watch,
    ) -> Result<GaussianMixture, GaussianMixtureError> {
        let (labels, centroids) = self.cluster(x, seed, watch)?;
        let x = row_after_row(x, watch)?;
        let rows = RowMajor { values: x.as_slice().unwrap_or_default(), columns: x.ncols() };
        let progress = Progress::new(watch, (self.max_iter() as u64).saturating_mul(x.nrows() as u64));
        let components = self.n_components();
        let pass = Pass { rows, means: &centroids, kind: self.covariance() };
        let moments = pass.run(
            |first, _, scratch| {
                scratch.by_component.clear();
                scratch.by_component.resize(components, [0.0; LANES]);
                for (lane, label) in labels[first..].iter().take(LANES).enumerate() {
                    scratch.by_component[*label][lane] = 1.0;
                }
                [0.0; LANES]
            },
            &progress,
        )?;
        let mut model = self.maximise(&moments, &centroids, x.ncols());
        while !model.converged && model.iterations < self.max_iter() {
            let densities = model.densities(&progress)?;
            let pass = Pass { rows, means: &densities.means, kind: self.covariance() };
            let moments = pass.run(|_, block, scratch| densities.responsibilities(block, scratch), &progress)?;
            let (before, iterations) = (model.lower_bound, model.iterations);
            model = self.maximise(&moments, &densities.means, x.ncols());
            model.lower_bound = moments.log_likelihood / x.nrows() as f64;
            model.iterations = iterations + 1;
            model.converged = (model.lower_bound - before).abs() < self.tol();
        }
        // The last step may have left a covariance that is none: say so now, not at the first prediction.
        model.densities(&progress)?;
        Ok(model)
    }

    /// The cluster of each row, and the centroids, row after row.
    fn cluster<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        seed: u64,
        watch: &dyn Watch,
    ) -> Result<(Vec<usize>, Vec<f64>), GaussianMixtureError> {
        if let Some(means) = self.start_means() {
            let labels = KMeans::at(means.clone()).predict(x, watch)?;
            return Ok((labels, means.iter().copied().collect()));
        }
        let found = KMeans::params(self.n_components()).seed(seed).check()?.fit(x, watch)?;
        Ok((found.labels, found.model.centroids().iter().copied().collect()))
    }

    /// The mixture with the given moments around `means`.
    fn maximise(&self, moments: &Moments, means: &[f64], columns: usize) -> GaussianMixture {
        let counts: Array1<f64> = moments.counts.iter().map(|count| count + COUNT_FLOOR).collect();
        let components = counts.len();
        let mut shifts = Array2::from_shape_fn((components, columns), |(component, column)| {
            moments.first[component * columns + column] / counts[component]
        });
        let kind = self.covariance();
        let covariances = match kind {
            CovarianceKind::Diagonal => Array3::from_shape_fn((components, 1, columns), |(component, _, column)| {
                let mean_square = moments.second[component * columns + column] / counts[component];
                (mean_square - shifts[[component, column]].powi(2)).max(0.0) + self.reg_covar()
            }),
            CovarianceKind::Full | CovarianceKind::Tied => {
                let mut each = Array3::from_shape_fn((components, columns, columns), |(component, row, column)| {
                    let mean = moments.second[(component * columns + row) * columns + column] / counts[component];
                    mean - shifts[[component, row]] * shifts[[component, column]]
                });
                if kind == CovarianceKind::Tied {
                    each = pooled(&each, &counts);
                }
                for mut matrix in each.outer_iter_mut() {
                    matrix.diag_mut().mapv_inplace(|variance| variance + self.reg_covar());
                }
                each
            }
        };
        shifts.iter_mut().zip(means).for_each(|(shift, mean)| *shift += mean);
        let weights = &counts / counts.sum();
        GaussianMixture::new(kind, weights, shifts, covariances)
    }
}

/// The mean of all covariances, weighted with the counts.
fn pooled(each: &Array3<f64>, counts: &Array1<f64>) -> Array3<f64> {
    let mut sum = Array2::zeros((each.dim().1, each.dim().2));
    for (matrix, count) in each.outer_iter().zip(counts) {
        sum.scaled_add(*count, &matrix);
    }
    (sum / counts.sum()).insert_axis(Axis(0))
}
