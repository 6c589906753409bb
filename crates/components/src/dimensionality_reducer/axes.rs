//! What coordinates mean: the features they rise and fall with.

use ndarray::{ArrayView1, ArrayView2};
use souffleur_algorithms::Watch;
use souffleur_core::error::ComponentError;

use super::reducer::Reducer;
use super::report::Axis;
use crate::bridge::words::level;

/// Features named for an axis, and how strongly they must go with it.
const NAMED: usize = 3;
const CORRELATION_MINIMUM: f64 = 0.3;

/// The meaning of each coordinate on these rows.
pub(super) fn axes(
    reducer: &Reducer,
    rows: ArrayView2<'_, f32>,
    watch: &dyn Watch,
) -> Result<Vec<Axis>, ComponentError> {
    let places = reducer.coordinates(rows, watch)?;
    let axes = places.columns().into_iter().enumerate().map(|(axis, at)| {
        let with = |(column, values): (usize, ArrayView1<'_, f32>)| (column, correlation(at, values));
        let mut found: Vec<(usize, f64)> = rows.columns().into_iter().enumerate().map(with).collect();
        found.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        let strong = found.iter().take(NAMED).filter(|(_, r)| r.abs() >= CORRELATION_MINIMUM);
        let word = |(column, r): &(usize, f64)| match (level(*column, true), *r > 0.0) {
            (_, false) if crate::bridge::contrast::is_category(*column) => format!("not {}", level(*column, true)),
            (high, true) => high,
            (_, false) => level(*column, false),
        };
        let most = found.first().map_or(0.0, |(_, r)| r.abs());
        Axis { axis, high: strong.map(word).collect(), correlation: most }
    });
    Ok(axes.collect())
}

/// Pearson's correlation; 0 where one of both does not vary.
fn correlation(a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>) -> f64 {
    let count = a.len().max(1) as f64;
    let mean = |values: ArrayView1<'_, f32>| values.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (f64::from(*a) - mean_a, f64::from(*b) - mean_b);
        (both, of_a, of_b) = (both + a * b, of_a + a * a, of_b + b * b);
    }
    let size = (of_a * of_b).sqrt();
    if size > 1e-12 { both / size } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn correlation_is_pearsons() {
        let a = array![1.0f32, 2.0, 3.0, 4.0];
        assert!((correlation(a.view(), array![2.0f32, 4.0, 6.0, 8.0].view()) - 1.0).abs() < 1e-9);
        assert!((correlation(a.view(), array![4.0f32, 1.0, 1.0, 4.0].view())).abs() < 1e-9);
        assert!(correlation(a.view(), array![3.0f32, 3.0, 3.0, 3.0].view()).abs() < 1e-9);
    }
}
