//! Hyperparameters of the PC and FCI algorithms.

use linfa::ParamGuard;

use super::CausalDiscoveryParamsError;

/// Largest conditioning set that may be asked for.
const CONDITION_MAX: usize = 32;

/// Checks what both algorithms have in common.
fn check_tests(alpha: f64, max_condition: usize) -> Result<(), CausalDiscoveryParamsError> {
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(CausalDiscoveryParamsError::Alpha(alpha));
    }
    if max_condition > CONDITION_MAX {
        return Err(CausalDiscoveryParamsError::MaxCondition(max_condition));
    }
    Ok(())
}

/// What happens where two colliders want an edge to point both ways: a sign that a test erred, or of a hidden cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflicts {
    /// The later collider turns the edge, in the order of the variables.
    Overwrite,
    /// The earlier collider stays, in the order of the variables.
    KeepFirst,
    /// The collider stays whose outer variables are the surest to depend on each other given the middle one (Ramsey 2016,
    /// "Improving accuracy and scalability of the PC algorithm by maximizing p-value", in the form of uc-sepset).
    Strongest,
}

/// Checked hyperparameters of [`Pc`](super::Pc); made by [`PcParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PcValidParams {
    alpha: f64,
    max_condition: usize,
    conflicts: Conflicts,
}

impl PcValidParams {
    /// Level of the independence tests.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }
    /// Most variables that a test conditions on.
    pub fn max_condition(&self) -> usize {
        self.max_condition
    }
    /// What happens where colliders contradict each other.
    pub fn conflicts(&self) -> Conflicts {
        self.conflicts
    }
}

/// Unchecked hyperparameters: level .05, conditioning sets of at most 8 variables, the strongest collider stays, unless told
/// otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PcParams(PcValidParams);

impl Default for PcParams {
    fn default() -> Self {
        Self(PcValidParams { alpha: 0.05, max_condition: 8, conflicts: Conflicts::Strongest })
    }
}

impl PcParams {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }
    /// Level of the independence tests, above 0 and below 1: two variables count as independent where the p-value is above it.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.0.alpha = alpha;
        self
    }
    /// Most variables that a test conditions on, at most 32. The number of tests grows with its power.
    #[must_use]
    pub fn max_condition(mut self, max_condition: usize) -> Self {
        self.0.max_condition = max_condition;
        self
    }
    /// What happens where colliders contradict each other.
    #[must_use]
    pub fn conflicts(mut self, conflicts: Conflicts) -> Self {
        self.0.conflicts = conflicts;
        self
    }
}

impl ParamGuard for PcParams {
    type Checked = PcValidParams;
    type Error = CausalDiscoveryParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        check_tests(params.alpha, params.max_condition)?;
        Ok(params)
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

/// Checked hyperparameters of [`Fci`](super::Fci); made by [`FciParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FciValidParams {
    alpha: f64,
    max_condition: usize,
    max_path: usize,
    selection: bool,
}

impl FciValidParams {
    /// Level of the independence tests.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }
    /// Most variables that a test conditions on.
    pub fn max_condition(&self) -> usize {
        self.max_condition
    }
    /// Most edges of a path along which variables to condition on are looked for.
    pub fn max_path(&self) -> usize {
        self.max_path
    }
    /// Whether which rows there are may depend on the variables.
    pub fn selection(&self) -> bool {
        self.selection
    }
}

/// Unchecked hyperparameters: level .05, conditioning sets of at most 8 variables, along paths of any length, rows not selected, unless told
/// otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FciParams(FciValidParams);

impl Default for FciParams {
    fn default() -> Self {
        Self(FciValidParams { alpha: 0.05, max_condition: 8, max_path: usize::MAX, selection: false })
    }
}

impl FciParams {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }
    /// Level of the independence tests, above 0 and below 1: two variables count as independent where the p-value is above it.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.0.alpha = alpha;
        self
    }
    /// Most variables that a test conditions on, at most 32. The number of tests grows with its power: of all variables that paths lead to,
    /// not of those joined to a pair alone.
    #[must_use]
    pub fn max_condition(mut self, max_condition: usize) -> Self {
        self.0.max_condition = max_condition;
        self
    }
    /// Most edges of a path along which variables to condition on are looked for, at least 1. With 1, only those joined to a pair are:
    /// fast, and edges may be left over.
    #[must_use]
    pub fn max_path(mut self, max_path: usize) -> Self {
        self.0.max_path = max_path;
        self
    }
    /// Whether which rows there are may depend on the variables, directly or not.
    #[must_use]
    pub fn selection(mut self, selection: bool) -> Self {
        self.0.selection = selection;
        self
    }
}

impl ParamGuard for FciParams {
    type Checked = FciValidParams;
    type Error = CausalDiscoveryParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        check_tests(params.alpha, params.max_condition)?;
        if params.max_path == 0 {
            return Err(CausalDiscoveryParamsError::MaxPath(params.max_path));
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
        let error = |params: PcParams| params.check().unwrap_err().to_string();
        assert!(PcParams::new().check().is_ok());
        assert!(error(PcParams::new().alpha(0.0)).starts_with("alpha is 0"));
        assert!(error(PcParams::new().alpha(f64::NAN)).starts_with("alpha is NaN"));
        assert!(error(PcParams::new().max_condition(33)).starts_with("max_condition is 33"));
        let error = |params: FciParams| params.check().unwrap_err().to_string();
        assert!(FciParams::new().max_path(1).check().is_ok());
        assert!(error(FciParams::new().max_path(0)).starts_with("max_path is 0"));
        assert!(error(FciParams::new().alpha(1.0)).starts_with("alpha is 1"));
    }
}
