//! Hyperparameters of the estimate.

use linfa::ParamGuard;

use super::errors::IntrinsicDimensionParamsError;

/// How the dimension follows from distances to neighbours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// From the ratio of the distances to the second and the first neighbour.
    TwoNn {
        /// Share of the rows with the greatest ratios that is left out.
        discarded: f64,
    },
    /// From the distances to this many neighbours.
    MaximumLikelihood {
        /// Number of neighbours.
        neighbors: usize,
    },
}

/// Checked hyperparameters of [`IntrinsicDimension`](super::IntrinsicDimension); made by [`IntrinsicDimensionParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntrinsicDimensionValidParams {
    method: Method,
    max_queries: usize,
    seed: u64,
}

impl IntrinsicDimensionValidParams {
    /// How the dimension follows from distances to neighbours.
    pub fn method(&self) -> Method {
        self.method
    }
    /// Most rows whose neighbours are looked for.
    pub fn max_queries(&self) -> usize {
        self.max_queries
    }
    /// Seed of the choice of these rows.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

/// Unchecked hyperparameters: at most 1,000 queries and seed 0, unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntrinsicDimensionParams(IntrinsicDimensionValidParams);

impl IntrinsicDimensionParams {
    /// The two nearest neighbours, without the tenth of the rows that has the greatest ratios.
    pub fn two_nn() -> Self {
        Self::with(Method::TwoNn { discarded: 0.1 })
    }
    /// Maximum likelihood on this many neighbours, 3 to 1,000; 10 to 20 are usual.
    pub fn maximum_likelihood(neighbors: usize) -> Self {
        Self::with(Method::MaximumLikelihood { neighbors })
    }
    /// Another method, or one with another discarded share, 0 to 0.5.
    pub fn with(method: Method) -> Self {
        Self(IntrinsicDimensionValidParams { method, max_queries: 1000, seed: 0 })
    }
    /// Most rows whose neighbours are looked for, 10 or more, drawn at random if there are more rows. Time grows in
    /// proportion, the standard error shrinks with the square root.
    #[must_use]
    pub fn max_queries(mut self, max_queries: usize) -> Self {
        self.0.max_queries = max_queries;
        self
    }
    /// Seed of the choice of these rows.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

impl ParamGuard for IntrinsicDimensionParams {
    type Checked = IntrinsicDimensionValidParams;
    type Error = IntrinsicDimensionParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        if self.0.max_queries < 10 {
            return Err(IntrinsicDimensionParamsError::Queries(self.0.max_queries));
        }
        match self.0.method {
            Method::TwoNn { discarded } if !(0.0..=0.5).contains(&discarded) => {
                Err(IntrinsicDimensionParamsError::Discarded(discarded))
            }
            Method::MaximumLikelihood { neighbors } if !(3..=1000).contains(&neighbors) => {
                Err(IntrinsicDimensionParamsError::Neighbors(neighbors))
            }
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
        let error = |params: IntrinsicDimensionParams| params.check().unwrap_err().to_string();
        assert!(IntrinsicDimensionParams::two_nn().check().is_ok());
        assert!(error(IntrinsicDimensionParams::two_nn().max_queries(9)).starts_with("max_queries is 9"));
        assert!(error(IntrinsicDimensionParams::maximum_likelihood(2)).starts_with("2 neighbours"));
        let discarded = f64::NAN;
        assert!(
            error(IntrinsicDimensionParams::with(Method::TwoNn { discarded })).starts_with("the discarded share is")
        );
    }
}
