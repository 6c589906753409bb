//! Mean and products of the columns, summed in parts that depend on the shape only.

use multiversion::multiversion;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, Zip, s};
use rayon::prelude::*;

use crate::input::Real;
use crate::products::{Lanes, ROWS as TILED_ROWS, TILE, TILED_COLUMNS_MAX, Tiles};
use crate::watch::{Interrupted, Progress};

/// Most parts, each with sums of its own.
const STRIPS: usize = 64;
/// Most values in the sums of all parts: 128 MiB, unless one part alone takes more.
const SUMS_MAX: usize = 1 << 24;
/// Rows whose products are summed together.
const ROWS_PER_CHUNK: usize = 512;
/// Products between two calls of the watch.
const PRODUCTS_PER_TICK: usize = 1 << 24;
/// Rows that the origin is the mean of.
const ORIGIN_ROWS: usize = 256;

/// Rows of one part, a whole number of chunks.
fn rows_per_strip(rows: usize, sums: usize) -> usize {
    let strips = STRIPS.min((SUMS_MAX / sums).max(1));
    rows.div_ceil(strips).next_multiple_of(ROWS_PER_CHUNK)
}

/// Rows between two calls of the watch when each takes `products` multiplications.
fn rows_per_tick(products: usize) -> usize {
    (PRODUCTS_PER_TICK / products.max(1)).clamp(1, ROWS_PER_CHUNK)
}

/// What principal components follow from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moments {
    pub(super) rows: usize,
    pub(super) mean: Array1<f64>,
    /// Sums of the products of differences from the mean, columns x columns.
    pub(super) scatter: Array2<f64>,
    /// The greatest magnitude of a value; a value that is no number is left out, but leaves none in the sums.
    pub(super) largest: f64,
}

/// Sums of one part, of differences from an origin.
struct Sums {
    rows: usize,
    sum: Array1<f64>,
    products: Array2<f64>,
    largest: f64,
}

/// Writes the differences of the rows from the mean into `centred`, which may have more rows.
pub(super) fn centre<F: Real>(rows: ArrayView2<'_, F>, mean: &Array1<f64>, mut centred: ArrayViewMut2<'_, f64>) {
    for (row, mut to) in rows.outer_iter().zip(centred.outer_iter_mut()) {
        Zip::from(&mut to).and(&row).and(mean).for_each(|to, value, mean| *to = value.to_f64() - mean);
    }
}

/// The mean of some rows, evenly taken. Differences from it cost no precision where all rows are far from 0.
pub(super) fn origin<F: Real>(x: ArrayView2<'_, F>) -> Array1<f64> {
    let step = x.nrows().div_ceil(ORIGIN_ROWS).max(1);
    let sample = x.slice(s![..;step, ..]);
    let rows = sample.nrows().max(1) as f64;
    sample.outer_iter().fold(Array1::zeros(x.ncols()), |sum: Array1<f64>, row| sum + row.mapv(Real::to_f64) / rows)
}

/// Mean and products of the columns in one pass over the rows, `O(rows columns^2)`; at least one row and one column.
pub(super) fn moments<F: Real>(x: ArrayView2<'_, F>, progress: &Progress<'_>) -> Result<Moments, Interrupted> {
    let columns = x.ncols();
    let origin = origin(x);
    let strips = x.axis_chunks_iter(Axis(0), rows_per_strip(x.nrows(), columns * columns)).into_par_iter();
    let strips: Result<Vec<Sums>, Interrupted> = strips
        .map(|strip| {
            if columns <= TILED_COLUMNS_MAX {
                tiled(strip, &origin, progress)
            } else {
                multiplied(strip, &origin, progress)
            }
        })
        .collect();
    let mut total =
        Sums { rows: 0, sum: Array1::zeros(columns), products: Array2::zeros((columns, columns)), largest: 0.0 };
    for part in strips? {
        total.rows += part.rows;
        total.sum += &part.sum;
        total.products += &part.products;
        total.largest = total.largest.max(part.largest);
        progress.advance(0)?;
    }
    let Sums { rows, sum, mut products, largest } = total;
    let offset = sum / rows as f64;
    for (mut row, at) in products.outer_iter_mut().zip(&offset) {
        row.zip_mut_with(&offset, |product, other| *product -= rows as f64 * at * other);
    }
    Ok(Moments { rows, mean: origin + offset, scatter: products, largest })
}

/// The sums of one strip by matrix multiplication.
fn multiplied<F: Real>(
    strip: ArrayView2<'_, F>,
    origin: &Array1<f64>,
    progress: &Progress<'_>,
) -> Result<Sums, Interrupted> {
    let columns = strip.ncols();
    let step = rows_per_tick(columns * columns);
    let mut centred = Array2::zeros((step, columns));
    let mut sum = Array1::zeros(columns);
    let mut products = Array2::zeros((columns, columns));
    let mut largest: f64 = 0.0;
    for chunk in strip.axis_chunks_iter(Axis(0), step) {
        centre(chunk, origin, centred.view_mut());
        let centred = centred.slice(s![..chunk.nrows(), ..]);
        sum += &centred.sum_axis(Axis(0));
        largest = chunk.iter().fold(largest, |most, value| most.max(value.to_f64().abs()));
        general_mat_mul(1.0, &centred.t(), &centred, 1.0, &mut products);
        progress.advance(chunk.nrows() as u64)?;
    }
    Ok(Sums { rows: strip.nrows(), sum, products, largest })
}

/// The sums of one strip, the upper half only, in tiles that stay in registers while rows pass by.
fn tiled<F: Real>(
    strip: ArrayView2<'_, F>,
    origin: &Array1<f64>,
    progress: &Progress<'_>,
) -> Result<Sums, Interrupted> {
    let columns = strip.ncols();
    let lanes = columns.div_ceil(TILE);
    let mut at = vec![[0.0; TILE]; lanes];
    at.as_flattened_mut().iter_mut().zip(origin).for_each(|(to, value)| *to = *value);
    let mut centred = vec![[0.0; TILE]; TILED_ROWS * lanes];
    let mut sums = vec![[0.0; TILE]; lanes];
    let mut tiles = Tiles::new(columns);
    let mut largest = [0.0; TILE];
    for chunk in strip.axis_chunks_iter(Axis(0), ROWS_PER_CHUNK) {
        for part in chunk.axis_chunks_iter(Axis(0), TILED_ROWS) {
            for (row, to) in part.outer_iter().zip(centred.chunks_exact_mut(lanes)) {
                match row.as_slice() {
                    Some(values) => difference(values, &at, to, &mut largest),
                    None => difference(&row.to_vec(), &at, to, &mut largest),
                }
            }
            let centred = &centred[..part.nrows() * lanes];
            add_rows(centred, &mut sums);
            tiles.add(centred);
        }
        progress.advance(chunk.nrows() as u64)?;
    }
    Ok(Sums {
        rows: strip.nrows(),
        sum: sums.as_flattened()[..columns].iter().copied().collect(),
        products: Array2::from_shape_fn((columns, columns), |(row, column)| tiles.get(row, column)),
        largest: largest.into_iter().fold(0.0, f64::max),
    })
}

/// Differences of a row from the origin, and the greatest magnitudes seen, side by side.
#[inline(always)]
fn difference<F: Real>(row: &[F], origin: &[Lanes], to: &mut [Lanes], largest: &mut Lanes) {
    let mut note = |lane: usize, value: f64| {
        let size = value.abs();
        largest[lane] = if size > largest[lane] { size } else { largest[lane] };
    };
    let (whole, rest) = row.as_chunks::<TILE>();
    for ((to, values), origin) in to.iter_mut().zip(whole).zip(origin) {
        for lane in 0..TILE {
            let value = values[lane].to_f64();
            note(lane, value);
            to[lane] = value - origin[lane];
        }
    }
    for (to, origin) in to.iter_mut().zip(origin).skip(whole.len()) {
        for (lane, value) in rest.iter().enumerate() {
            let value = value.to_f64();
            note(lane, value);
            to[lane] = value - origin[lane];
        }
    }
}

/// Adds the rows to the sums of their columns.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn add_rows(rows: &[Lanes], sums: &mut [Lanes]) {
    for row in rows.chunks_exact(sums.len()) {
        for (sum, values) in sums.iter_mut().zip(row) {
            for lane in 0..TILE {
                sum[lane] += values[lane];
            }
        }
    }
}

/// `centred(x)^T right`, columns x r, where `right` is rows x r.
pub(super) fn transposed_times<F: Real>(
    x: ArrayView2<'_, F>,
    mean: &Array1<f64>,
    right: ArrayView2<'_, f64>,
    progress: &Progress<'_>,
) -> Result<Array2<f64>, Interrupted> {
    let shape = (x.ncols(), right.ncols());
    let size = shape.0 * shape.1;
    let (strip, step) = (rows_per_strip(x.nrows(), size), rows_per_tick(size));
    let strips = x.axis_chunks_iter(Axis(0), strip).into_par_iter();
    let strips: Result<Vec<Array2<f64>>, Interrupted> = strips
        .zip(right.axis_chunks_iter(Axis(0), strip).into_par_iter())
        .map(|(rows, right)| {
            let mut sums = Array2::zeros(shape);
            let mut centred = Array2::zeros((step, x.ncols()));
            for (rows, right) in rows.axis_chunks_iter(Axis(0), step).zip(right.axis_chunks_iter(Axis(0), step)) {
                centre(rows, mean, centred.view_mut());
                general_mat_mul(1.0, &centred.slice(s![..rows.nrows(), ..]).t(), &right, 1.0, &mut sums);
                progress.advance(0)?;
            }
            Ok(sums)
        })
        .collect();
    let mut total = Array2::zeros(shape);
    for part in strips? {
        total += &part;
        progress.advance(0)?;
    }
    Ok(total)
}
