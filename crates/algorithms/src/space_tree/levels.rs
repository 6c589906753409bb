//! Items in blocks of 32: rows at the bottom, balls around blocks of the level below further up.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::kernel::{Block, LANES};

/// One level of the tree.
pub(super) struct Level {
    columns: usize,
    centres: Vec<[f32; LANES]>,
    offsets: Vec<[f32; LANES]>,
    radii: Vec<[f32; LANES]>,
}

impl Level {
    /// The level of these centres and radii; without radii they are rows. `rounding` of the squared norms is taken off
    /// the offsets, so that what rounding adds to a distance keeps nothing out.
    fn new(centres: ArrayView2<'_, f32>, radii: Option<&[f32]>, rounding: f32) -> Self {
        let (items, columns) = centres.dim();
        let blocks = items.div_ceil(LANES);
        let mut level = Self {
            columns,
            centres: vec![[0.0; LANES]; blocks * columns],
            offsets: vec![[f32::INFINITY; LANES]; blocks],
            radii: vec![[0.0; LANES]; blocks],
        };
        for (item, centre) in centres.outer_iter().enumerate() {
            let (block, lane) = (item / LANES, item % LANES);
            let mut norm = 0.0;
            for (column, value) in centre.iter().enumerate() {
                level.centres[block * columns + column][lane] = *value;
                norm += value * value;
            }
            let radius = radii.map_or(0.0, |radii| radii[item]);
            level.radii[block][lane] = radius;
            level.offsets[block][lane] = norm - radius * radius - rounding * (norm + radius * radius);
        }
        level
    }

    pub(super) fn blocks(&self) -> usize {
        self.offsets.len()
    }

    pub(super) fn block(&self, block: usize) -> Block<'_> {
        Block {
            centres: &self.centres[block * self.columns..][..self.columns],
            offsets: &self.offsets[block],
            radii: &self.radii[block],
        }
    }

    /// Number of axes.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Coordinates of one item.
    pub(super) fn centre(&self, item: usize) -> impl Iterator<Item = f32> + '_ {
        let block = &self.centres[item / LANES * self.columns..][..self.columns];
        block.iter().map(move |values| values[item % LANES])
    }
}

/// All levels over these rows, from the rows up to a single block.
///
/// Balls live on the first `main` axes only: what is apart there is apart, and where clusters differ in a few directions,
/// balls are smaller there and cheaper to look at.
pub(super) fn levels(rows: &Array2<f32>, main: usize, rounding: f32) -> Vec<Level> {
    let mut levels = vec![Level::new(rows.view(), None, rounding)];
    let rows = rows.slice(ndarray::s![.., ..main]);
    let mut run = LANES;
    while levels.last().is_some_and(|level| level.blocks() > 1) {
        let (centres, radii) = balls(rows, run);
        levels.push(Level::new(centres.view(), Some(&radii), rounding));
        run *= LANES;
    }
    levels
}

/// Centre and radius of each run of rows.
fn balls(rows: ArrayView2<'_, f32>, run: usize) -> (Array2<f32>, Vec<f32>) {
    let (n, columns) = rows.dim();
    let mut centres = Array2::zeros((n.div_ceil(run), columns));
    let radii = centres
        .outer_iter_mut()
        .into_par_iter()
        .enumerate()
        .map(|(item, mut centre)| {
            let members = rows.slice(ndarray::s![item * run..((item + 1) * run).min(n), ..]);
            members.outer_iter().for_each(|row| centre += &row);
            centre /= members.nrows() as f32;
            let squared = |row: ndarray::ArrayView1<'_, f32>| {
                row.iter().zip(&centre).map(|(v, c)| f64::from(v - c) * f64::from(v - c)).sum::<f64>()
            };
            let farthest = members.outer_iter().map(squared).fold(0.0, f64::max).sqrt();
            // Rounded up, so that no member sticks out.
            farthest as f32 * (1.0 + 1e-6)
        })
        .collect();
    (centres, radii)
}
