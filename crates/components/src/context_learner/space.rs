//! The space contexts are found in.

use ndarray::{Array2, ArrayView2, Axis};
use souffleur_core::error::ComponentError;
use souffleur_core::features::{COMPLEXITY, DOMAIN_START, PROJECT_TYPE_START, WIDTH};

/// The columns that describe a context: how prompts are written and for whom. The five scores say how good one prompt
/// is, not where it comes from.
const COLUMNS: std::ops::Range<usize> = 5..WIDTH;

/// The rows of `features` (rows x 31) in the space: each category's columns scaled so that another member counts for
/// `category_weight`, everything else as it is.
pub(super) fn coordinates(features: ArrayView2<'_, f32>, category_weight: f64) -> Result<Array2<f32>, ComponentError> {
    if features.ncols() != WIDTH {
        let have = features.ncols();
        return Err(ComponentError::Data(format!("rows have {have} features; all {WIDTH} are needed")));
    }
    let mut rows = features.slice_axis(Axis(1), COLUMNS.into()).to_owned();
    // Two members differ in two columns.
    let scale = (category_weight / 2.0).sqrt() as f32;
    for column in (PROJECT_TYPE_START..DOMAIN_START).chain(DOMAIN_START..COMPLEXITY) {
        rows.column_mut(column - COLUMNS.start).mapv_inplace(|v| v * scale);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_category_counts_as_one_feature() {
        let mut features = Array2::<f32>::zeros((2, WIDTH));
        features[[0, DOMAIN_START]] = 1.0;
        features[[1, DOMAIN_START + 3]] = 1.0;
        features[[1, 0]] = 1.0;
        let rows = coordinates(features.view(), 0.5).unwrap();
        let apart: f32 = rows.row(0).iter().zip(rows.row(1)).map(|(a, b)| (a - b) * (a - b)).sum();
        assert!((apart - 0.5).abs() < 1e-6, "{apart}");
        assert!(coordinates(Array2::zeros((1, 3)).view(), 0.5).is_err());
    }
}
