//! Growing one tree on the derivatives of the loss.

use super::algorithm::Split;
use super::bins::BinnedColumn;
use super::histogram::{BestSplit, Derivatives, Histogram, Sums};
use super::hyperparams::GradientBoostingValidParams;
use crate::watch::{Interrupted, Progress};

/// What trees are grown from.
pub(super) struct TrainingRows<'a> {
    pub(super) columns: &'a [BinnedColumn],
    pub(super) derivatives: &'a [Derivatives],
    pub(super) params: &'a GradientBoostingValidParams,
    pub(super) progress: &'a Progress<'a>,
}

/// One tree in the making. Slots are in breadth-first order: the children of slot `i` are `2 i` and `2 i + 1`, the
/// root is slot 1, and leaf `l` follows the splits in slot `splits.len() + l`.
pub(super) struct Grower<'a> {
    pub(super) training: TrainingRows<'a>,
    pub(super) splits: &'a mut [Split],
    pub(super) leaves: &'a mut [f64],
    /// The sum of each training row so far; the tree's values are added to them.
    pub(super) sums: &'a mut [f64],
    /// Loss that splits on each feature have taken off.
    pub(super) gains: &'a mut [f64],
    /// Rows on their way to the right child.
    pub(super) scratch: Vec<u32>,
}

impl Grower<'_> {
    pub(super) fn grow(&mut self, rows: &mut [u32]) -> Result<(), Interrupted> {
        let mut all = Sums { rows: rows.len(), ..Sums::default() };
        for [gradient, hessian] in self.training.derivatives {
            all.gradient += gradient;
            all.hessian += hessian;
        }
        let histogram = self.histogram(rows)?;
        self.grow_slot(1, rows, all, Some(histogram))
    }

    fn histogram(&self, rows: &[u32]) -> Result<Histogram, Interrupted> {
        let TrainingRows { columns, derivatives, params, progress } = &self.training;
        Histogram::of_rows(columns, derivatives, rows, params.max_bins(), progress)
    }

    /// Grows the subtree in `slot`; without a histogram it is a leaf. Recursion ends at the depth limit, 8 at most.
    fn grow_slot(
        &mut self,
        slot: usize,
        rows: &mut [u32],
        sums: Sums,
        histogram: Option<Histogram>,
    ) -> Result<(), Interrupted> {
        let found = histogram.and_then(|histogram| {
            let split = histogram.best_split(sums, self.training.columns, self.training.params)?;
            Some((split, histogram))
        });
        let Some((split, histogram)) = found else {
            self.end_at(slot, rows, sums);
            return Ok(());
        };
        let column = &self.training.columns[split.feature];
        self.splits[slot] = Split { feature: index_of(split.feature), threshold: column.bounds[split.bin] };
        self.gains[split.feature] += split.gain;
        let middle = self.part(rows, &split);
        let (left, right) = rows.split_at_mut(middle);
        let [of_left, of_right] = self.child_histograms(2 * slot, left, right, histogram)?;
        self.grow_slot(2 * slot, left, split.left, of_left)?;
        self.grow_slot(2 * slot + 1, right, split.right, of_right)
    }

    /// Histograms of both children: the smaller one from its rows, the other by subtraction. None at the last level.
    fn child_histograms(
        &self,
        left_slot: usize,
        left: &[u32],
        right: &[u32],
        parent: Histogram,
    ) -> Result<[Option<Histogram>; 2], Interrupted> {
        if left_slot >= self.splits.len() {
            return Ok([None, None]);
        }
        if left.len() <= right.len() {
            let small = self.histogram(left)?;
            let large = parent.less(&small);
            return Ok([Some(small), Some(large)]);
        }
        let small = self.histogram(right)?;
        let large = parent.less(&small);
        Ok([Some(large), Some(small)])
    }

    /// Moves the rows that go left to the front, keeping the order on both sides, and gives their number.
    fn part(&mut self, rows: &mut [u32], split: &BestSplit) -> usize {
        let codes = &self.training.columns[split.feature].codes;
        self.scratch.clear();
        let mut left = 0;
        for at in 0..rows.len() {
            let row = rows[at];
            if usize::from(codes[row as usize]) <= split.bin {
                rows[left] = row;
                left += 1;
            } else {
                self.scratch.push(row);
            }
        }
        rows[left..].copy_from_slice(&self.scratch);
        left
    }

    /// Makes `slot` a leaf: splits below it send every row left, to the one leaf filled in here.
    fn end_at(&mut self, slot: usize, rows: &[u32], sums: Sums) {
        let height = self.splits.len().ilog2();
        let leaf = (slot << (height - slot.ilog2())) - self.splits.len();
        let value = sums.value(self.training.params.l2()) * self.training.params.learning_rate();
        self.leaves[leaf] = value;
        for row in rows {
            self.sums[*row as usize] += value;
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "an array with 2^32 columns and a row does not fit in memory as bins"
)]
fn index_of(feature: usize) -> u32 {
    feature as u32
}
