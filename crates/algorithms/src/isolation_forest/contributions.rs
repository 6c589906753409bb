//! Which features made a row's path short.

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut1, Axis};
use rayon::prelude::*;

use super::algorithm::{IsolationForest, read_keys};
use super::errors::IsolationForestError;
use super::layout::Split;
use crate::input::{NotFinite, Real, first_not_finite};
use crate::watch::{Progress, Watch};

/// How much each feature shortened the path of each row.
///
/// # Definition
/// Let `D(v)` be the mean path length of the training rows that pass node `v` of a tree. A step of the row's path
/// from `v` to its child `w` cuts on one feature, and changes the expected path length by `D(w) - D(v)`. The
/// contribution of a feature is the sum of `D(v) - D(w)` over the steps that cut on it, averaged over the trees:
/// positive where the feature set the row apart, negative where it put the row among many others.
/// For every row the contributions add up to `baseline - path_length`, so nothing is left unexplained.
///
/// This is the path attribution of Palczewska et al. (2013, "Interpreting random forest models using a feature
/// contribution method") and Saabas (2014), applied to path lengths. It says how this forest came to its score. It
/// is no causal claim, and where several features would each set a row apart they share the credit by chance of the cuts.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// Rows x features, in cuts.
    pub values: Array2<f64>,
    /// Mean path length of the trees' own training rows, in cuts.
    pub baseline: f64,
    /// Path length of each row averaged over the trees, in cuts.
    pub path_length: Array1<f64>,
}

impl IsolationForest {
    /// Splits `baseline - path_length` of each row among the features; see [`Contributions`]. `x` is rows x `n_features`.
    ///
    /// `O(trees psi + rows trees log psi)`.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn contributions<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<Contributions, IsolationForestError> {
        self.check_columns(x)?;
        let expected = self.expected_paths();
        let n_trees = self.n_trees() as f64;
        let mut values = Array2::zeros(x.raw_dim());
        let mut path_length = Array1::zeros(x.nrows());
        let progress = Progress::new(watch, x.nrows() as u64);
        let rows = values.axis_iter_mut(Axis(0)).into_par_iter().zip(path_length.axis_iter_mut(Axis(0)));
        rows.zip(x.axis_chunks_iter(Axis(0), 1)).try_for_each_init(
            Vec::new,
            |keys, ((mut values, mut path), row)| {
                if read_keys(row, keys).is_none() {
                    return Err(first_not_finite(x).unwrap_or(NotFinite { row: 0, column: 0 }).into());
                }
                path.fill(self.attribute(&expected, keys, &mut values) / n_trees);
                values /= n_trees;
                progress.advance(1).map_err(IsolationForestError::from)
            },
        )?;
        let baseline = expected.chunks_exact(2 * self.slots).map(|tree| tree[1]).sum::<f64>() / n_trees;
        Ok(Contributions { values, baseline, path_length })
    }

    /// Adds the contributions of one row in all trees to `values` and gives the sum of its path lengths.
    fn attribute(&self, expected: &[f64], keys: &[u32], values: &mut ArrayViewMut1<'_, f64>) -> f64 {
        let trees = self.splits.chunks_exact(self.slots).zip(expected.chunks_exact(2 * self.slots));
        trees.map(|(splits, expected)| walk(splits, expected, keys, |feature, gain| values[feature] += gain)).sum()
    }

    /// `D(v)` for every slot of every tree, leaves included: `2 slots` per tree.
    fn expected_paths(&self) -> Vec<f64> {
        let mut expected = vec![0.0; 2 * self.splits.len()];
        let leaves = self.leaf_path.chunks_exact(self.slots).zip(self.leaf_rows.chunks_exact(self.slots));
        let mut rows = vec![0.0; 2 * self.slots];
        for (expected, (leaf_path, leaf_rows)) in expected.chunks_exact_mut(2 * self.slots).zip(leaves) {
            for leaf in 0..self.slots {
                expected[self.slots + leaf] = f64::from(leaf_path[leaf]);
                rows[self.slots + leaf] = f64::from(leaf_rows[leaf]);
            }
            for slot in (1..self.slots).rev() {
                let (left, right) = (2 * slot, 2 * slot + 1);
                rows[slot] = rows[left] + rows[right];
                // A left-only split changes nothing: copying keeps its contribution at exactly zero.
                expected[slot] = if rows[right] > 0.0 {
                    (rows[left] * expected[left] + rows[right] * expected[right]) / rows[slot]
                } else {
                    expected[left]
                };
            }
        }
        expected
    }
}

/// Walks one row down one tree, tells the gain of each step, and gives the path length it ends with.
fn walk(splits: &[Split], expected: &[f64], keys: &[u32], mut tell: impl FnMut(usize, f64)) -> f64 {
    let mut slot = 1;
    while slot < splits.len() {
        let split = splits[slot];
        let feature = split.feature as usize;
        let child = 2 * slot + usize::from(keys[feature] > split.key);
        tell(feature, expected[slot] - expected[child]);
        slot = child;
    }
    expected[slot]
}
