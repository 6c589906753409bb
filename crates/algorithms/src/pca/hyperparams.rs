//! Hyperparameters of principal components.

use linfa::ParamGuard;

use super::errors::PcaParamsError;

/// Which components are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Keep {
    /// As many as there are: the smaller of rows and columns.
    All,
    /// This many.
    Components(usize),
    /// As few as explain more than this share of the variance.
    VarianceShare(f64),
}

/// How components are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Solver {
    /// By covariance up to 512 columns; beyond, by a random sketch if it takes less than a quarter of rows and columns.
    Auto,
    /// From the covariance of the columns: exact, at most 4,096 columns.
    Covariance,
    /// From a random sketch of the rows (Halko et al. 2011), for many columns and a given number of components. The leading
    /// components are nearly exact where variances fall quickly.
    Randomized,
}

/// Checked hyperparameters of [`Pca`](super::Pca); made by [`PcaParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PcaValidParams {
    keep: Keep,
    solver: Solver,
    seed: u64,
}

impl PcaValidParams {
    /// Which components are kept.
    pub fn keep(&self) -> Keep {
        self.keep
    }
    /// How components are found.
    pub fn solver(&self) -> Solver {
        self.solver
    }
    /// Seed of the sketch.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

/// Unchecked hyperparameters: all components are kept, the solver follows from the shape and the seed is 0, unless told
/// otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PcaParams(PcaValidParams);

impl Default for PcaParams {
    fn default() -> Self {
        Self(PcaValidParams { keep: Keep::All, solver: Solver::Auto, seed: 0 })
    }
}

impl PcaParams {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }
    /// Keeps this many components, at least 1 and at most the smaller of rows and columns.
    #[must_use]
    pub fn components(mut self, components: usize) -> Self {
        self.0.keep = Keep::Components(components);
        self
    }
    /// Keeps as few components as explain more than this share of the variance, above 0 and below 1.
    #[must_use]
    pub fn variance_share(mut self, share: f64) -> Self {
        self.0.keep = Keep::VarianceShare(share);
        self
    }
    /// How components are found. [`Solver::Randomized`] needs a given number of [`components`](Self::components).
    #[must_use]
    pub fn solver(mut self, solver: Solver) -> Self {
        self.0.solver = solver;
        self
    }
    /// Seed of the sketch, where there is one.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

impl ParamGuard for PcaParams {
    type Checked = PcaValidParams;
    type Error = PcaParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        match self.0.keep {
            Keep::Components(0) => Err(PcaParamsError::Components),
            Keep::All | Keep::VarianceShare(_) if self.0.solver == Solver::Randomized => {
                Err(PcaParamsError::Randomized)
            }
            Keep::VarianceShare(share) if !(share > 0.0 && share < 1.0) => Err(PcaParamsError::Share(share)),
            _ => Ok(&self.0),
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
        let error = |params: PcaParams| params.check().unwrap_err().to_string();
        assert_eq!(PcaParams::new().check().unwrap().keep(), Keep::All);
        assert!(error(PcaParams::new().components(0)).starts_with("the number of components is 0"));
        assert!(error(PcaParams::new().solver(Solver::Randomized)).starts_with("the randomized solver"));
        assert!(error(PcaParams::new().variance_share(1.0)).starts_with("the share of variance is 1"));
        assert!(error(PcaParams::new().variance_share(f64::NAN)).starts_with("the share of variance is NaN"));
    }
}
