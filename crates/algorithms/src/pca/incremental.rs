//! Principal components of rows that come in parts.

use ndarray::{Array1, Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::algorithm::{Pca, not_too_wide};
use super::covariance::moments;
use super::errors::PcaError;
use super::hyperparams::PcaValidParams;
use crate::input::{Real, check_finite};
use crate::watch::{Progress, Watch};

/// Mean and scatter of all rows seen so far, from which principal components follow at any time.
///
/// # What it does
/// Adds what new rows say to what is known, by the exact rule for joining means and products (Chan, Golub and LeVeque 1982,
/// "Updating formulae and a pairwise algorithm for computing sample variances"). So the components are those of all rows at
/// once, to rounding, in whatever parts they came; methods that only keep the leading directions (Ross et al. 2008, as
/// scikit-learn's `IncrementalPCA`) forget what was once small.
///
/// # Cost
/// `O(rows columns^2)` for new rows, whatever came before; `O(columns^3)` for the components. Memory: one covariance.
///
/// # Example
/// ```
/// use ndarray::{Array2, s};
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::pca::{IncrementalPca, Pca};
///
/// let x = Array2::from_shape_fn((40, 3), |(row, column)| ((row * (column + 2)) % 11) as f64);
/// let mut seen = IncrementalPca::new(3);
/// seen.update(x.slice(s![..25, ..]), &())?;
/// seen.update(x.slice(s![25.., ..]), &())?;
/// let params = Pca::params().components(2).check()?;
/// let (parts, whole) = (seen.components(&params, &())?, params.fit(x.view(), &())?);
/// assert!((parts.explained_variance()[1] - whole.explained_variance()[1]).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct IncrementalPca {
    rows: u64,
    mean: Array1<f64>,
    scatter: Array2<f64>,
}

impl IncrementalPca {
    /// Nothing is known yet of rows of this many columns.
    pub fn new(columns: usize) -> Self {
        Self { rows: 0, mean: Array1::zeros(columns), scatter: Array2::zeros((columns, columns)) }
    }

    /// Rows seen so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Number of columns that rows must have.
    pub fn columns(&self) -> usize {
        self.mean.len()
    }

    /// Adds the rows of `x`, rows x columns; none at all change nothing.
    ///
    /// # Errors
    /// Another width, more than 4,096 columns, a value that is not finite as `f32`, or the watch interrupted; then nothing is
    /// added.
    pub fn update<F: Real>(&mut self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<(), PcaError> {
        if x.ncols() != self.columns() {
            return Err(PcaError::Columns { expected: self.columns(), found: x.ncols() });
        }
        not_too_wide(x.ncols())?;
        if x.is_empty() {
            return Ok(());
        }
        check_finite(x, watch)?;
        let new = moments(x, &Progress::new(watch, x.nrows() as u64))?;
        let (before, added) = (self.rows as f64, new.rows as f64);
        let all = before + added;
        let apart = &new.mean - &self.mean;
        self.scatter += &new.scatter;
        for (mut row, at) in self.scatter.outer_iter_mut().zip(&apart) {
            row.scaled_add(at * before * added / all, &apart);
        }
        self.mean.scaled_add(added / all, &apart);
        self.rows += new.rows as u64;
        Ok(())
    }

    /// The principal components of all rows seen so far. The solver is always that by covariance.
    ///
    /// # Errors
    /// Fewer than two rows seen, more components asked for than there are, or the watch interrupted.
    pub fn components(&self, params: &PcaValidParams, watch: &dyn Watch) -> Result<Pca, PcaError> {
        let rows = usize::try_from(self.rows).unwrap_or(usize::MAX);
        params.check_shape(rows, self.columns())?;
        let covariance = &self.scatter / (self.rows - 1) as f64;
        Pca::of_covariance(params, rows, self.mean.clone(), &covariance, &Progress::new(watch, 1))
    }
}

/// What is known as read back, before its parts are known to fit together.
#[derive(Deserialize)]
struct Stored {
    rows: u64,
    mean: Array1<f64>,
    scatter: Array2<f64>,
}

impl TryFrom<Stored> for IncrementalPca {
    type Error = &'static str;

    fn try_from(Stored { rows, mean, scatter }: Stored) -> Result<Self, Self::Error> {
        if scatter.dim() != (mean.len(), mean.len()) {
            return Err("incremental components: mean and products do not match");
        }
        if !mean.iter().chain(&scatter).all(|value| value.is_finite()) {
            return Err("incremental components: a value is not a number");
        }
        Ok(Self { rows, mean, scatter })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted_clusters::planted_clusters;
    use crate::{Interrupted, ParamGuard};
    use ndarray::s;

    #[test]
    fn parts_say_what_the_whole_says_far_from_zero_too() {
        let x = planted_clusters(900, 6, 4) + 1e4;
        let params = Pca::params().check().unwrap();
        let whole = params.fit(x.view(), &()).unwrap();
        let mut seen = IncrementalPca::new(6);
        assert!(seen.components(&params, &()).is_err());
        for (start, end) in [(0, 3), (3, 3), (3, 700), (700, 900)] {
            seen.update(x.slice(s![start..end, ..]), &()).unwrap();
        }
        let parts = seen.components(&params, &()).unwrap();
        assert_eq!((seen.rows(), seen.columns()), (900, 6));
        assert!((&parts.explained_variance() - &whole.explained_variance()).iter().all(|d| d.abs() < 1e-9));
        assert!((&parts.components() - &whole.components()).iter().all(|d| d.abs() < 1e-7));
        assert!((&parts.mean() - &whole.mean()).iter().all(|d| d.abs() < 1e-8));
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let x = planted_clusters(50, 3, 2);
        let mut seen = IncrementalPca::new(3);
        seen.update(x.view(), &()).unwrap();
        let before = seen.clone();
        assert!(seen.update(x.slice(s![.., ..2]), &()).unwrap_err().to_string().starts_with("the input has 2 columns"));
        let stop = |_: u64, _: u64| Err(Interrupted);
        assert_eq!(seen.update(x.view(), &stop), Err(PcaError::Interrupted(Interrupted)));
        assert_eq!(seen, before);
    }
}
