//! Leading components of many columns without their covariance.
//!
//! A random sketch of the rows' span, sharpened by power iterations (Halko, Martinsson and Tropp 2011, "Finding structure with
//! randomness", SIAM Review 53, algorithms 4.4 and 5.1), then the exact decomposition of the few rows that are left.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::algorithm::project;
use super::covariance::transposed_times;
use super::errors::PcaError;
use crate::input::Real;
use crate::symmetric_eigen::SymmetricEigen;
use crate::watch::{Progress, Watch};

/// Directions sketched beyond those asked for.
pub(super) const SURPLUS: usize = 10;
/// Power iterations: the error falls with the ratio of singular values to this power, twice.
const POWERS: usize = 7;

/// Components as rows, and the variance along each.
pub(super) struct Leading {
    pub(super) components: Array2<f64>,
    pub(super) variances: Vec<f64>,
}

/// `O(rows columns (components + 10))` for each power iteration. `mean` is that of the columns.
pub(super) fn leading<F: Real>(
    x: ArrayView2<'_, F>,
    mean: &Array1<f64>,
    components: usize,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Leading, PcaError> {
    let (rows, columns) = x.dim();
    let width = (components + SURPLUS).min(rows).min(columns);
    let progress = Progress::new(watch, POWERS as u64);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    // Directions among the columns, one a row.
    let mut directions = Array2::from_shape_simple_fn((width, columns), || rng.gen_range(-1.0..1.0));
    let zeros = Array1::zeros(width);
    for _ in 0..POWERS {
        orthonormalise(&mut directions, &progress)?;
        let spanned = project(x, mean, directions.t(), &zeros, watch)?.reversed_axes();
        let mut spanned = spanned.as_standard_layout().into_owned();
        orthonormalise(&mut spanned, &progress)?;
        directions =
            transposed_times(x, mean, spanned.t(), &progress)?.reversed_axes().as_standard_layout().into_owned();
        progress.advance(1)?;
    }
    // The rows' span times the rows: a few rows with the same leading singular values.
    let small = directions.dot(&directions.t());
    let SymmetricEigen { values, vectors } = SymmetricEigen::of(small.view(), &progress)?;
    let mut found = vectors.slice_move(ndarray::s![..components, ..]).dot(&directions);
    for (mut component, value) in found.outer_iter_mut().zip(&values) {
        component /= value.max(f64::MIN_POSITIVE).sqrt();
    }
    orthonormalise(&mut found, &progress)?;
    let divisor = (rows - 1) as f64;
    let variances = values.into_iter().take(components).map(|value| value.max(0.0) / divisor).collect();
    Ok(Leading { components: found, variances })
}

/// Makes the rows orthonormal, twice so that rounding does not tell (Giraud et al. 2005). What depends on others becomes 0.
fn orthonormalise(rows: &mut Array2<f64>, progress: &Progress<'_>) -> Result<(), PcaError> {
    for own in 0..rows.nrows() {
        let (before, mut rest) = rows.view_mut().split_at(Axis(0), own);
        let mut row = rest.row_mut(0);
        let length = row.dot(&row).sqrt();
        for _ in 0..2 {
            for other in before.outer_iter() {
                let along = row.dot(&other);
                row.scaled_add(-along, &other);
            }
            progress.advance(0)?;
        }
        let left = row.dot(&row).sqrt();
        let scale = if left > 1e-12 * length { 1.0 / left } else { 0.0 };
        row *= scale;
    }
    Ok(())
}
