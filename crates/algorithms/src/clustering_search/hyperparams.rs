//! Hyperparameters of a search for a clustering.

use linfa::ParamGuard;

use super::errors::ClusteringSearchParamsError;

/// Checked hyperparameters of [`ClusteringSearch`](super::ClusteringSearch); made by [`ClusteringSearchParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusteringSearchValidParams {
    clusters_max: usize,
    resamples: usize,
    weights: [f64; 3],
    seed: u64,
}

impl ClusteringSearchValidParams {
    /// Most clusters tried where their number is a setting.
    pub fn clusters_max(&self) -> usize {
        self.clusters_max
    }
    /// Resamples that stability is measured with.
    pub fn resamples(&self) -> usize {
        self.resamples
    }
    /// Weights of silhouette, density-based validity and stability in the score; they sum to 1.
    pub fn weights(&self) -> [f64; 3] {
        self.weights
    }
    /// Seed of all random choices.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

/// Unchecked hyperparameters: up to 10 clusters, 9 resamples, equal weights and seed 0, unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusteringSearchParams(ClusteringSearchValidParams);

impl Default for ClusteringSearchParams {
    fn default() -> Self {
        Self(ClusteringSearchValidParams { clusters_max: 10, resamples: 9, weights: [1.0; 3], seed: 0 })
    }
}

impl ClusteringSearchParams {
    /// Most clusters tried where their number is a setting, 2 to 100. Candidates, and time, grow in proportion.
    #[must_use]
    pub fn clusters_max(mut self, clusters_max: usize) -> Self {
        self.0.clusters_max = clusters_max;
        self
    }
    /// Resamples that stability is measured with, 1 to 1,000.
    #[must_use]
    pub fn resamples(mut self, resamples: usize) -> Self {
        self.0.resamples = resamples;
        self
    }
    /// What silhouette, density-based validity and stability count for in the score; only their ratios matter.
    #[must_use]
    pub fn weights(mut self, silhouette: f64, dbcv: f64, stability: f64) -> Self {
        self.0.weights = [silhouette, dbcv, stability];
        self
    }
    /// Seed of all random choices.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

impl ParamGuard for ClusteringSearchParams {
    type Checked = ClusteringSearchValidParams;
    type Error = ClusteringSearchParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        if !(2..=100).contains(&params.clusters_max) {
            return Err(ClusteringSearchParamsError::Clusters(params.clusters_max));
        }
        if !(1..=1000).contains(&params.resamples) {
            return Err(ClusteringSearchParamsError::Resamples(params.resamples));
        }
        let sum: f64 = params.weights.iter().sum();
        if !(params.weights.iter().all(|weight| *weight >= 0.0) && sum > 0.0 && sum.is_finite()) {
            return Err(ClusteringSearchParamsError::Weights(params.weights));
        }
        Ok(params)
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        let sum: f64 = self.0.weights.iter().sum();
        Ok(ClusteringSearchValidParams { weights: self.0.weights.map(|weight| weight / sum), ..self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_are_refused_by_name() {
        let new = ClusteringSearchParams::default;
        let error = |params: ClusteringSearchParams| params.check().unwrap_err().to_string();
        assert_eq!(new().weights(1.0, 0.0, 3.0).check().unwrap().weights(), [0.25, 0.0, 0.75]);
        assert!(error(new().clusters_max(1)).starts_with("clusters_max is 1"));
        assert!(error(new().resamples(0)).starts_with("resamples is 0"));
        assert!(error(new().weights(0.0, 0.0, 0.0)).starts_with("the weights of"));
        assert!(error(new().weights(1.0, -1.0, 1.0)).starts_with("the weights of"));
        assert!(error(new().weights(f64::NAN, 1.0, 1.0)).starts_with("the weights of"));
    }
}
