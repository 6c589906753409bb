//! Sums of gradients per bin: all that a tree needs to know of the rows to choose a split.

use rayon::prelude::*;

use super::bins::BinnedColumn;
use super::hyperparams::GradientBoostingValidParams;
use crate::watch::{Interrupted, Progress};

/// First and second derivative of the loss of one row, by its log-odds.
pub(super) type Derivatives = [f64; 2];

/// Rows x features below which threads cost more than they save.
const CELLS_PER_TASK: usize = 1 << 15;
/// Least second derivative in a leaf: below it the rows are as good as decided.
const HESSIAN_MIN: f64 = 1e-3;

/// Sums over some rows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) gradient: f64,
    pub(super) hessian: f64,
    pub(super) rows: usize,
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.gradient += other.gradient;
        self.hessian += other.hessian;
        self.rows += other.rows;
    }

    fn less(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
            rows: self.rows - other.rows,
        }
    }

    /// Twice the loss that the best common value takes off these rows.
    fn strength(self, l2: f64) -> f64 {
        self.gradient * self.gradient / (self.hessian + l2)
    }

    /// The change of log-odds that serves these rows best.
    pub(super) fn value(self, l2: f64) -> f64 {
        -self.gradient / (self.hessian + l2)
    }

    fn can_be_leaf(self, params: &GradientBoostingValidParams) -> bool {
        self.rows >= params.min_leaf_rows() && self.hessian >= HESSIAN_MIN
    }
}

/// Sums per feature and bin over the rows of one node.
pub(super) struct Histogram {
    bins: Vec<Sums>,
    /// Bins per feature.
    width: usize,
}

/// The best split of a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct BestSplit {
    pub(super) feature: usize,
    /// Rows in this bin or a lower one go left.
    pub(super) bin: usize,
    pub(super) left: Sums,
    pub(super) right: Sums,
    pub(super) gain: f64,
}

impl Histogram {
    /// Sums over `rows`. Each feature is summed in row order by one thread, so the result is always the same.
    pub(super) fn of_rows(
        columns: &[BinnedColumn],
        derivatives: &[Derivatives],
        rows: &[u32],
        width: usize,
        progress: &Progress<'_>,
    ) -> Result<Self, Interrupted> {
        let mut bins = vec![Sums::default(); columns.len() * width];
        let features_per_task = CELLS_PER_TASK.div_ceil(rows.len().max(1));
        let features = bins.par_chunks_mut(width).zip(columns).with_min_len(features_per_task);
        features.try_for_each(|(bins, column)| {
            for row in rows {
                let [gradient, hessian] = derivatives[*row as usize];
                bins[usize::from(column.codes[*row as usize])].add(Sums { gradient, hessian, rows: 1 });
            }
            progress.advance(0)
        })?;
        Ok(Self { bins, width })
    }

    /// The histogram of the other child, given that of one.
    pub(super) fn less(mut self, child: &Self) -> Self {
        for (bin, other) in self.bins.iter_mut().zip(&child.bins) {
            *bin = bin.less(*other);
        }
        self
    }

    /// The split that lowers the loss most, if one does; the first of equally good ones.
    pub(super) fn best_split(
        &self,
        node: Sums,
        columns: &[BinnedColumn],
        params: &GradientBoostingValidParams,
    ) -> Option<BestSplit> {
        let before = node.strength(params.l2());
        let mut best: Option<BestSplit> = None;
        for (feature, (bins, column)) in self.bins.chunks_exact(self.width).zip(columns).enumerate() {
            let mut left = Sums::default();
            for (bin, sums) in bins.iter().enumerate().take(column.bounds.len()) {
                left.add(*sums);
                let right = node.less(left);
                if !left.can_be_leaf(params) || !right.can_be_leaf(params) {
                    continue;
                }
                let gain = left.strength(params.l2()) + right.strength(params.l2()) - before;
                // Above rounding, or a flat feature would be split for ever.
                if gain > 1e-9 && best.is_none_or(|best| gain > best.gain) {
                    best = Some(BestSplit { feature, bin, left, right, gain });
                }
            }
        }
        best
    }
}
