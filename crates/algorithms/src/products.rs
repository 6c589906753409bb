//! Sums over rows of the products of their columns, a few rows at a time.
//!
//! Up to some width the sums are held in tiles that stay in registers while rows pass by; of wider rows whole blocks are
//! multiplied. The loops are compiled for several vector widths, as in [`lanes`](crate::lanes); all give the same bits.

use std::ops::Range;

use multiversion::multiversion;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, s};

use crate::cholesky::Symmetric;

/// Columns of one tile of products, and up to how many columns these are summed tile by tile.
pub(crate) const TILE: usize = 8;
pub(crate) const TILED_COLUMNS_MAX: usize = 128;
/// Rows that all tiles pass over together: 16 KiB of 31 columns, which stay in the first-level cache.
pub(crate) const ROWS: usize = 64;

/// The values of some columns of one row.
pub(crate) type Lanes = [f64; TILE];

/// At most [`ROWS`] rows, one after the other, each filled up with zeros to whole lanes.
pub(crate) struct Block {
    columns: usize,
    lanes: usize,
    rows: usize,
    values: Vec<Lanes>,
}

impl Block {
    pub(crate) fn new(columns: usize) -> Self {
        let lanes = columns.div_ceil(TILE).max(1);
        Self { columns, lanes, rows: 0, values: vec![[0.0; TILE]; ROWS * lanes] }
    }

    /// Replaces the rows by those numbered; `write` is given the number of each and where it goes.
    pub(crate) fn fill(&mut self, rows: Range<usize>, write: impl Fn(usize, &mut [f64])) {
        self.rows = rows.len().min(ROWS);
        for (row, to) in rows.zip(self.values.chunks_exact_mut(self.lanes)) {
            write(row, &mut to.as_flattened_mut()[..self.columns]);
        }
    }

    /// Lanes of one row.
    pub(crate) fn lanes(&self) -> usize {
        self.lanes
    }

    /// The rows, row after row.
    pub(crate) fn values(&self) -> &[Lanes] {
        &self.values[..self.rows * self.lanes]
    }

    pub(crate) fn values_mut(&mut self) -> &mut [Lanes] {
        &mut self.values[..self.rows * self.lanes]
    }
}

/// Sums of the products of any two columns.
pub(crate) struct Products {
    columns: usize,
    sums: Sums,
}

enum Sums {
    Tiled(Tiles),
    Whole(Array2<f64>),
}

impl Products {
    pub(crate) fn new(columns: usize) -> Self {
        let sums = if columns <= TILED_COLUMNS_MAX {
            Sums::Tiled(Tiles::new(columns))
        } else {
            Sums::Whole(Array2::zeros((columns, columns)))
        };
        Self { columns, sums }
    }

    /// Adds the rows of a block of as many columns, `O(rows columns^2)`.
    pub(crate) fn add(&mut self, block: &Block) {
        match &mut self.sums {
            Sums::Tiled(tiles) => tiles.add(block.values()),
            Sums::Whole(sums) => {
                let values = block.values().as_flattened();
                if let Ok(rows) = ArrayView2::from_shape((block.rows, block.lanes * TILE), values) {
                    let rows = rows.slice_move(s![.., ..self.columns]);
                    general_mat_mul(1.0, &rows.t(), &rows, 1.0, sums);
                }
            }
        }
    }

    /// Adds sums over other rows.
    pub(crate) fn add_all(&mut self, other: &Self) {
        match (&mut self.sums, &other.sums) {
            (Sums::Tiled(to), Sums::Tiled(from)) => {
                let from = from.values.as_flattened().as_flattened();
                to.values.as_flattened_mut().as_flattened_mut().iter_mut().zip(from).for_each(|(to, from)| *to += from);
            }
            (Sums::Whole(to), Sums::Whole(from)) => *to += from,
            _ => debug_assert!(false, "sums of another width"),
        }
    }

    fn get(&self, row: usize, column: usize) -> f64 {
        match &self.sums {
            Sums::Tiled(tiles) => tiles.get(row, column),
            Sums::Whole(sums) => sums[[row, column]],
        }
    }

    /// All sums, columns x columns.
    pub(crate) fn matrix(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.columns, self.columns), |(row, column)| self.get(row, column))
    }

    pub(crate) fn symmetric(&self) -> Symmetric {
        let lower = (0..self.columns).flat_map(|row| (0..=row).map(move |column| self.get(row, column))).collect();
        Symmetric { order: self.columns, lower }
    }
}

/// The products of columns on the diagonal and above it, tile by tile.
pub(crate) struct Tiles {
    lanes: usize,
    values: Vec<[Lanes; TILE]>,
}

impl Tiles {
    pub(crate) fn new(columns: usize) -> Self {
        let lanes = columns.div_ceil(TILE).max(1);
        Self { lanes, values: vec![[[0.0; TILE]; TILE]; lanes * lanes] }
    }

    /// Adds rows, each filled up with zeros to whole lanes; at most [`ROWS`] at a time for speed.
    pub(crate) fn add(&mut self, rows: &[Lanes]) {
        add_products(rows, self.lanes, &mut self.values);
    }

    pub(crate) fn get(&self, row: usize, column: usize) -> f64 {
        let (row, column) = (row.min(column), row.max(column));
        self.values[row / TILE * self.lanes + column / TILE][row % TILE][column % TILE]
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn add_products(rows: &[Lanes], lanes: usize, tiles: &mut [[Lanes; TILE]]) {
    for first in 0..lanes {
        for second in first..lanes {
            let tile = &mut tiles[first * lanes + second];
            let mut products = *tile;
            for row in rows.chunks_exact(lanes) {
                let (a, b) = (row[first], row[second]);
                for p in 0..TILE {
                    for q in 0..TILE {
                        products[p][q] += a[p] * b[q];
                    }
                }
            }
            *tile = products;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_and_whole_blocks_sum_the_same_products() {
        let value = |row: usize, column: usize| ((row * 7 + column * 3 + row * column) % 11) as f64;
        for columns in [1, 8, 13, TILED_COLUMNS_MAX + 3] {
            let (mut products, mut halves) = (Products::new(columns), [Products::new(columns), Products::new(columns)]);
            let mut block = Block::new(columns);
            let write = |row: usize, to: &mut [f64]| to.iter_mut().enumerate().for_each(|(c, to)| *to = value(row, c));
            for (part, rows) in [0..ROWS, ROWS..ROWS + 9].into_iter().enumerate() {
                block.fill(rows, write);
                products.add(&block);
                halves[part].add(&block);
            }
            let [mut first, second] = halves;
            first.add_all(&second);
            let (matrix, symmetric) = (products.matrix(), products.symmetric());
            for a in 0..columns {
                for b in 0..columns {
                    let expected: f64 = (0..ROWS + 9).map(|row| value(row, a) * value(row, b)).sum();
                    assert_eq!(matrix[[a, b]], expected, "{columns} columns: {a} {b}");
                    assert_eq!((symmetric.entry(a, b), first.get(a, b)), (expected, expected));
                }
            }
        }
    }
}
