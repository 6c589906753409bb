//! How much of the rows comes back.

use ndarray::{Array1, ArrayView2};
use serde::{Deserialize, Serialize};

use super::errors::ReductionQualityError;
use crate::input::{Real, check_finite};
use crate::watch::Watch;

/// What is lost between rows and what comes back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reconstruction {
    /// Mean of the squared differences over all values.
    pub mean_squared_error: f64,
    /// Share of the variance around `centre` that comes back, 1 at best; below 0 if the centre alone says more.
    pub information_kept: f64,
}

/// Compares rows `x` with `back`, what was made of their coordinates. `centre` is one value a column, the mean of the rows that
/// were learnt from: what one would say of a row without knowing its coordinates. `O(n c)`.
///
/// # Errors
/// Different shapes, no rows or none that differ from the centre, a value that is not finite as `f32`, or the watch
/// interrupted.
pub fn reconstruction<F: Real>(
    x: ArrayView2<'_, F>,
    back: ArrayView2<'_, f64>,
    centre: &Array1<f64>,
    watch: &dyn Watch,
) -> Result<Reconstruction, ReductionQualityError> {
    if x.nrows() != back.nrows() {
        return Err(ReductionQualityError::Rows { rows: x.nrows(), reduced: back.nrows() });
    }
    for found in [back.ncols(), centre.len()] {
        if found != x.ncols() {
            return Err(ReductionQualityError::Columns { expected: x.ncols(), found });
        }
    }
    check_finite(x, watch)?;
    check_finite(back, watch)?;
    let (mut lost, mut whole) = (0.0, 0.0);
    for (row, back) in x.outer_iter().zip(back.outer_iter()) {
        for ((value, back), centre) in row.iter().zip(back).zip(centre) {
            lost += (value.to_f64() - back).powi(2);
            whole += (value.to_f64() - centre).powi(2);
        }
    }
    if whole <= 0.0 {
        return Err(ReductionQualityError::Empty);
    }
    Ok(Reconstruction { mean_squared_error: lost / x.len() as f64, information_kept: 1.0 - lost / whole })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn what_comes_back_is_kept() {
        let x = array![[1.0, 0.0], [3.0, 0.0], [1.0, 4.0], [3.0, 4.0]];
        let centre = array![2.0, 2.0];
        let of = |back: Array2<f64>| reconstruction(x.view(), back.view(), &centre, &()).unwrap();
        assert_eq!(of(x.clone()), Reconstruction { mean_squared_error: 0.0, information_kept: 1.0 });
        // The first column is lost: a fifth of the variance.
        let found = of(array![[2.0, 0.0], [2.0, 0.0], [2.0, 4.0], [2.0, 4.0]]);
        assert!((found.information_kept - 0.8).abs() < 1e-12 && (found.mean_squared_error - 0.5).abs() < 1e-12);
        assert!(of(Array2::zeros((4, 2)) + 99.0).information_kept < 0.0);
    }

    #[test]
    fn bad_input_is_refused() {
        let x = Array2::<f64>::ones((3, 2));
        let error =
            |back: Array2<f64>, centre: Array1<f64>| reconstruction(x.view(), back.view(), &centre, &()).unwrap_err();
        assert_eq!(error(Array2::zeros((2, 2)), Array1::zeros(2)), ReductionQualityError::Rows { rows: 3, reduced: 2 });
        let columns = ReductionQualityError::Columns { expected: 2, found: 1 };
        assert_eq!(error(Array2::zeros((3, 1)), Array1::zeros(2)), columns);
        assert_eq!(error(Array2::zeros((3, 2)), Array1::zeros(1)), columns);
        assert_eq!(error(Array2::zeros((3, 2)), Array1::ones(2)), ReductionQualityError::Empty);
    }
}
