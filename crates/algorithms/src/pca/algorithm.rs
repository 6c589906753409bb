//! The estimator: fit, transform and back.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::covariance::{centre, covariance, mean};
use super::errors::PcaError;
use super::hyperparams::{Keep, PcaParams, PcaValidParams};
use crate::input::{Real, check_finite};
use crate::symmetric_eigen::SymmetricEigen;
use crate::watch::{Progress, Watch};

/// Rows transformed between two calls of the watch.
const ROWS_PER_BLOCK: usize = 256;
/// Most columns: a covariance of 128 MiB.
const COLUMNS_MAX: usize = 4096;

/// Principal components (Pearson 1901, "On lines and planes of closest fit to systems of points in space"; Hotelling
/// 1933).
///
/// # What it does
/// Centres the columns and takes the eigenvectors of their covariance, those of the greatest eigenvalues first. The
/// projections on them, [`transform`](Self::transform), are uncorrelated, and no other projection on as many
/// directions loses less of the variance. Columns are not scaled: do that first if their units differ.
///
/// [`explained_variance`](Self::explained_variance) has the divisor `rows - 1`, and the ratios are shares of the whole
/// variance, of components that were dropped too, as scikit-learn's `PCA` has them. So is the sign of a component: its
/// entry of greatest magnitude is positive. (linfa-reduction 0.8 divides by the number of components less one instead,
/// and its ratios sum to 1 however many components were dropped: wrong in both.)
///
/// # Cost
/// Fit: two passes over the rows, `O(rows columns^2 + columns^3)`; memory for up to 64 covariances, at most 128 MiB or
/// one of them. Transform: `O(rows columns components)`. Runs on the current rayon pool; results do not depend on its
/// size.
///
/// # Errors
/// Named by [`PcaError`]: fewer than two rows, more than 4,096 columns, more components than there are, a value that
/// is not finite as `f32`, or the watch interrupted.
///
/// # Example
/// ```
/// use ndarray::array;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::pca::Pca;
///
/// // Points along a line, nearly.
/// let x = array![[0.0, 0.1], [1.0, 1.9], [2.0, 4.1], [3.0, 5.9]];
/// let model = Pca::params().variance_share(0.9).check()?.fit(x.view(), &())?;
/// assert_eq!(model.components().nrows(), 1);
/// let back = model.inverse_transform(model.transform(x.view(), &())?.view(), &())?;
/// assert!((back - x).iter().all(|difference| difference.abs() < 0.15));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Pca {
    mean: Array1<f64>,
    /// Components x columns.
    components: Array2<f64>,
    explained_variance: Array1<f64>,
    total_variance: f64,
}

impl Pca {
    /// Hyperparameters to fit with.
    pub fn params() -> PcaParams {
        PcaParams::new()
    }
    /// Mean of each column.
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.mean.view()
    }
    /// The components kept, as rows of unit length, components x columns.
    pub fn components(&self) -> ArrayView2<'_, f64> {
        self.components.view()
    }
    /// Variance along each component kept.
    pub fn explained_variance(&self) -> ArrayView1<'_, f64> {
        self.explained_variance.view()
    }
    /// Variance along all directions: the trace of the covariance.
    pub fn total_variance(&self) -> f64 {
        self.total_variance
    }
    /// Share of each component kept in the whole variance; all 0 if nothing varies.
    pub fn explained_variance_ratio(&self) -> Array1<f64> {
        let total = self.total_variance;
        self.explained_variance.mapv(|variance| if total > 0.0 { variance / total } else { 0.0 })
    }

    /// Coordinates of each row along the components, rows x components. `x` is rows x columns.
    ///
    /// # Errors
    /// The width differs from that learnt from, a value is not finite as `f32`, or the watch interrupts.
    pub fn transform<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Array2<f64>, PcaError> {
        project(x, &self.mean, self.components.t(), &Array1::zeros(self.components.nrows()), watch)
    }

    /// The points that have these coordinates along the components, rows x columns. `z` is rows x components.
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    pub fn inverse_transform<F: Real>(&self, z: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Array2<f64>, PcaError> {
        project(z, &Array1::zeros(self.components.nrows()), self.components.view(), &self.mean, watch)
    }
}

/// `(x - before) map + after`.
fn project<F: Real>(
    x: ArrayView2<'_, F>,
    before: &Array1<f64>,
    map: ArrayView2<'_, f64>,
    after: &Array1<f64>,
    watch: &dyn Watch,
) -> Result<Array2<f64>, PcaError> {
    if x.ncols() != map.nrows() {
        return Err(PcaError::Columns { expected: map.nrows(), found: x.ncols() });
    }
    check_finite(x, watch)?;
    let mut found = Array2::zeros((x.nrows(), map.ncols()));
    let progress = Progress::new(watch, x.nrows() as u64);
    let blocks = found.axis_chunks_iter_mut(Axis(0), ROWS_PER_BLOCK).into_par_iter();
    let rows = x.axis_chunks_iter(Axis(0), ROWS_PER_BLOCK).into_par_iter();
    blocks.zip(rows).try_for_each_init(
        || Array2::zeros((ROWS_PER_BLOCK, map.nrows())),
        |centred, (mut block, rows)| {
            centre(rows, before, centred.view_mut());
            block.assign(&centred.slice(s![..rows.nrows(), ..]).dot(&map));
            block += after;
            progress.advance(rows.nrows() as u64)
        },
    )?;
    Ok(found)
}

impl PcaValidParams {
    /// Finds the components of `x`, rows x columns.
    ///
    /// # Errors
    /// See [`Pca`].
    pub fn fit<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Pca, PcaError> {
        let (rows, columns) = x.dim();
        if rows < 2 || columns == 0 {
            return Err(PcaError::Empty { rows, columns });
        }
        if columns > COLUMNS_MAX {
            return Err(PcaError::TooWide(columns));
        }
        if let Keep::Components(components) = self.keep()
            && components > rows.min(columns)
        {
            return Err(PcaError::TooMany { components, rows, columns });
        }
        check_finite(x, watch)?;
        let progress = Progress::new(watch, 2 * rows as u64);
        let mean = mean(x, &progress)?;
        let covariance = covariance(x, &mean, &progress)?;
        let SymmetricEigen { values, vectors } = SymmetricEigen::of(covariance.view(), &progress)?;
        // Rounding may leave a variance of nothing slightly negative.
        let variances: Vec<f64> = values.into_iter().map(|value| value.max(0.0)).collect();
        let total_variance = variances.iter().sum();
        let kept = self.kept(&variances, total_variance, rows.min(columns));
        let mut components = vectors.slice_move(s![..kept, ..]).as_standard_layout().into_owned();
        components.outer_iter_mut().for_each(|mut component| {
            let largest =
                component.iter().fold(0.0, |most: f64, value| if value.abs() > most.abs() { *value } else { most });
            component *= 1f64.copysign(largest);
        });
        let explained_variance = variances.into_iter().take(kept).collect();
        Ok(Pca { mean, components, explained_variance, total_variance })
    }

    /// How many components to keep.
    fn kept(&self, variances: &[f64], total: f64, most: usize) -> usize {
        match self.keep() {
            Keep::All => most,
            Keep::Components(components) => components,
            Keep::VarianceShare(share) => {
                let sums = variances.iter().scan(0.0, |sum, variance| {
                    *sum += variance;
                    Some(*sum)
                });
                let below = sums.take_while(|sum| total > 0.0 && *sum <= share * total).count();
                (below + 1).min(most)
            }
        }
    }
}

/// A model as read back, before its parts are known to fit together.
#[derive(Deserialize)]
struct Stored {
    mean: Array1<f64>,
    components: Array2<f64>,
    explained_variance: Array1<f64>,
    total_variance: f64,
}

impl TryFrom<Stored> for Pca {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { mean, components, explained_variance, total_variance } = stored;
        let shape = (explained_variance.len(), mean.len());
        if components.is_empty() || components.dim() != shape || shape.0 > shape.1 {
            return Err("principal components: mean, components and variances do not match");
        }
        let numbers = mean.iter().chain(&components).chain(&explained_variance).all(|value| value.is_finite());
        if !numbers || !total_variance.is_finite() {
            return Err("principal components: a value is not a number");
        }
        Ok(Self { mean, components, explained_variance, total_variance })
    }
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
