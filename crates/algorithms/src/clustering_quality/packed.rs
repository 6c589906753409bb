//! Rows laid out for computing many distances at once.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::input::Real;
use crate::watch::{Interrupted, Progress, Watch};

/// Rows of one block; a power of two that fills the widest vectors with `f64`.
pub(super) const LANES: usize = 8;
/// Rows that the common centre is taken from.
const CENTRE_ROWS: usize = 4096;

/// One block: up to [`LANES`] rows of one cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) cluster: usize,
    /// Position of the first row in the order the rows were given in.
    pub(super) first: usize,
    /// Rows; the lanes after them are zeros.
    pub(super) rows: usize,
}

/// Rows in blocks, each block stored column by column, moved so that their centre is near the origin.
pub(super) struct Packed {
    pub(super) columns: usize,
    pub(super) blocks: Vec<Block>,
    /// Column `c`, lane `l` of block `b` at `(b columns + c) LANES + l`.
    values: Vec<f64>,
    /// Squared length of each row.
    norms: Vec<[f64; LANES]>,
}

/// Neighbouring blocks.
#[derive(Clone, Copy)]
pub(super) struct Tile<'a> {
    pub(super) columns: usize,
    pub(super) blocks: &'a [Block],
    pub(super) values: &'a [f64],
    pub(super) norms: &'a [[f64; LANES]],
}

/// Mean of up to 4,096 of the rows, evenly spaced. Distances do not depend on it; the nearer it is to the rows, the
/// fewer digits are lost in their squares.
pub(super) fn centre<F: Real>(x: ArrayView2<'_, F>, rows: &[usize]) -> Vec<f64> {
    let step = rows.len().div_ceil(CENTRE_ROWS).max(1);
    let mut sums = vec![0.0; x.ncols()];
    let mut count = 0usize;
    for row in rows.iter().step_by(step) {
        count += 1;
        for (sum, value) in sums.iter_mut().zip(x.row(*row)) {
            *sum += value.to_f64();
        }
    }
    sums.iter_mut().for_each(|sum| *sum /= count as f64);
    sums
}

impl Packed {
    /// Copies the named rows of `x`; those of one cluster stand together. A block holds rows of one cluster only.
    pub(super) fn new<'a, F: Real>(
        x: ArrayView2<'_, F>,
        clusters: impl IntoIterator<Item = &'a [usize]>,
        centre: &[f64],
        watch: &dyn Watch,
    ) -> Result<Self, Interrupted> {
        let columns = x.ncols();
        let mut blocks = Vec::new();
        let mut members = Vec::new();
        for (cluster, rows) in clusters.into_iter().enumerate() {
            for rows in rows.chunks(LANES) {
                blocks.push(Block { cluster, first: members.len(), rows: rows.len() });
                members.extend_from_slice(rows);
            }
        }
        let mut values = vec![0.0; blocks.len() * columns * LANES];
        let mut norms = vec![[0.0; LANES]; blocks.len()];
        let progress = Progress::new(watch, members.len() as u64);
        let filled = values.par_chunks_mut(columns * LANES).zip(&mut norms).zip(&blocks);
        filled.try_for_each(|((values, norms), block)| {
            for (lane, row) in members[block.first..block.first + block.rows].iter().enumerate() {
                for ((column, value), centre) in x.row(*row).iter().enumerate().zip(centre) {
                    let value = value.to_f64() - centre;
                    values[column * LANES + lane] = value;
                    norms[lane] += value * value;
                }
            }
            progress.advance(block.rows as u64)
        })?;
        Ok(Self { columns, blocks, values, norms })
    }

    /// The blocks in tiles of `blocks` each, the last one shorter.
    pub(super) fn tiles(&self, blocks: usize) -> Vec<Tile<'_>> {
        let values = self.values.chunks(blocks * self.columns * LANES);
        let parts = self.blocks.chunks(blocks).zip(values).zip(self.norms.chunks(blocks));
        parts.map(|((blocks, values), norms)| Tile { columns: self.columns, blocks, values, norms }).collect()
    }
}
