//! Sums of products of columns and figures of rows, in parts that depend on the shape only.

use ndarray::Array2;
use rayon::prelude::*;

use crate::products::{Block, Products, ROWS};
use crate::row_strips::by_strip;
use crate::watch::{Interrupted, Progress};

/// Rows that one thread handles in one go.
const ROWS_PER_CHUNK: usize = 4096;

/// The sum over `rows` of the outer product of a row with itself, `O(rows width^2)`. `fill` writes row `i`, already
/// multiplied with the root of its weight. Runs on all threads; the result does not depend on their number.
pub(super) fn cross_products(
    rows: usize,
    width: usize,
    fill: impl Fn(usize, &mut [f64]) + Sync,
    progress: &Progress<'_>,
) -> Result<Array2<f64>, Interrupted> {
    let strips = by_strip(rows, width * width, |strip| {
        let (mut products, mut block) = (Products::new(width), Block::new(width));
        for start in strip.clone().step_by(ROWS) {
            block.fill(start..strip.end.min(start + ROWS), &fill);
            products.add(&block);
            progress.advance(0)?;
        }
        Ok(products)
    })?;
    let mut total = Products::new(width);
    strips.iter().for_each(|part| total.add_all(part));
    Ok(total.matrix())
}

/// What `of` says of each row, on all threads. It is given `scratch` numbers to write on.
pub(super) fn by_row<T: Send + Clone + Default>(
    rows: usize,
    scratch: usize,
    of: impl Fn(usize, &mut [f64]) -> T + Sync,
    progress: &Progress<'_>,
) -> Result<Vec<T>, Interrupted> {
    let mut found = vec![T::default(); rows];
    found.par_chunks_mut(ROWS_PER_CHUNK).enumerate().try_for_each(|(chunk, found)| {
        let mut scratch = vec![0.0; scratch];
        let rows = chunk * ROWS_PER_CHUNK..;
        found.iter_mut().zip(rows).for_each(|(found, row)| *found = of(row, &mut scratch));
        progress.advance(0)
    })?;
    Ok(found)
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
            let numbers = by_row(rows, 0, |row, _| row, &Progress::new(&(), 1)).unwrap();
            assert_eq!(numbers, (0..rows).collect::<Vec<_>>());
        }
        let stop = |_: u64, _: u64| Err(Interrupted);
        assert!(cross_products(10, 3, fill, &Progress::new(&stop, 1)).is_err());
    }
}
