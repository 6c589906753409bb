//! Test data that Python can make too, so that constants can be compared.

use ndarray::Array2;

/// Rows in clusters one after the other, with noise that runs on from column to column. In Python:
///
/// ```python
/// import numpy as np
/// def planted(rows, columns, clusters, state=7):
///     def unit():
///         nonlocal state
///         state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
///         return (state >> 11) / 2.0**53
///     centres = [[4 * unit() for _ in range(columns)] for _ in range(clusters)]
///     x = np.empty((rows, columns))
///     for r in range(rows):
///         noise = 0.0
///         for c in range(columns):
///             noise = 0.5 * noise + unit() + unit() + unit() - 1.5
///             x[r, c] = centres[r % clusters][c] + noise
///     return x
/// ```
pub(crate) fn planted_clusters(rows: usize, columns: usize, clusters: usize) -> Array2<f64> {
    let mut state = 7u64;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 9_007_199_254_740_992.0
    };
    let centres: Vec<f64> = (0..clusters * columns).map(|_| 4.0 * unit()).collect();
    let mut x = Array2::zeros((rows, columns));
    for (row, mut values) in x.outer_iter_mut().enumerate() {
        let mut noise = 0.0;
        for (column, value) in values.iter_mut().enumerate() {
            noise = 0.5 * noise + unit() + unit() + unit() - 1.5;
            *value = centres[row % clusters * columns + column] + noise;
        }
    }
    x
}
