//! Mean and covariance of the columns, summed in parts that depend on the shape only.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, Zip, s};
use rayon::prelude::*;

use crate::input::Real;
use crate::watch::{Interrupted, Progress};

/// Most parts, each with sums of its own.
const STRIPS: usize = 64;
/// Most values in the sums of all parts: 128 MiB, unless one part alone takes more.
const SUMS_MAX: usize = 1 << 24;
/// Rows whose products are summed together.
const ROWS_PER_CHUNK: usize = 512;
/// Products between two calls of the watch.
const PRODUCTS_PER_TICK: usize = 1 << 24;

/// Rows of one part, a whole number of chunks.
fn rows_per_strip(rows: usize, sums: usize) -> usize {
    let strips = STRIPS.min((SUMS_MAX / sums).max(1));
    rows.div_ceil(strips).next_multiple_of(ROWS_PER_CHUNK)
}

/// Rows between two calls of the watch when each takes `products` multiplications.
fn rows_per_tick(products: usize) -> usize {
    (PRODUCTS_PER_TICK / products.max(1)).clamp(1, ROWS_PER_CHUNK)
}

/// Mean of each column.
#[expect(clippy::cast_precision_loss, reason = "row counts stay far below 2^53")]
pub(super) fn mean<F: Real>(x: ArrayView2<'_, F>, progress: &Progress<'_>) -> Result<Array1<f64>, Interrupted> {
    // Values are taken relative to the first row, so that a common offset costs no precision.
    let origin: Array1<f64> = x.row(0).iter().map(|value| value.to_f64()).collect();
    let strips = x.axis_chunks_iter(Axis(0), rows_per_strip(x.nrows(), x.ncols())).into_par_iter().map(|strip| {
        let mut sums = Array1::<f64>::zeros(x.ncols());
        for chunk in strip.axis_chunks_iter(Axis(0), rows_per_tick(x.ncols())) {
            for row in chunk.outer_iter() {
                let columns = Zip::from(&mut sums).and(&row).and(&origin);
                columns.for_each(|sum, value, origin| *sum += value.to_f64() - origin);
            }
            progress.advance(chunk.nrows() as u64)?;
        }
        Ok(sums)
    });
    let strips: Result<Vec<Array1<f64>>, Interrupted> = strips.collect();
    let total = strips?.iter().fold(Array1::zeros(x.ncols()), |total: Array1<f64>, part| total + part);
    Ok(total / x.nrows() as f64 + origin)
}

/// Writes the differences of the rows from the mean into `centred`, which may have more rows.
pub(super) fn centre<F: Real>(rows: ArrayView2<'_, F>, mean: &Array1<f64>, mut centred: ArrayViewMut2<'_, f64>) {
    for (row, mut to) in rows.outer_iter().zip(centred.outer_iter_mut()) {
        Zip::from(&mut to).and(&row).and(mean).for_each(|to, value, mean| *to = value.to_f64() - mean);
    }
}

/// Covariance of the columns with the divisor `rows - 1`, `O(rows columns^2)`.
#[expect(clippy::cast_precision_loss, reason = "row counts stay far below 2^53")]
pub(super) fn covariance<F: Real>(
    x: ArrayView2<'_, F>,
    mean: &Array1<f64>,
    progress: &Progress<'_>,
) -> Result<Array2<f64>, Interrupted> {
    let columns = x.ncols();
    let step = rows_per_tick(columns * columns);
    let strips = x.axis_chunks_iter(Axis(0), rows_per_strip(x.nrows(), columns * columns)).into_par_iter();
    let strips: Result<Vec<Array2<f64>>, Interrupted> = strips
        .map(|strip| {
            let mut sums = Array2::zeros((columns, columns));
            let mut centred = Array2::zeros((step, columns));
            for chunk in strip.axis_chunks_iter(Axis(0), step) {
                centre(chunk, mean, centred.view_mut());
                let centred = centred.slice(s![..chunk.nrows(), ..]);
                general_mat_mul(1.0, &centred.t(), &centred, 1.0, &mut sums);
                progress.advance(chunk.nrows() as u64)?;
            }
            Ok(sums)
        })
        .collect();
    let mut total = Array2::zeros((columns, columns));
    for part in strips? {
        total += &part;
        progress.advance(0)?;
    }
    Ok(total / (x.nrows() - 1) as f64)
}
