//! Growing one tree from its sample.

use ndarray::ArrayView2;

use super::draws::TreeDraws;
use super::layout::{Split, average_path_length, sort_key};
use crate::input::Real;
use crate::watch::{Interrupted, Progress};

/// A feature whose values differ by no more than this is constant, as in scikit-learn.
const CONSTANT_BELOW: f32 = 1e-7;
/// Cells of a node above which the watch is asked before each split; smaller nodes take microseconds.
const CELLS_PER_TICK: usize = 1 << 16;

/// The three arrays of one tree, `2^height` slots each, in the order that `layout` describes.
pub(super) struct TreeSlots<'a> {
    pub(super) splits: &'a mut [Split],
    /// Path length of each leaf: its depth plus the average path length of the rows it still holds.
    pub(super) leaf_path: &'a mut [f32],
    /// Rows of the sample in each leaf; 0 marks a leaf that no row can reach.
    pub(super) leaf_rows: &'a mut [u32],
}

/// The rows of one tree, as `f32`, column by column: a split reads one column.
pub(super) struct Sample {
    values: Vec<f32>,
    rows: usize,
    columns: usize,
}

impl Sample {
    /// Copies the rows of `x` that are `chosen`.
    pub(super) fn copy<F: Real>(x: ArrayView2<'_, F>, chosen: &[u32]) -> Self {
        let (rows, columns) = (chosen.len(), x.ncols());
        let mut values = vec![0.0; rows * columns];
        for (to, from) in chosen.iter().enumerate() {
            for (column, value) in x.row(*from as usize).iter().enumerate() {
                values[column * rows + to] = value.to_f32();
            }
        }
        Self { values, rows, columns }
    }

    fn column(&self, feature: u32) -> &[f32] {
        let start = feature as usize * self.rows;
        &self.values[start..start + self.rows]
    }
}

/// Grows one tree.
pub(super) struct Grower<'a> {
    sample: &'a Sample,
    tree: TreeSlots<'a>,
    /// A permutation of the features that starts with those known to be constant here.
    features: Vec<u32>,
    /// The constant features in the order in which they were found, on the path to the present node.
    constants: Vec<u32>,
    draws: TreeDraws,
    progress: &'a Progress<'a>,
}

impl<'a> Grower<'a> {
    pub(super) fn new(sample: &'a Sample, tree: TreeSlots<'a>, draws: TreeDraws, progress: &'a Progress<'a>) -> Self {
        let features: Vec<u32> = (0u32..).take(sample.columns).collect();
        let constants = vec![0; sample.columns];
        Self { sample, tree, features, constants, draws, progress }
    }

    pub(super) fn grow(mut self) -> Result<(), Interrupted> {
        let mut rows: Vec<u32> = (0u32..).take(self.sample.rows).collect();
        self.grow_slot(1, &mut rows, 0)
    }

    /// Grows the subtree in `slot` from `rows`, in which the first `constant` features are known not to vary.
    /// Recursion ends at the height limit, 16 at most.
    fn grow_slot(&mut self, slot: usize, rows: &mut [u32], constant: usize) -> Result<(), Interrupted> {
        if rows.len() * self.sample.columns > CELLS_PER_TICK {
            self.progress.advance(0)?;
        }
        if slot >= self.tree.splits.len() || rows.len() < 2 {
            self.end_at(slot, rows.len());
            return Ok(());
        }
        let (split, constant) = self.draw_split(rows, constant);
        let Some((feature, threshold)) = split else {
            self.end_at(slot, rows.len());
            return Ok(());
        };
        self.tree.splits[slot] = Split { key: sort_key(threshold), feature };
        let column = self.sample.column(feature);
        let left = partition(rows, |row| column[row as usize] <= threshold);
        let (left, right) = rows.split_at_mut(left);
        self.grow_slot(2 * slot, left, constant)?;
        self.grow_slot(2 * slot + 1, right, constant)
    }

    /// Draws features without replacement until one is not constant, and a threshold between its extremes. Gives
    /// the split, if any feature varies, and the number of features now known to be constant.
    ///
    /// Constant features are inherited from the node above and not looked at again. Which swaps happen, and when,
    /// decides which feature a later draw means, so they follow scikit-learn's splitter to the letter.
    fn draw_split(&mut self, rows: &[u32], known: usize) -> (Option<(u32, f32)>, usize) {
        let (mut drawn, mut found) = (0, 0);
        let mut split = None;
        while split.is_none() && self.features.len() > known + found {
            let mut at = self.draws.index(drawn, self.features.len() - found);
            if at < known {
                self.features.swap(drawn, at);
                drawn += 1;
                continue;
            }
            at += found;
            let feature = self.features[at];
            let (low, high) = self.extremes(feature, rows);
            if high <= low + CONSTANT_BELOW {
                self.features.swap(at, known + found);
                found += 1;
                continue;
            }
            let last = self.features.len() - 1;
            self.features.swap(at, last);
            split = Some((feature, self.draw_threshold(low, high)));
        }
        self.features[..known].copy_from_slice(&self.constants[..known]);
        self.constants[known..known + found].copy_from_slice(&self.features[known..known + found]);
        (split, known + found)
    }

    fn extremes(&self, feature: u32, rows: &[u32]) -> (f32, f32) {
        let column = self.sample.column(feature);
        rows.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), row| {
            let value = column[*row as usize];
            (low.min(value), high.max(value))
        })
    }

    /// A threshold in `[low, high)`, rounded down so that `f32` comparisons decide as the exact one would.
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the purpose, and corrected below")]
    fn draw_threshold(&mut self, low: f32, high: f32) -> f32 {
        let exact = self.draws.uniform(f64::from(low), f64::from(high));
        let rounded = exact as f32;
        let threshold = if f64::from(rounded) > exact { rounded.next_down() } else { rounded };
        if threshold >= high { low } else { threshold }
    }

    /// Makes `slot` a leaf: fills in the one leaf that its left-only splits lead to.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a sample has at most 65536 rows; path lengths are kept as f32"
    )]
    fn end_at(&mut self, slot: usize, rows: usize) {
        let height = self.tree.splits.len().ilog2();
        let depth = slot.ilog2();
        let leaf = (slot << (height - depth)) - self.tree.splits.len();
        let rows = rows as u32;
        self.tree.leaf_path[leaf] = (f64::from(depth) + average_path_length(rows)) as f32;
        self.tree.leaf_rows[leaf] = rows;
    }
}

/// Moves the rows for which `goes_left` holds to the front and gives their number.
fn partition(rows: &mut [u32], goes_left: impl Fn(u32) -> bool) -> usize {
    let mut left = 0;
    for at in 0..rows.len() {
        if goes_left(rows[at]) {
            rows.swap(left, at);
            left += 1;
        }
    }
    left
}
