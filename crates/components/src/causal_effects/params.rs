//! The configuration section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::Invalid;
use souffleur_core::params::{Hyperparams, within};

/// What a rule's effect is an effect on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// How well the session went by the best evidence there is, in [0, 1].
    #[default]
    Success,
    /// The quality of the outcome, in [0, 1].
    Quality,
    /// How much better the outcome was, in [-1, 1].
    Improvement,
    /// Whether the session failed: 1 or 0. A rule helps where its effect is below 0.
    Failure,
}

/// How effects are estimated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// What effects are measured on: `success`, `quality`, `improvement` or `failure`.
    pub outcome: Outcome,
    /// Sessions learnt from, the newest ones, 200 to 200000.
    pub sessions_max: usize,
    /// Sessions in which a rule must have been applied, and as many in which it must not, to be judged; 20 to 1000000.
    pub rule_uses_minimum: usize,
    /// Rules judged, those applied most often, 1 to 64.
    pub rules_max: usize,
    /// Parts the sessions are dealt into: each is judged by what is learnt from the others; 2 to 20.
    pub folds: usize,
    /// A session is not compared where the probability of the rule is below this or above 1 less this; 0.001 to 0.2.
    pub trim: f64,
    /// Share of the sessions, of those with the rule and of those without it, that must be comparable; 0 to 1.
    pub overlap_minimum: f64,
    /// Times each attempt to refute an effect is repeated; 0 for none, at most 100.
    pub refuter_repeats: usize,
    /// Share of wrong findings allowed among the rules said to work or to harm (false discovery rate), 0.001 to 0.5.
    pub fdr: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            outcome: Outcome::default(),
            sessions_max: 20_000,
            rule_uses_minimum: 50,
            rules_max: 16,
            folds: 5,
            trim: 0.01,
            overlap_minimum: 0.5,
            refuter_repeats: 5,
            fdr: 0.05,
        }
    }
}

/// The section.
const NAME: &str = "causal_effects";

impl Hyperparams for Params {
    type Checked = Params;

    fn check(self) -> Result<Params, Invalid> {
        within(NAME, "sessions_max", &self.sessions_max, 200, 200_000)?;
        within(NAME, "rule_uses_minimum", &self.rule_uses_minimum, 20, 1_000_000)?;
        within(NAME, "rules_max", &self.rules_max, 1, 64)?;
        within(NAME, "folds", &self.folds, 2, 20)?;
        within(NAME, "trim", &self.trim, 0.001, 0.2)?;
        within(NAME, "overlap_minimum", &self.overlap_minimum, 0.0, 1.0)?;
        within(NAME, "refuter_repeats", &self.refuter_repeats, 0, 100)?;
        within(NAME, "fdr", &self.fdr, 0.001, 0.5)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_is_told_its_range() {
        let error = Params { folds: 1, ..Params::default() }.check().unwrap_err().to_string();
        assert_eq!(error, "components.causal_effects.folds: is 1; it must lie in [2, 20]");
        assert!(Params { trim: f64::NAN, ..Params::default() }.check().is_err());
        assert!(Params::default().check().is_ok());
    }
}
