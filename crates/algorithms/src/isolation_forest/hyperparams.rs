//! Hyperparameters of the isolation forest.

use linfa::ParamGuard;

use super::errors::IsolationForestParamsError;
use super::layout;

/// Most trees a forest may have.
const TREES_MAX: usize = 10_000;
/// Most rows a tree may be grown from; keeps the height at 16 or less.
const SAMPLES_MAX: usize = 1 << 16;
/// Most node slots of a forest: 256 MiB of model.
const SLOTS_MAX: usize = 1 << 24;

/// Checked hyperparameters of an [`IsolationForest`](super::IsolationForest); made by [`IsolationForestParams`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsolationForestValidParams {
    n_trees: usize,
    max_samples: usize,
    seed: u64,
}

impl IsolationForestValidParams {
    /// Number of trees.
    pub fn n_trees(&self) -> usize {
        self.n_trees
    }
    /// Rows drawn for each tree, if there are so many.
    pub fn max_samples(&self) -> usize {
        self.max_samples
    }
    /// Seed of all random choices.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

/// Unchecked hyperparameters: 100 trees of 256 rows and seed 0 unless told otherwise, as in the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsolationForestParams(IsolationForestValidParams);

impl Default for IsolationForestParams {
    fn default() -> Self {
        Self(IsolationForestValidParams { n_trees: 100, max_samples: 256, seed: 0 })
    }
}

impl IsolationForestParams {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }
    /// Number of trees, 1 to 10,000. More trees steady the score; time and memory grow in proportion.
    #[must_use]
    pub fn n_trees(mut self, n_trees: usize) -> Self {
        self.0.n_trees = n_trees;
        self
    }
    /// Rows drawn without replacement for each tree, 2 to 65,536; all rows if there are fewer. Few rows keep
    /// anomalies from hiding among each other.
    #[must_use]
    pub fn max_samples(mut self, max_samples: usize) -> Self {
        self.0.max_samples = max_samples;
        self
    }
    /// Seed of all random choices.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

impl ParamGuard for IsolationForestParams {
    type Checked = IsolationForestValidParams;
    type Error = IsolationForestParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let IsolationForestValidParams { n_trees, max_samples, .. } = self.0;
        if !(1..=TREES_MAX).contains(&n_trees) {
            return Err(IsolationForestParamsError::Trees(n_trees));
        }
        if !(2..=SAMPLES_MAX).contains(&max_samples) {
            return Err(IsolationForestParamsError::Samples(max_samples));
        }
        let slots = n_trees << layout::height_limit(max_samples);
        if slots > SLOTS_MAX {
            return Err(IsolationForestParamsError::Size { n_trees, max_samples, slots });
        }
        Ok(&self.0)
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
    fn defaults_are_those_of_the_paper() {
        let params = IsolationForestParams::new().check().unwrap();
        assert_eq!((params.n_trees(), params.max_samples(), params.seed()), (100, 256, 0));
    }

    #[test]
    fn bad_values_are_refused_by_name() {
        let error = |params: IsolationForestParams| params.check().unwrap_err().to_string();
        assert!(error(IsolationForestParams::new().n_trees(0)).starts_with("n_trees is 0"));
        assert!(error(IsolationForestParams::new().n_trees(10_001)).starts_with("n_trees is 10001"));
        assert!(error(IsolationForestParams::new().max_samples(1)).starts_with("max_samples is 1"));
        assert!(error(IsolationForestParams::new().max_samples(65_537)).starts_with("max_samples is 65537"));
        assert!(error(IsolationForestParams::new().n_trees(10_000).max_samples(65_536)).contains("node slots"));
    }
}
