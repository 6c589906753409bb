//! Rows and labels for tests, written down as formulas so that Python makes the same.
//!
//! ```python
//! def made(n, d, k, noise):
//!     i = np.arange(n)[:, None]; j = np.arange(d)[None, :]
//!     x = ((i * i * (j + 3) + i * (7 * j + 5)) % 101) / 101.0 + 0.9 * (((i % k) * (j + 2)) % 5)
//!     labels = np.where(i[:, 0] % noise == noise - 1, -1, i[:, 0] % k).astype(np.int32)
//!     return x, labels
//! ```

use ndarray::Array2;

/// `k` clusters in turn; every `noise`-th row is noise but stands where its cluster does.
pub(super) fn made(rows: usize, columns: usize, k: usize, noise: usize) -> (Array2<f64>, Vec<i32>) {
    let x = Array2::from_shape_fn((rows, columns), |(i, j)| {
        ((i * i * (j + 3) + i * (7 * j + 5)) % 101) as f64 / 101.0 + 0.9 * (((i % k) * (j + 2)) % 5) as f64
    });
    let labels = (0..rows).map(|i| if i % noise == noise - 1 { -1 } else { (i % k) as i32 }).collect();
    (x, labels)
}

/// The rows in another order: row `i` goes where `i step` falls. `step` must have no factor in common with the rows.
pub(super) fn shuffled(x: &Array2<f64>, labels: &[i32], step: usize) -> (Array2<f64>, Vec<i32>) {
    let rows = x.nrows();
    let order: Vec<usize> = (0..rows).map(|i| i * step % rows).collect();
    let labels = order.iter().map(|row| labels[*row]).collect();
    (x.select(ndarray::Axis(0), &order), labels)
}

/// Other names for the clusters, in reverse order; noise stays noise.
pub(super) fn renamed(labels: &[i32]) -> Vec<i32> {
    labels.iter().map(|label| if *label < 0 { *label } else { 1000 - 3 * label }).collect()
}
