//! The records an effect is estimated from.

use ndarray::{ArrayView2, Axis};

use super::errors::CausalEffectError;
use crate::input::{Refused, check_finite};
use crate::watch::Watch;

/// Fewest rows with the treatment, and without it.
const ARM_ROWS_MINIMUM: usize = 10;

/// Rows of covariates with a treatment that each row got or did not get, and what came of it.
///
/// The covariates must be known before the treatment: those that [`back_door`](super::back_door) names. Columns may be
/// constant or depend on each other; a column of ones is not needed.
#[derive(Debug, Clone, Copy)]
pub struct Study<'a> {
    pub(super) x: ArrayView2<'a, f64>,
    pub(super) treated: &'a [bool],
    pub(super) outcome: &'a [f64],
    pub(super) logged: Option<&'a [f64]>,
    pub(super) group: Option<&'a [u64]>,
}

impl<'a> Study<'a> {
    /// A study of rows x covariates. Covariates are finite numbers in the range of `f32`.
    ///
    /// # Errors
    /// The columns differ in length, a value is not finite, an arm has fewer than ten rows, or the watch interrupts.
    pub fn new(
        x: ArrayView2<'a, f64>,
        treated: &'a [bool],
        outcome: &'a [f64],
        watch: &dyn Watch,
    ) -> Result<Self, CausalEffectError> {
        let rows = x.nrows();
        for (what, found) in [("treatments", treated.len()), ("outcomes", outcome.len())] {
            if found != rows {
                return Err(CausalEffectError::Lengths { rows, what, found });
            }
        }
        if let Some(row) = outcome.iter().position(|value| !value.is_finite()) {
            return Err(CausalEffectError::Outcome(row));
        }
        let with = treated.iter().filter(|treated| **treated).count();
        for (arm, have) in [("treated", with), ("untreated", rows - with)] {
            if have < ARM_ROWS_MINIMUM {
                return Err(CausalEffectError::TooFewRows { arm, have, need: ARM_ROWS_MINIMUM });
            }
        }
        check_finite(x, watch).map_err(|refused| match refused {
            Refused::NotFinite(found) => CausalEffectError::from(found),
            Refused::Interrupted(interrupted) => interrupted.into(),
        })?;
        Ok(Self { x, treated, outcome, logged: None, group: None })
    }

    /// With the probability with which each row was to get the treatment, where whoever treated wrote it down; `NaN` where it
    /// was not: there it is estimated.
    ///
    /// # Errors
    /// There is not one for each row, or one is not strictly between 0 and 1.
    pub fn with_propensities(self, logged: &'a [f64]) -> Result<Self, CausalEffectError> {
        let (rows, found) = (self.rows(), logged.len());
        if found != rows {
            return Err(CausalEffectError::Lengths { rows, what: "propensities", found });
        }
        if let Some(row) = logged.iter().position(|p| !(p.is_nan() || *p > 0.0 && *p < 1.0)) {
            return Err(CausalEffectError::Propensity { row, value: logged[row] });
        }
        Ok(Self { logged: Some(logged), ..self })
    }

    /// With the group of each row: rows of one group need not be independent, and are never learnt from and judged at once.
    ///
    /// # Errors
    /// There is not one for each row.
    pub fn with_groups(self, group: &'a [u64]) -> Result<Self, CausalEffectError> {
        let (rows, found) = (self.rows(), group.len());
        if found != rows {
            return Err(CausalEffectError::Lengths { rows, what: "groups", found });
        }
        Ok(Self { group: Some(group), ..self })
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.x.nrows()
    }

    /// The covariates, rows x columns.
    #[must_use]
    pub fn covariates(&self) -> ArrayView2<'a, f64> {
        self.x
    }

    /// Whether each row got the treatment.
    #[must_use]
    pub fn treated(&self) -> &'a [bool] {
        self.treated
    }

    /// The mean outcome of treated rows less that of untreated ones, with its standard error (Welch 1947): what is seen,
    /// whatever its cause.
    #[must_use]
    pub fn naive(&self) -> super::Estimate {
        let arm = |arm: bool| {
            let of = || self.outcome.iter().zip(self.treated).filter(move |(_, t)| **t == arm).map(|(y, _)| *y);
            let count = of().count() as f64;
            let mean = of().sum::<f64>() / count;
            (mean, of().map(|y| (y - mean) * (y - mean)).sum::<f64>() / (count - 1.0) / count)
        };
        let ((with, with_variance), (without, without_variance)) = (arm(true), arm(false));
        super::Estimate {
            effect: with - without,
            standard_error: (with_variance + without_variance).sqrt(),
            rows: self.rows(),
        }
    }

    /// The logged probabilities, those that are missing filled in by `estimate`; all of them if none was logged.
    pub(super) fn propensities<E>(&self, estimate: impl FnOnce() -> Result<Vec<f64>, E>) -> Result<Vec<f64>, E> {
        let Some(logged) = self.logged else { return estimate() };
        if !logged.iter().any(|p| p.is_nan()) {
            return Ok(logged.to_vec());
        }
        let fill = |(logged, estimated): (&f64, f64)| if logged.is_nan() { estimated } else { *logged };
        Ok(logged.iter().zip(estimate()?).map(fill).collect())
    }

    /// The covariates of some rows.
    pub(super) fn select(&self, rows: &[usize]) -> ndarray::Array2<f64> {
        self.x.select(Axis(0), rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn a_study_that_can_tell_nothing_is_refused_with_the_reason() {
        let x = Array2::<f64>::zeros((30, 2));
        let treated: Vec<bool> = (0..30).map(|i| i % 2 == 0).collect();
        let outcome = vec![0.0; 30];
        let error = |study: Result<Study<'_>, CausalEffectError>| study.unwrap_err().to_string();
        let few: Vec<bool> = (0..30).map(|i| i < 9).collect();
        let new = |treated, outcome| Study::new(x.view(), treated, outcome, &());
        assert_eq!(error(new(&few, &outcome)), "there are 9 treated rows: at least 10 are needed");
        assert_eq!(error(new(&few[..4], &outcome)), "there are 30 rows but 4 treatments: each row needs one");
        let study = new(&treated, &outcome).unwrap();
        assert!(error(study.with_propensities(&[1.0; 30])).starts_with("the propensity of row 0 is 1"));
        assert!(error(study.with_groups(&[1])).contains("1 groups"));
        assert_eq!((study.naive().effect, study.naive().standard_error), (0.0, 0.0));
        let mut infinite = outcome.clone();
        infinite[7] = f64::INFINITY;
        assert_eq!(new(&treated, &infinite).unwrap_err(), CausalEffectError::Outcome(7));
    }
}
