//! Hyperparameters of gradient boosting.

use linfa::ParamGuard;

use super::errors::GradientBoostingParamsError;

/// Checked hyperparameters of [`GradientBoosting`](super::GradientBoosting); made by [`GradientBoostingParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientBoostingValidParams {
    n_trees: usize,
    max_depth: u32,
    max_bins: usize,
    learning_rate: f64,
    min_leaf_rows: usize,
    l2: f64,
}

impl GradientBoostingValidParams {
    /// Number of trees.
    pub fn n_trees(&self) -> usize {
        self.n_trees
    }
    /// Most splits between the root of a tree and a leaf.
    pub fn max_depth(&self) -> u32 {
        self.max_depth
    }
    /// Most bins that the values of a feature are sorted into.
    pub fn max_bins(&self) -> usize {
        self.max_bins
    }
    /// Share of each tree's correction that is applied.
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate
    }
    /// Least number of training rows in a leaf.
    pub fn min_leaf_rows(&self) -> usize {
        self.min_leaf_rows
    }
    /// L2 penalty on the values of leaves.
    pub fn l2(&self) -> f64 {
        self.l2
    }
}

/// Unchecked hyperparameters: 100 trees of depth 5, 64 bins, learning rate .1, 20 rows per leaf and L2 penalty 1,
/// unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientBoostingParams(GradientBoostingValidParams);

impl Default for GradientBoostingParams {
    fn default() -> Self {
        Self(GradientBoostingValidParams {
            n_trees: 100,
            max_depth: 5,
            max_bins: 64,
            learning_rate: 0.1,
            min_leaf_rows: 20,
            l2: 1.0,
        })
    }
}

impl GradientBoostingParams {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }
    /// Number of trees, 1 to 2,000. More trees fit more closely; with a lower learning rate more are needed.
    #[must_use]
    pub fn n_trees(mut self, n_trees: usize) -> Self {
        self.0.n_trees = n_trees;
        self
    }
    /// Most splits between root and leaf, 1 to 8: how many features can act together.
    #[must_use]
    pub fn max_depth(mut self, max_depth: u32) -> Self {
        self.0.max_depth = max_depth;
        self
    }
    /// Most bins per feature, 2 to 256: how finely a threshold can be placed.
    #[must_use]
    pub fn max_bins(mut self, max_bins: usize) -> Self {
        self.0.max_bins = max_bins;
        self
    }
    /// Share of each tree's correction that is applied, above 0 and at most 1.
    #[must_use]
    pub fn learning_rate(mut self, learning_rate: f64) -> Self {
        self.0.learning_rate = learning_rate;
        self
    }
    /// Least number of training rows in a leaf, 1 or more.
    #[must_use]
    pub fn min_leaf_rows(mut self, min_leaf_rows: usize) -> Self {
        self.0.min_leaf_rows = min_leaf_rows;
        self
    }
    /// L2 penalty on the values of leaves, 0 or more.
    #[must_use]
    pub fn l2(mut self, l2: f64) -> Self {
        self.0.l2 = l2;
        self
    }
}

impl ParamGuard for GradientBoostingParams {
    type Checked = GradientBoostingValidParams;
    type Error = GradientBoostingParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        if !(1..=2000).contains(&params.n_trees) {
            return Err(GradientBoostingParamsError::Trees(params.n_trees));
        }
        if !(1..=8).contains(&params.max_depth) {
            return Err(GradientBoostingParamsError::Depth(params.max_depth));
        }
        if !(2..=256).contains(&params.max_bins) {
            return Err(GradientBoostingParamsError::Bins(params.max_bins));
        }
        if !(params.learning_rate > 0.0 && params.learning_rate <= 1.0) {
            return Err(GradientBoostingParamsError::LearningRate(params.learning_rate));
        }
        if params.min_leaf_rows == 0 {
            return Err(GradientBoostingParamsError::LeafRows);
        }
        if !(params.l2 >= 0.0 && params.l2.is_finite()) {
            return Err(GradientBoostingParamsError::L2(params.l2));
        }
        Ok(params)
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_are_refused_by_name() {
        let new = GradientBoostingParams::new;
        let error = |params: GradientBoostingParams| params.check().unwrap_err().to_string();
        assert!(new().check().is_ok());
        assert!(error(new().n_trees(0)).starts_with("n_trees is 0"));
        assert!(error(new().max_depth(9)).starts_with("max_depth is 9"));
        assert!(error(new().max_bins(257)).starts_with("max_bins is 257"));
        assert!(error(new().learning_rate(f64::NAN)).starts_with("learning_rate is NaN"));
        assert!(error(new().min_leaf_rows(0)).starts_with("min_leaf_rows is 0"));
        assert!(error(new().l2(-1.0)).starts_with("l2 is -1"));
    }
}
