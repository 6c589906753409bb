//! The forest: fit and score.

use ndarray::{Array1, ArrayView2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::draws::{RandomState, TreeDraws, tree_seeds};
use super::errors::IsolationForestError;
use super::grow::{Grower, Sample, TreeSlots};
use super::hyperparams::{IsolationForestParams, IsolationForestValidParams};
use super::layout::{Split, average_path_length, descend, height_limit, sort_key};
use crate::input::{NotFinite, Real, check_finite, first_not_finite};
use crate::watch::{Interrupted, Progress, Watch};

/// Rows that pass through all trees together: their keys (31 columns: 16 KiB) and a tree share the first-level cache.
const ROWS_PER_BLOCK: usize = 128;
/// Rows walked down a tree in one go.
const LANES: usize = 8;
/// Steps between two calls of the watch within a block: about a millisecond.
const STEPS_PER_TICK: usize = 1 << 20;
/// Most values in the sample of one tree: 32 MiB, copied in well under 100 ms.
const SAMPLE_CELLS_MAX: usize = 1 << 23;

/// A fitted isolation forest (Liu, Ting and Zhou 2008, "Isolation Forest", ICDM).
///
/// # What it does
/// Each tree takes a small random sample and cuts it again and again: a feature at random among those that still
/// vary, a threshold uniformly between its least and greatest value. Rows that differ from the rest are cut off
/// early. With `E[h(x)]` the path length of row `x` averaged over the trees and `c(n)` the average path length of an
/// unsuccessful search in a binary search tree of `n` keys, the score is
///
/// ```text
/// s(x) = 2 ^ (-E[h(x)] / c(psi))        psi = rows per tree
/// ```
///
/// in (0, 1]: near 1 is anomalous, .5 and below is ordinary. Trees stop at height `ceil(log2(psi))`; a leaf that
/// still holds `n` rows adds `c(n)` to the path. Semantics follow scikit-learn's `IsolationForest`: values are read
/// as `f32`, a feature that varies by no more than 1e-7 is constant, and with one training row every score is .5.
/// Random choices follow it too: with the same seed both grow the same trees, and scores agree to about 1e-7.
///
/// # When to use it
/// Unlabelled rows, few anomalies, numeric columns of any scale (only the order and spacing within a column count).
/// It is weak where an anomaly shows only in a combination of columns, and a column's outliers shrink the chance
/// of cuts among its other values.
///
/// # Cost
/// Fit: `O(trees psi log psi)` after one pass over the input to check it; the input is not copied. Score:
/// `O(rows trees log psi)` steps of about half a nanosecond each. Model: 16 bytes x trees x psi (rounded up to a
/// power of two), 400 KiB by default. Both run on the current rayon pool; results do not depend on its size.
///
/// # Example
/// ```
/// use ndarray::Array2;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::isolation_forest::IsolationForest;
///
/// let mut x = Array2::from_shape_fn((300, 2), |(row, column)| ((row * (column + 7)) % 17) as f64);
/// x.row_mut(42).fill(90.0);
/// let forest = IsolationForest::params().seed(1).check()?.fit(x.view(), &())?;
/// let scores = forest.score(x.view(), &())?;
/// assert!(scores.iter().enumerate().all(|(row, score)| row == 42 || *score < scores[42]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct IsolationForest {
    pub(super) n_features: usize,
    sample_rows: u32,
    /// Slots per tree, `2^height`.
    pub(super) slots: usize,
    pub(super) splits: Vec<Split>,
    pub(super) leaf_path: Vec<f32>,
    pub(super) leaf_rows: Vec<u32>,
}

impl IsolationForest {
    /// Hyperparameters to fit a forest with.
    pub fn params() -> IsolationForestParams {
        IsolationForestParams::new()
    }
    /// Number of columns that rows must have.
    pub fn n_features(&self) -> usize {
        self.n_features
    }
    /// Number of trees.
    pub fn n_trees(&self) -> usize {
        self.splits.len() / self.slots
    }
    /// Rows each tree was grown from.
    pub fn sample_rows(&self) -> usize {
        self.sample_rows as usize
    }
    /// Height of the trees.
    pub(super) fn height(&self) -> u32 {
        self.slots.ilog2()
    }

    /// Anomaly score of each row, in (0, 1]; see [`IsolationForest`]. `x` is rows x `n_features`.
    ///
    /// # Errors
    /// The width differs from that learnt from, a value is not finite as `f32`, or the watch interrupts.
    pub fn score<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Array1<f64>, IsolationForestError> {
        let mut scores = self.path_length(x, watch)?;
        let scale = average_path_length(self.sample_rows);
        // With one training row every path is empty: scikit-learn defines the score as 1/2.
        scores.mapv_inplace(|path| if scale > 0.0 { (-path / scale).exp2() } else { 0.5 });
        Ok(scores)
    }

    /// Path length of each row averaged over the trees, `E[h(x)]`, in cuts. `x` is rows x `n_features`.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn path_length<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<Array1<f64>, IsolationForestError> {
        self.check_columns(x)?;
        let mut paths = Array1::zeros(x.nrows());
        let progress = Progress::new(watch, (x.nrows() * self.n_trees()) as u64);
        let blocks = paths.axis_chunks_iter_mut(Axis(0), ROWS_PER_BLOCK).into_par_iter();
        let rows = x.axis_chunks_iter(Axis(0), ROWS_PER_BLOCK).into_par_iter();
        let outcome = blocks.zip(rows).try_for_each_init(Vec::new, |keys, (mut sums, rows)| {
            read_keys(rows, keys).ok_or(Stop::NotFinite)?;
            self.add_paths(keys, sums.as_slice_mut().unwrap_or_default(), &progress).map_err(Stop::Interrupted)
        });
        match outcome {
            Ok(()) => {}
            Err(Stop::Interrupted(interrupted)) => return Err(interrupted.into()),
            // Another thread may have met a later value first: look for the first one.
            Err(Stop::NotFinite) => {
                return Err(first_not_finite(x).unwrap_or(NotFinite { row: 0, column: 0 }).into());
            }
        }
        paths /= self.n_trees() as f64;
        Ok(paths)
    }

    pub(super) fn check_columns<F>(&self, x: ArrayView2<'_, F>) -> Result<(), IsolationForestError> {
        if x.ncols() != self.n_features {
            return Err(IsolationForestError::Columns { expected: self.n_features, found: x.ncols() });
        }
        Ok(())
    }

    /// Adds the path length of each row of a block, given by its keys, in every tree. Trees are added in their
    /// order, so the sums do not depend on how rows fall into blocks.
    fn add_paths(&self, keys: &[u32], sums: &mut [f64], progress: &Progress<'_>) -> Result<(), Interrupted> {
        let steps_per_tree = sums.len() * self.height() as usize;
        let trees_per_tick = (STEPS_PER_TICK / steps_per_tree.max(1)).clamp(1, self.n_trees());
        let splits = self.splits.chunks(trees_per_tick * self.slots);
        let leaves = self.leaf_path.chunks(trees_per_tick * self.slots);
        for (splits, leaves) in splits.zip(leaves) {
            for (splits, leaf_path) in splits.chunks_exact(self.slots).zip(leaves.chunks_exact(self.slots)) {
                self.add_tree(splits, leaf_path, keys, sums);
            }
            progress.advance((sums.len() * (splits.len() / self.slots)) as u64)?;
        }
        Ok(())
    }

    fn add_tree(&self, splits: &[Split], leaf_path: &[f32], keys: &[u32], sums: &mut [f64]) {
        let width = self.n_features;
        let mut groups = sums.chunks_exact_mut(LANES);
        let mut rows = keys.chunks_exact(LANES * width);
        for (sums, rows) in groups.by_ref().zip(rows.by_ref()) {
            // SAFETY: growing draws features below `n_features`, and reading a forest back checks that they are.
            let reached = unsafe { descend::<LANES>(splits, rows, width) };
            for (sum, slot) in sums.iter_mut().zip(reached) {
                *sum += f64::from(leaf_path[slot - splits.len()]);
            }
        }
        let rest = groups.into_remainder().iter_mut();
        for (sum, row) in rest.zip(rows.remainder().chunks_exact(width)) {
            // SAFETY: as above.
            let [slot] = unsafe { descend::<1>(splits, row, width) };
            *sum += f64::from(leaf_path[slot - splits.len()]);
        }
    }
}

/// Why a block was not scored.
enum Stop {
    NotFinite,
    Interrupted(Interrupted),
}

/// Replaces `keys` by the sort keys of all rows, row after row; nothing if a value is not finite.
pub(super) fn read_keys<F: Real>(rows: ArrayView2<'_, F>, keys: &mut Vec<u32>) -> Option<()> {
    keys.clear();
    let mut finite = true;
    let mut key = |value: &F| {
        let value = value.to_f32();
        finite &= value.is_finite();
        sort_key(value)
    };
    match rows.as_slice() {
        Some(values) => keys.extend(values.iter().map(&mut key)),
        None => keys.extend(rows.iter().map(&mut key)),
    }
    finite.then_some(())
}

impl IsolationForestValidParams {
    /// Grows the forest from `x`, rows x features.
    ///
    /// Each tree has a seed of its own, drawn from the forest's: it is the same tree whatever the number of threads
    /// or of further trees, and the one that scikit-learn grows with the same `random_state`.
    ///
    /// # Errors
    /// `x` is empty, a value is not finite as `f32`, a tree's sample passes 8,388,608 values, or the watch interrupts.
    pub fn fit<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<IsolationForest, IsolationForestError> {
        let (rows, columns) = x.dim();
        if rows == 0 || columns == 0 {
            return Err(IsolationForestError::Empty { rows, columns });
        }
        let population = u32::try_from(rows).map_err(|_| IsolationForestError::Rows(rows))?;
        let sample_rows = rows.min(self.max_samples());
        if sample_rows.saturating_mul(columns) > SAMPLE_CELLS_MAX {
            return Err(IsolationForestError::SampleTooLarge { rows: sample_rows, columns });
        }
        check_finite(x, watch)?;
        let mut forest = self.empty_forest(sample_rows, columns);
        let (slots, sample_count) = (forest.slots, forest.sample_rows);
        let progress = Progress::new(watch, self.n_trees() as u64);
        let trees = forest.splits.par_chunks_mut(slots).zip(forest.leaf_path.par_chunks_mut(slots));
        let trees = trees.zip(forest.leaf_rows.par_chunks_mut(slots)).zip(tree_seeds(self.seed(), self.n_trees()));
        trees.try_for_each(|(((splits, leaf_path), leaf_rows), seed)| {
            let chosen = RandomState::new(seed).sample(population, sample_count);
            let sample = Sample::copy(x, &chosen);
            let tree = TreeSlots { splits, leaf_path, leaf_rows };
            Grower::new(&sample, tree, TreeDraws::new(seed), &progress).grow()?;
            progress.advance(1)
        })?;
        Ok(forest)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a sample has at most 65536 rows")]
    fn empty_forest(&self, sample_rows: usize, n_features: usize) -> IsolationForest {
        let slots = 1 << height_limit(sample_rows);
        let all = self.n_trees() * slots;
        IsolationForest {
            n_features,
            sample_rows: sample_rows as u32,
            slots,
            splits: vec![Split::LEFT; all],
            leaf_path: vec![0.0; all],
            leaf_rows: vec![0; all],
        }
    }
}

/// A forest as read back, before its indices are known to be in range.
#[derive(Deserialize)]
struct Stored {
    n_features: usize,
    sample_rows: u32,
    slots: usize,
    splits: Vec<Split>,
    leaf_path: Vec<f32>,
    leaf_rows: Vec<u32>,
}

impl TryFrom<Stored> for IsolationForest {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { n_features, sample_rows, slots, splits, leaf_path, leaf_rows } = stored;
        if slots < 2 || !slots.is_power_of_two() || splits.is_empty() || splits.len() % slots != 0 {
            return Err("isolation forest: the number of splits is not a whole number of trees");
        }
        if leaf_path.len() != splits.len() || leaf_rows.len() != splits.len() {
            return Err("isolation forest: splits and leaves differ in number");
        }
        if splits.iter().any(|split| split.feature as usize >= n_features) {
            return Err("isolation forest: a split names a feature that does not exist");
        }
        Ok(Self { n_features, sample_rows, slots, splits, leaf_path, leaf_rows })
    }
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
