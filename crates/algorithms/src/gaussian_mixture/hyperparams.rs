//! Hyperparameters of a Gaussian mixture.

use linfa::ParamGuard;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::errors::GaussianMixtureParamsError;
use crate::input::first_not_finite;

/// What shape the components may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CovarianceKind {
    /// Each component any ellipsoid of its own.
    Full,
    /// All components the same ellipsoid.
    Tied,
    /// Each component an ellipsoid of its own along the axes.
    Diagonal,
}

/// Checked hyperparameters of [`GaussianMixture`](super::GaussianMixture); made by [`GaussianMixtureParams`].
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianMixtureValidParams {
    n_components: usize,
    covariance: CovarianceKind,
    start_means: Option<Array2<f64>>,
    n_init: usize,
    max_iter: usize,
    tol: f64,
    reg_covar: f64,
    seed: u64,
}

impl GaussianMixtureValidParams {
    /// Number of components.
    pub fn n_components(&self) -> usize {
        self.n_components
    }
    /// What shape the components may take.
    pub fn covariance(&self) -> CovarianceKind {
        self.covariance
    }
    /// Means to start from, if given.
    pub fn start_means(&self) -> Option<&Array2<f64>> {
        self.start_means.as_ref()
    }
    /// Number of starts of which the best result is kept.
    pub fn n_init(&self) -> usize {
        self.n_init
    }
    /// Most iterations of one start.
    pub fn max_iter(&self) -> usize {
        self.max_iter
    }
    /// Gain in the mean log-likelihood of a row below which to stop.
    pub fn tol(&self) -> f64 {
        self.tol
    }
    /// What is added to every variance.
    pub fn reg_covar(&self) -> f64 {
        self.reg_covar
    }
    /// Seed of all random choices.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

/// Unchecked hyperparameters: full covariances, one k-means start, at most 100 iterations, tolerance 1e-3, 1e-6 added
/// to every variance and seed 0, unless told otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianMixtureParams(GaussianMixtureValidParams);

impl GaussianMixtureParams {
    /// The defaults, for this number of components, 1 to 1,000.
    pub fn new(n_components: usize) -> Self {
        Self(GaussianMixtureValidParams {
            n_components,
            covariance: CovarianceKind::Full,
            start_means: None,
            n_init: 1,
            max_iter: 100,
            tol: 1e-3,
            reg_covar: 1e-6,
            seed: 0,
        })
    }
    /// What shape the components may take. Full covariances need some `columns^2` rows for each component.
    #[must_use]
    pub fn covariance(mut self, covariance: CovarianceKind) -> Self {
        self.0.covariance = covariance;
        self
    }
    /// Starts with each row given to the nearest of these means, instead of a k-means clustering. Sets the number of
    /// components, and there is one start only.
    #[must_use]
    pub fn start_means(mut self, means: Array2<f64>) -> Self {
        self.0.n_components = means.nrows();
        self.0.start_means = Some(means);
        self
    }
    /// Number of k-means starts, 1 to 1,000, with seeds counted up from the seed given; the result with the greatest
    /// likelihood is kept. Time grows in proportion.
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
    /// Stops when the mean log-likelihood of a row changes by less than this; 0 or more.
    #[must_use]
    pub fn tol(mut self, tol: f64) -> Self {
        self.0.tol = tol;
        self
    }
    /// Added to every variance, so that a component cannot shrink to nothing; 0 or more, in squared units of the input.
    #[must_use]
    pub fn reg_covar(mut self, reg_covar: f64) -> Self {
        self.0.reg_covar = reg_covar;
        self
    }
    /// Seed of all random choices.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

impl ParamGuard for GaussianMixtureParams {
    type Checked = GaussianMixtureValidParams;
    type Error = GaussianMixtureParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        if !(1..=1000).contains(&params.n_components) {
            return Err(GaussianMixtureParamsError::Components(params.n_components));
        }
        if !(1..=1000).contains(&params.n_init) {
            return Err(GaussianMixtureParamsError::Starts(params.n_init));
        }
        if !(1..=100_000).contains(&params.max_iter) {
            return Err(GaussianMixtureParamsError::Iterations(params.max_iter));
        }
        if !(params.tol >= 0.0 && params.tol.is_finite()) {
            return Err(GaussianMixtureParamsError::Tolerance(params.tol));
        }
        if !(params.reg_covar >= 0.0 && params.reg_covar.is_finite()) {
            return Err(GaussianMixtureParamsError::Regularisation(params.reg_covar));
        }
        match params.start_means.as_ref().and_then(|means| first_not_finite(means.view())) {
            Some(found) => Err(GaussianMixtureParamsError::Start { component: found.row, column: found.column }),
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
        let new = || GaussianMixtureParams::new(3);
        let error = |params: GaussianMixtureParams| params.check().unwrap_err().to_string();
        assert!(new().check().is_ok());
        assert!(error(GaussianMixtureParams::new(0)).starts_with("n_components is 0"));
        assert!(error(new().n_init(0)).starts_with("n_init is 0"));
        assert!(error(new().max_iter(0)).starts_with("max_iter is 0"));
        assert!(error(new().tol(-1.0)).starts_with("tol is -1"));
        assert!(error(new().reg_covar(f64::NAN)).starts_with("reg_covar is NaN"));
        assert!(error(new().start_means(Array2::from_elem((2, 1), f64::NAN))).starts_with("start mean 0, column 0"));
    }
}
