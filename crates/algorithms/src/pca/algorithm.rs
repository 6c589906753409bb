//! The estimator: fit, transform and back.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::covariance::{Moments, centre, moments, origin};
use super::errors::{PcaError, PcaParamsError};
use super::hyperparams::{Keep, PcaParams, PcaValidParams, Solver};
use super::randomized::{self, Leading, leading};
use crate::input::{Real, check_finite};
use crate::symmetric_eigen::SymmetricEigen;
use crate::watch::{Progress, Watch};

/// Rows transformed between two calls of the watch.
const ROWS_PER_BLOCK: usize = 256;
/// Most columns: a covariance of 128 MiB.
const COLUMNS_MAX: usize = 4096;
/// Up to this many columns, the covariance is always the quickest way.
const COLUMNS_FEW: usize = 512;
/// A sketch pays if it has less than this part of rows and columns.
const SKETCH_PART: usize = 4;

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
/// From many columns few components are found by a random sketch instead ([`Solver::Randomized`]; Halko, Martinsson and Tropp
/// 2011); rows that come in parts are added up by [`IncrementalPca`](super::IncrementalPca).
///
/// # Cost
/// Fit by covariance: one pass over the rows, `O(rows columns^2 + columns^3)`; memory for up to 64 covariances, at most
/// 128 MiB or one of them. By sketch: 14 passes, `O(rows columns components)` each. Transform: `O(rows columns components)`. Runs on the current rayon pool; results do not depend on its
/// size.
///
/// # Errors
/// Named by [`PcaError`]: fewer than two rows, more than 4,096 columns for a covariance, more components than there are, a value that
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
pub(super) fn project<F: Real>(
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

/// Refuses a covariance that would not fit in the memory allowed for it.
pub(super) fn not_too_wide(columns: usize) -> Result<(), PcaError> {
    if columns > COLUMNS_MAX { Err(PcaError::TooWide(columns)) } else { Ok(()) }
}

/// Turns each component so that its entry of greatest magnitude is positive.
fn turn(components: &mut Array2<f64>) {
    components.outer_iter_mut().for_each(|mut component| {
        let largest =
            component.iter().fold(0.0, |most: f64, value| if value.abs() > most.abs() { *value } else { most });
        component *= 1f64.copysign(largest);
    });
}

impl Pca {
    /// The components of rows with this mean and covariance.
    pub(super) fn of_covariance(
        params: &PcaValidParams,
        rows: usize,
        mean: Array1<f64>,
        covariance: &Array2<f64>,
        progress: &Progress<'_>,
    ) -> Result<Self, PcaError> {
        let SymmetricEigen { values, vectors } = SymmetricEigen::of(covariance.view(), progress)?;
        // Rounding may leave a variance of nothing slightly negative.
        let variances: Vec<f64> = values.into_iter().map(|value| value.max(0.0)).collect();
        let total_variance = variances.iter().sum();
        let kept = params.kept(&variances, total_variance, rows.min(mean.len()));
        let mut components = vectors.slice_move(s![..kept, ..]).as_standard_layout().into_owned();
        turn(&mut components);
        let explained_variance = variances.into_iter().take(kept).collect();
        Ok(Self { mean, components, explained_variance, total_variance })
    }
}

impl PcaValidParams {
    /// Finds the components of `x`, rows x columns.
    ///
    /// # Errors
    /// See [`Pca`].
    pub fn fit<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Pca, PcaError> {
        let (rows, columns) = x.dim();
        self.check_shape(rows, columns)?;
        if self.sketches(rows, columns) {
            return self.fit_sketch(x, watch);
        }
        not_too_wide(columns)?;
        let progress = Progress::new(watch, rows as u64);
        let Moments { mean, scatter, largest, .. } = moments(x, &progress)?;
        // What is not finite shows in the sums; only then is it looked for.
        if largest > f64::from(f32::MAX) || !mean.iter().all(|value| value.is_finite()) {
            check_finite(x, watch)?;
        }
        Pca::of_covariance(self, rows, mean, &(scatter / (rows - 1) as f64), &progress)
    }

    /// Whether so many rows and columns have components, and as many as are asked for.
    pub(super) fn check_shape(&self, rows: usize, columns: usize) -> Result<(), PcaError> {
        if rows < 2 || columns == 0 {
            return Err(PcaError::Empty { rows, columns });
        }
        match self.keep() {
            Keep::Components(components) if components > rows.min(columns) => {
                Err(PcaError::TooMany { components, rows, columns })
            }
            _ => Ok(()),
        }
    }

    /// Whether components of so many rows and columns are found by a sketch.
    fn sketches(&self, rows: usize, columns: usize) -> bool {
        match (self.solver(), self.keep()) {
            (Solver::Randomized, _) => true,
            (Solver::Auto, Keep::Components(components)) => {
                columns > COLUMNS_FEW && SKETCH_PART * (components + randomized::SURPLUS) < rows.min(columns)
            }
            _ => false,
        }
    }

    fn fit_sketch<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Pca, PcaError> {
        check_finite(x, watch)?;
        let (rows, columns) = x.dim();
        let Keep::Components(count) = self.keep() else {
            return Err(PcaParamsError::Randomized.into());
        };
        let progress = Progress::new(watch, rows as u64);
        let (mut sum, mut squares) = (Array1::<f64>::zeros(columns), 0.0);
        let origin = origin(x);
        for row in x.outer_iter() {
            let apart = row.mapv(Real::to_f64) - &origin;
            squares += apart.dot(&apart);
            sum += &apart;
            progress.advance(1)?;
        }
        let offset = sum / rows as f64;
        let total_variance = (squares - rows as f64 * offset.dot(&offset)).max(0.0) / (rows - 1) as f64;
        let mean = origin + offset;
        let Leading { mut components, variances } = leading(x, &mean, count, self.seed(), watch)?;
        turn(&mut components);
        Ok(Pca { mean, components, explained_variance: variances.into(), total_variance })
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
