//! Fisher's z test of a partial correlation.

use ndarray::ArrayView2;

use super::bootstrap::Resample;
use super::correlation::Correlations;
use super::errors::CausalDiscoveryError;
use super::independence::{GoOn, IndependenceTest};
use crate::input::Real;
use crate::multiple_testing::two_sided_p;
use crate::watch::{Interrupted, Watch};

/// Independence of numbers that depend on each other linearly: the partial correlation, transformed so that it is close to
/// normal (Fisher 1924, "The distribution of the partial correlation coefficient").
///
/// Right for Gaussian variables, and close to it for others where dependence is linear. A test of `k` conditioning variables
/// costs `O(k^3)`, whatever the number of rows.
///
/// ```
/// use ndarray::array;
/// use souffleur_algorithms::causal_discovery::{FisherZ, GoOn, IndependenceTest};
/// let x = array![[1., 2.], [2., 4.1], [3., 5.9], [4., 8.2], [5., 9.8], [6., 12.1]];
/// let test = FisherZ::of(x.view(), &())?;
/// assert!(test.p_value(0, 1, &[], &mut test.scratch(), GoOn::ALWAYS)? < 1e-4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct FisherZ {
    correlations: Correlations,
}

impl FisherZ {
    /// Takes the correlations of the columns, `O(rows columns^2)`.
    ///
    /// # Errors
    /// Fewer than four rows or two columns, too many columns, a column that does not vary, a value that is not finite, or an
    /// interruption.
    pub fn of<F: Real>(x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Self, CausalDiscoveryError> {
        Ok(Self { correlations: Correlations::of(x, None, watch)? })
    }
}

impl IndependenceTest for FisherZ {
    type Scratch = Vec<f64>;

    fn variables(&self) -> usize {
        self.correlations.order
    }

    fn scratch(&self) -> Vec<f64> {
        Vec::new()
    }

    fn p_value(
        &self,
        x: usize,
        y: usize,
        given: &[usize],
        scratch: &mut Vec<f64>,
        _go_on: GoOn<'_>,
    ) -> Result<f64, Interrupted> {
        let freedom = self.correlations.rows as f64 - given.len() as f64 - 3.0;
        if freedom <= 0.0 {
            return Ok(1.0);
        }
        // Exactly 1 would be infinitely far out: as far as numbers go is enough.
        let r = self.correlations.partial(x, y, given, scratch).clamp(-1.0 + f64::EPSILON, 1.0 - f64::EPSILON);
        Ok(two_sided_p(freedom.sqrt() * libm::atanh(r)))
    }
}

/// Rows of numbers, to be resampled for [`FisherZ`].
#[derive(Debug, Clone, Copy)]
pub struct NumberRows<'a, F>(
    /// Rows x variables.
    pub ArrayView2<'a, F>,
);

impl<F: Real> Resample for NumberRows<'_, F> {
    type Test = FisherZ;

    fn rows(&self) -> usize {
        self.0.nrows()
    }

    fn test(&self, picked: &[u32], watch: &dyn Watch) -> Result<FisherZ, CausalDiscoveryError> {
        Ok(FisherZ { correlations: Correlations::of(self.0, Some(picked), watch)? })
    }
}
