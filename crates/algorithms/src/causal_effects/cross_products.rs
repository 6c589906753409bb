//! Sums of products of columns, in parts that depend on the shape only.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, s};
use rayon::prelude::*;

use crate::watch::{Interrupted, Progress};

/// Most parts, each with sums of its own.
const STRIPS: usize = 64;
/// Most values in the sums of all parts.
const SUMS_MAX: usize = 1 << 22;
/// Rows whose products are summed together.
const ROWS_PER_CHUNK: usize = 256;

/// Rows of one part, a whole number of chunks.
fn rows_per_strip(rows: usize, width: usize) -> usize {
    let strips = STRIPS.min((SUMS_MAX / (width * width).max(1)).max(1));
    rows.div_ceil(strips).max(1).next_multiple_of(ROWS_PER_CHUNK)
}

/// The sum over `rows` of the outer product of a row with itself, `O(rows width^2)`. `fill` writes row `i`, already
/// multiplied with the root of its weight. Runs on all threads; the result does not depend on their number.
pub(super) fn cross_products(
    rows: usize,
    width: usize,
    fill: impl Fn(usize, &mut [f64]) + Sync,
    progress: &Progress<'_>,
) -> Result<Array2<f64>, Interrupted> {
    let strip = rows_per_strip(rows, width);
    let of_strip = |number: usize| {
        let end = rows.min((number + 1) * strip);
        let mut sums = Array2::<f64>::zeros((width, width));
        let mut buffer = Array2::<f64>::zeros((ROWS_PER_CHUNK, width));
        for start in (number * strip..end).step_by(ROWS_PER_CHUNK) {
            let count = ROWS_PER_CHUNK.min(end - start);
            let values = buffer.as_slice_mut().unwrap_or_default();
            values.chunks_exact_mut(width).take(count).enumerate().for_each(|(i, row)| fill(start + i, row));
            let chunk = buffer.slice(s![..count, ..]);
            general_mat_mul(1.0, &chunk.t(), &chunk, 1.0, &mut sums);
            progress.advance(0)?;
        }
        Ok(sums)
    };
    let strips: Result<Vec<Array2<f64>>, Interrupted> =
        (0..rows.div_ceil(strip)).into_par_iter().map(of_strip).collect();
    Ok(strips?.iter().fold(Array2::zeros((width, width)), |total: Array2<f64>, part| total + part))
}

/// What `of` says of each row, on all threads.
pub(super) fn by_row<T: Send>(
    rows: usize,
    of: impl Fn(usize) -> T + Sync,
    progress: &Progress<'_>,
) -> Result<Vec<T>, Interrupted> {
    let chunks: Result<Vec<Vec<T>>, Interrupted> = (0..rows.div_ceil(ROWS_PER_CHUNK * 16))
        .into_par_iter()
        .map(|chunk| {
            progress.advance(0)?;
            let start = chunk * ROWS_PER_CHUNK * 16;
            Ok((start..rows.min(start + ROWS_PER_CHUNK * 16)).map(&of).collect())
        })
        .collect();
    Ok(chunks?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_summed_over_all_rows_and_the_watch_is_heeded() {
        let value = |row: usize, column: usize| ((row * 7 + column * 3) % 11) as f64;
        let fill = |row: usize, to: &mut [f64]| to.iter_mut().enumerate().for_each(|(c, to)| *to = value(row, c));
        for rows in [0, 1, 255, 700] {
            let found = cross_products(rows, 3, fill, &Progress::new(&(), 1)).unwrap();
            for a in 0..3 {
                for b in 0..3 {
                    let expected: f64 = (0..rows).map(|row| value(row, a) * value(row, b)).sum();
                    assert!((found[[a, b]] - expected).abs() < 1e-9);
                }
            }
            assert_eq!(by_row(rows, |row| row, &Progress::new(&(), 1)).unwrap(), (0..rows).collect::<Vec<_>>());
        }
        let stop = |_: u64, _: u64| Err(Interrupted);
        assert!(cross_products(10, 3, fill, &Progress::new(&stop, 1)).is_err());
    }
}
