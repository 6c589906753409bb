//! Hyperparameters of logistic regression.

use linfa::ParamGuard;

use super::LogisticRegressionParamsError;

/// Checked hyperparameters of [`LogisticRegression`](super::LogisticRegression); made by [`LogisticRegressionParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogisticRegressionValidParams {
    l2: f64,
    tolerance: f64,
    max_steps: usize,
}

impl LogisticRegressionValidParams {
    /// Penalty on the squared coefficients.
    pub fn l2(&self) -> f64 {
        self.l2
    }
    /// Largest component that the gradient of the mean loss may keep.
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }
    /// Most Newton steps.
    pub fn max_steps(&self) -> usize {
        self.max_steps
    }
}

/// Unchecked hyperparameters: penalty 1, tolerance 1e-8 and 100 steps, unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogisticRegressionParams(LogisticRegressionValidParams);

impl Default for LogisticRegressionParams {
    fn default() -> Self {
        Self(LogisticRegressionValidParams { l2: 1.0, tolerance: 1e-8, max_steps: 100 })
    }
}

impl LogisticRegressionParams {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }
    /// Penalty: `l2 / 2` times the sum of squared coefficients is added to the summed loss; above 0.
    #[must_use]
    pub fn l2(mut self, l2: f64) -> Self {
        self.0.l2 = l2;
        self
    }
    /// Largest component that the gradient of the mean loss may keep; above 0, at most .1.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.0.tolerance = tolerance;
        self
    }
    /// Most Newton steps, 1 to 1,000; about six are needed.
    #[must_use]
    pub fn max_steps(mut self, max_steps: usize) -> Self {
        self.0.max_steps = max_steps;
        self
    }
}

impl ParamGuard for LogisticRegressionParams {
    type Checked = LogisticRegressionValidParams;
    type Error = LogisticRegressionParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        if !(params.l2 > 0.0 && params.l2.is_finite()) {
            return Err(LogisticRegressionParamsError::L2(params.l2));
        }
        if !(params.tolerance > 0.0 && params.tolerance <= 0.1) {
            return Err(LogisticRegressionParamsError::Tolerance(params.tolerance));
        }
        if !(1..=1000).contains(&params.max_steps) {
            return Err(LogisticRegressionParamsError::Steps(params.max_steps));
        }
        Ok(params)
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
        let new = LogisticRegressionParams::new;
        let error = |params: LogisticRegressionParams| params.check().unwrap_err().to_string();
        assert!(new().check().is_ok());
        assert!(error(new().l2(0.0)).starts_with("l2 is 0"));
        assert!(error(new().tolerance(f64::NAN)).starts_with("tolerance is NaN"));
        assert!(error(new().max_steps(0)).starts_with("max_steps is 0"));
    }
}
