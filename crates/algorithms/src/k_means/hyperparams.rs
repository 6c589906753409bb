//! Hyperparameters of k-means.

use linfa::ParamGuard;
use ndarray::Array2;

use super::errors::KMeansParamsError;
use crate::input::first_not_finite;

/// Checked hyperparameters of [`KMeans`](super::KMeans); made by [`KMeansParams`].
#[derive(Debug, Clone, PartialEq)]
pub struct KMeansValidParams {
    n_clusters: usize,
    start: Option<Array2<f64>>,
    n_init: usize,
    max_iter: usize,
    tol: f64,
    seed: u64,
}

impl KMeansValidParams {
    /// Number of clusters.
    pub fn n_clusters(&self) -> usize {
        self.n_clusters
    }
    /// Centroids to start from, if given.
    pub fn start(&self) -> Option<&Array2<f64>> {
        self.start.as_ref()
    }
    /// Number of starts of which the best result is kept.
    pub fn n_init(&self) -> usize {
        self.n_init
    }
    /// Most iterations of one start.
    pub fn max_iter(&self) -> usize {
        self.max_iter
    }
    /// Shift of the centroids, relative to the variance of the features, at which to stop.
    pub fn tol(&self) -> f64 {
        self.tol
    }
    /// Seed of all random choices.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

/// Unchecked hyperparameters: one k-means++ start, at most 300 iterations, tolerance 1e-4 and seed 0, unless told
/// otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeansParams(KMeansValidParams);

impl KMeansParams {
    /// The defaults, for this number of clusters, 1 to 4,096.
    pub fn new(n_clusters: usize) -> Self {
        Self(KMeansValidParams { n_clusters, start: None, n_init: 1, max_iter: 300, tol: 1e-4, seed: 0 })
    }
    /// Starts from these centroids, one for each cluster, instead of drawing some. Sets the number of clusters, and
    /// there is one start only.
    #[must_use]
    pub fn start(mut self, centroids: Array2<f64>) -> Self {
        self.0.n_clusters = centroids.nrows();
        self.0.start = Some(centroids);
        self
    }
    /// Number of k-means++ starts, 1 to 1,000; the result with the least inertia is kept. Time grows in proportion.
    #[must_use]
    pub fn n_init(mut self, n_init: usize) -> Self {
        self.0.n_init = n_init;
        self
    }
    /// Most iterations of one start, 1 to 100,000.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.0.max_iter = max_iter;
        self
    }
    /// Stops when the squared shifts of all centroids in one iteration sum to at most `tol` times the mean variance
    /// of the columns; 0 or more. It always stops when no row changes its cluster.
    #[must_use]
    pub fn tol(mut self, tol: f64) -> Self {
        self.0.tol = tol;
        self
    }
    /// Seed of all random choices.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

impl ParamGuard for KMeansParams {
    type Checked = KMeansValidParams;
    type Error = KMeansParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        if !(1..=4096).contains(&params.n_clusters) {
            return Err(KMeansParamsError::Clusters(params.n_clusters));
        }
        if !(1..=1000).contains(&params.n_init) {
            return Err(KMeansParamsError::Starts(params.n_init));
        }
        if !(1..=100_000).contains(&params.max_iter) {
            return Err(KMeansParamsError::Iterations(params.max_iter));
        }
        if !(params.tol >= 0.0 && params.tol.is_finite()) {
            return Err(KMeansParamsError::Tolerance(params.tol));
        }
        match params.start.as_ref().and_then(|start| first_not_finite(start.view())) {
            Some(found) => Err(KMeansParamsError::Start { centroid: found.row, column: found.column }),
            None => Ok(params),
        }
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
        let new = || KMeansParams::new(3);
        let error = |params: KMeansParams| params.check().unwrap_err().to_string();
        assert!(new().check().is_ok());
        assert!(error(KMeansParams::new(0)).starts_with("n_clusters is 0"));
        assert!(error(new().n_init(0)).starts_with("n_init is 0"));
        assert!(error(new().max_iter(0)).starts_with("max_iter is 0"));
        assert!(error(new().tol(f64::NAN)).starts_with("tol is NaN"));
        let mut start = Array2::zeros((4, 2));
        assert_eq!(new().start(start.clone()).check().unwrap().n_clusters(), 4);
        start[[1, 1]] = f64::INFINITY;
        assert!(error(new().start(start)).starts_with("start centroid 1, column 1"));
    }
}
