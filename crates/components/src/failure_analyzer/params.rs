//! The analyzer's configuration section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::Invalid;
use souffleur_core::params::{Hyperparams, within};

/// How failures are learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Trees of the isolation forest, 10 to 1000.
    pub forest_trees: usize,
    /// Rows each of these trees is grown from, 16 to 4096.
    pub forest_sample_rows: usize,
    /// Rounds of gradient boosting, 10 to 1000.
    pub boosting_rounds: usize,
    /// Step of each round, 0.01 to 0.5.
    pub learning_rate: f64,
    /// Depth of the boosted trees, 1 to 8.
    pub max_depth: u32,
    /// Folds of the cross-validation that calibration and held-out figures come from, 2 to 10.
    pub folds: usize,
    /// Highest share of successful sessions that may be flagged as failures, 0.001 to 0.5.
    pub false_positive_rate_max: f64,
    /// Past failures kept to be compared with, the newest ones, 1 to 1000000.
    pub kept_failures: usize,
    /// Probability of ruling out the true outcome that conformal prediction may have, 0.001 to 0.5.
    pub alpha: f64,
    /// Failures that modes are looked for in, the newest ones, 100 to 50000.
    pub mode_failures: usize,
    /// Sessions a rule must have been applied in to be judged, 20 to 1000000.
    pub rule_uses_minimum: usize,
    /// Least reduction of the probability of failure that is worth advising a rule for, 0 to 0.5.
    pub advice_reduction_minimum: f64,
    /// Similar failures named in an answer unless the query says otherwise, 0 to 100.
    pub neighbors: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            forest_trees: 100,
            forest_sample_rows: 256,
            boosting_rounds: 150,
            learning_rate: 0.05,
            max_depth: 4,
            folds: 5,
            false_positive_rate_max: 0.14,
            kept_failures: 20_000,
            alpha: 0.1,
            mode_failures: 5_000,
            rule_uses_minimum: 100,
            advice_reduction_minimum: 0.005,
            neighbors: 5,
        }
    }
}

/// The section.
const NAME: &str = "failure_analyzer";

impl Hyperparams for Params {
    type Checked = Params;

    fn check(self) -> Result<Params, Invalid> {
        within(NAME, "forest_trees", &self.forest_trees, 10, 1000)?;
        within(NAME, "forest_sample_rows", &self.forest_sample_rows, 16, 4096)?;
        within(NAME, "boosting_rounds", &self.boosting_rounds, 10, 1000)?;
        within(NAME, "learning_rate", &self.learning_rate, 0.01, 0.5)?;
        within(NAME, "max_depth", &self.max_depth, 1, 8)?;
        within(NAME, "folds", &self.folds, 2, 10)?;
        within(NAME, "false_positive_rate_max", &self.false_positive_rate_max, 0.001, 0.5)?;
        within(NAME, "kept_failures", &self.kept_failures, 1, 1_000_000)?;
        within(NAME, "alpha", &self.alpha, 0.001, 0.5)?;
        within(NAME, "mode_failures", &self.mode_failures, 100, 50_000)?;
        within(NAME, "rule_uses_minimum", &self.rule_uses_minimum, 20, 1_000_000)?;
        within(NAME, "advice_reduction_minimum", &self.advice_reduction_minimum, 0.0, 0.5)?;
        within(NAME, "neighbors", &self.neighbors, 0, 100)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_is_told_its_range() {
        let params = Params { folds: 1, ..Params::default() };
        let error = params.check().unwrap_err().to_string();
        assert_eq!(error, "components.failure_analyzer.folds: is 1; it must lie in [2, 10]");
        let nan = Params { learning_rate: f64::NAN, ..Params::default() };
        assert!(nan.check().is_err());
    }
}
