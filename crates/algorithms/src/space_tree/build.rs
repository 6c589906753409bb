//! The tree itself: rows in an order in which near ones stand together, and boxes around runs of them.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use super::kernel::LANES;
use super::rotation::Rotation;
use crate::watch::{Interrupted, Progress, Watch};

/// Rows that one thread turns at a time.
const ROWS_PER_CHUNK: usize = 2048;

/// Rows laid out for exact searches among all of them by Euclidean distance.
///
/// A tree of boxes halves the rows along the widest axis down to blocks of 32. A search compares whole blocks of queries
/// with whole blocks of rows: boxes rule out most pairs of blocks, a filter in single precision most pairs of rows, and
/// what is left is measured in double precision on the rows as given. So the answers are exact to double precision, and
/// where boxes rule nothing out, in many dimensions, the cost is that of comparing all pairs at the speed of the
/// machine's vector units.
pub(crate) struct SpaceTree {
    pub(crate) columns: usize,
    /// The row at each position.
    pub(crate) order: Vec<u32>,
    /// The rows as given, by position.
    exact: Vec<f64>,
    /// The rows turned and scaled, by block and column.
    blocks: Vec<[f32; LANES]>,
    /// Squared norms of these; infinite where a block has no row.
    norms: Vec<[f32; LANES]>,
    pub(super) nodes: Vec<Node>,
    /// Lower and upper corner of each node.
    boxes: Vec<f32>,
    /// Squared length in the turned coordinates of one unit of the given ones.
    pub(super) scale: f64,
    /// Rounding of a squared distance, as a share of the squared norms of both ends.
    pub(super) rounding: f32,
}

/// A run of blocks. The left child of node `i` is node `i + 1`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) first: u32,
    pub(super) end: u32,
    /// The right child; 0 for a single block.
    pub(super) right: u32,
    /// Largest squared norm of its rows.
    pub(super) norm_max: f32,
}

impl SpaceTree {
    /// Builds the tree over `rows`. `O(n d log n)`.
    pub(crate) fn new(rows: ArrayView2<'_, f64>, watch: &dyn Watch) -> Result<Self, Interrupted> {
        let (n, columns) = rows.dim();
        let rotation = Rotation::of(rows);
        let mut turned = Array2::<f32>::zeros((n, columns));
        let progress = Progress::new(watch, n as u64);
        turned
            .axis_chunks_iter_mut(Axis(0), ROWS_PER_CHUNK)
            .into_par_iter()
            .zip(rows.axis_chunks_iter(Axis(0), ROWS_PER_CHUNK).into_par_iter())
            .try_for_each(|(mut turned, rows)| {
                turned.assign(&rotation.apply(rows));
                progress.advance(rows.nrows() as u64)
            })?;
        let mut order: Vec<u32> = (0..n as u32).collect();
        halve(&mut order, turned.view(), watch)?;
        let blocks = n.div_ceil(LANES);
        let mut tree = Self {
            columns,
            exact: order.iter().flat_map(|&row| rows.row(row as usize).to_vec()).collect(),
            blocks: vec![[0.0; LANES]; blocks * columns],
            norms: vec![[f32::INFINITY; LANES]; blocks],
            nodes: Vec::with_capacity(2 * blocks),
            boxes: Vec::with_capacity(4 * blocks * columns),
            order,
            scale: rotation.factor * rotation.factor,
            rounding: 4.0 * (columns as f32 + 16.0) * f32::EPSILON,
        };
        for position in 0..n {
            tree.lay_out(position, turned.row(tree.order[position] as usize));
        }
        tree.enclose(0, blocks as u32);
        Ok(tree)
    }

    fn lay_out(&mut self, position: usize, row: ArrayView1<'_, f32>) {
        let (block, lane) = (position / LANES, position % LANES);
        for (column, value) in row.iter().enumerate() {
            self.blocks[block * self.columns + column][lane] = *value;
        }
        self.norms[block][lane] = row.iter().map(|value| value * value).sum();
    }

    /// Adds the node over these blocks and all below it; returns its number.
    fn enclose(&mut self, first: u32, end: u32) -> usize {
        let number = self.nodes.len();
        self.nodes.push(Node { first, end, right: 0, norm_max: 0.0 });
        self.boxes.extend(std::iter::repeat_n(f32::INFINITY, self.columns));
        self.boxes.extend(std::iter::repeat_n(f32::NEG_INFINITY, self.columns));
        if end - first <= 1 {
            self.enclose_block(number, first as usize);
            return number;
        }
        let left = self.enclose(first, middle(first, end));
        let right = self.enclose(middle(first, end), end);
        self.nodes[number].right = right as u32;
        self.nodes[number].norm_max = self.nodes[left].norm_max.max(self.nodes[right].norm_max);
        for child in [left, right] {
            for i in 0..2 * self.columns {
                let (own, other) = (number * 2 * self.columns + i, child * 2 * self.columns + i);
                let pick = if i < self.columns { f32::min } else { f32::max };
                self.boxes[own] = pick(self.boxes[own], self.boxes[other]);
            }
        }
        number
    }

    fn enclose_block(&mut self, node: usize, block: usize) {
        let rows = self.rows_of(block);
        let (lower, upper) = self.boxes[node * 2 * self.columns..].split_at_mut(self.columns);
        for (column, values) in self.blocks[block * self.columns..][..self.columns].iter().enumerate() {
            for value in &values[..rows] {
                lower[column] = lower[column].min(*value);
                upper[column] = upper[column].max(*value);
            }
        }
        self.nodes[node].norm_max = self.norms[block][..rows].iter().copied().fold(0.0, f32::max);
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.order.len()
    }

    /// Number of blocks.
    pub(crate) fn blocks(&self) -> usize {
        self.norms.len()
    }

    /// How many rows a block has.
    pub(crate) fn rows_of(&self, block: usize) -> usize {
        (self.rows() - block * LANES).min(LANES)
    }

    /// The squared distance between the rows at two positions, in double precision, summed column by column.
    pub(crate) fn squared_distance(&self, a: usize, b: usize) -> f64 {
        let row = |position: usize| &self.exact[position * self.columns..(position + 1) * self.columns];
        row(a).iter().zip(row(b)).map(|(a, b)| (a - b) * (a - b)).sum()
    }

    /// Lower and upper corner of a node's box.
    pub(super) fn corners(&self, node: usize) -> (&[f32], &[f32]) {
        self.boxes[node * 2 * self.columns..][..2 * self.columns].split_at(self.columns)
    }

    pub(super) fn block(&self, block: usize) -> (&[[f32; LANES]], &[f32; LANES]) {
        (&self.blocks[block * self.columns..][..self.columns], &self.norms[block])
    }

    /// For each node something about the rows below it, put together from the blocks upwards.
    pub(crate) fn summarise<T: Copy>(&self, block: impl Fn(usize) -> T, join: impl Fn(T, T) -> T) -> Vec<T> {
        let mut found: Vec<Option<T>> = vec![None; self.nodes.len()];
        for (number, node) in self.nodes.iter().enumerate().rev() {
            found[number] = match (found.get(number + 1).copied().flatten(), found[node.right as usize]) {
                (Some(left), Some(right)) if node.right != 0 => Some(join(left, right)),
                _ => Some(block(node.first as usize)),
            };
        }
        found.into_iter().flatten().collect()
    }
}

/// Where a run of blocks is cut.
fn middle(first: u32, end: u32) -> u32 {
    first + (end - first).div_ceil(2)
}

/// Orders the rows so that each run of blocks is cut along the axis on which it is widest.
fn halve(order: &mut [u32], turned: ArrayView2<'_, f32>, watch: &dyn Watch) -> Result<(), Interrupted> {
    let blocks = order.len().div_ceil(LANES);
    if blocks <= 1 {
        return Ok(());
    }
    watch.tick(0, 1)?;
    let axis = widest(order, turned);
    let cut = blocks.div_ceil(2) * LANES;
    let value = |row: &u32| turned[[*row as usize, axis]];
    order.select_nth_unstable_by(cut, |a, b| value(a).total_cmp(&value(b)).then(a.cmp(b)));
    let (left, right) = order.split_at_mut(cut);
    let (one, other) = rayon::join(|| halve(left, turned, watch), || halve(right, turned, watch));
    one.and(other)
}

fn widest(order: &[u32], turned: ArrayView2<'_, f32>) -> usize {
    let mut bounds = vec![(f32::INFINITY, f32::NEG_INFINITY); turned.ncols()];
    for &row in order {
        for (bound, value) in bounds.iter_mut().zip(turned.row(row as usize)) {
            *bound = (bound.0.min(*value), bound.1.max(*value));
        }
    }
    let width = |axis: usize| bounds[axis].1 - bounds[axis].0;
    (0..bounds.len()).reduce(|best, axis| if width(axis) > width(best) { axis } else { best }).unwrap_or(0)
}
