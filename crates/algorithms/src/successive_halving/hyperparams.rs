//! Hyperparameters of successive halving.

use linfa::ParamGuard;

use super::errors::SuccessiveHalvingParamsError;

/// Checked hyperparameters of [`SuccessiveHalving`](super::SuccessiveHalving); made by [`SuccessiveHalvingParams`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuccessiveHalvingValidParams {
    min_budget: usize,
    max_budget: usize,
    eta: usize,
}

impl SuccessiveHalvingValidParams {
    /// What each candidate is given in the first rung.
    pub fn min_budget(&self) -> usize {
        self.min_budget
    }
    /// The most a candidate is given.
    pub fn max_budget(&self) -> usize {
        self.max_budget
    }
    /// One in so many candidates goes on to so many times the budget.
    pub fn eta(&self) -> usize {
        self.eta
    }
}

/// Unchecked hyperparameters: the best third goes on to three times the budget, unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuccessiveHalvingParams(SuccessiveHalvingValidParams);

impl SuccessiveHalvingParams {
    /// The defaults, for budgets from `min_budget` (at least 1) to `max_budget`. The least should be enough to tell good
    /// candidates from bad ones: what it gets wrong is not put right later.
    pub fn new(min_budget: usize, max_budget: usize) -> Self {
        Self(SuccessiveHalvingValidParams { min_budget, max_budget, eta: 3 })
    }
    /// One in `eta` candidates goes on, to `eta` times the budget; 2 to 1,000. Higher is quicker and riskier.
    #[must_use]
    pub fn eta(mut self, eta: usize) -> Self {
        self.0.eta = eta;
        self
    }
}

impl ParamGuard for SuccessiveHalvingParams {
    type Checked = SuccessiveHalvingValidParams;
    type Error = SuccessiveHalvingParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let SuccessiveHalvingValidParams { min_budget, max_budget, eta } = self.0;
        if min_budget == 0 || min_budget > max_budget {
            return Err(SuccessiveHalvingParamsError::Budget { min: min_budget, max: max_budget });
        }
        if !(2..=1000).contains(&eta) {
            return Err(SuccessiveHalvingParamsError::Eta(eta));
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
    fn bad_values_are_refused_by_name() {
        let error = |params: SuccessiveHalvingParams| params.check().unwrap_err().to_string();
        assert_eq!(SuccessiveHalvingParams::new(1, 1).check().unwrap().eta(), 3);
        assert!(error(SuccessiveHalvingParams::new(0, 5)).starts_with("budgets from 0 to 5"));
        assert!(error(SuccessiveHalvingParams::new(6, 5)).starts_with("budgets from 6 to 5"));
        assert!(error(SuccessiveHalvingParams::new(1, 5).eta(1)).starts_with("eta is 1"));
    }
}
