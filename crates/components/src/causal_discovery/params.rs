//! The component's configuration section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::Invalid;
use souffleur_core::params::{Hyperparams, within};

/// What is counted as dependence: `linear` is what shows in correlations, `nonlinear` any form, which takes
/// far longer and looks at 2000 sessions at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// What shows in correlations: more of one goes with more, or with less, of the other.
    #[default]
    Linear,
    /// Dependence of any form. Takes far longer: at most 2000 sessions are looked at.
    Nonlinear,
}

/// How the causal graph is looked for, and what is known of it beforehand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Whether something that is not recorded may act on two variables. If so, an edge says "acts on" only where
    /// no such thing can stand for it, and other edges say what they may stand for. If not, it is taken for
    /// certain that there is none.
    pub hidden: bool,
    /// What is counted as dependence.
    pub test: Test,
    /// Level of the independence tests, 0.000001 to 0.5: with a lower one, fewer edges are found by chance and more are missed.
    pub alpha: f64,
    /// Most variables that a test holds fixed, 0 to 8. Time grows with its power.
    pub condition_max: usize,
    /// Resamples of the sessions that the confidence of the edges is counted in, 1 to 10000.
    pub resamples: usize,
    /// Most sessions that are looked at, evenly taken from all; 200 to 1000000.
    pub rows_max: usize,
    /// Fewest sessions with a rule, and fewest without it, for the rule to become a variable; 5 to 100000.
    pub support_minimum: usize,
    /// Most rules that become variables, the most frequent first; 1 to 200.
    pub rules_max: usize,
    /// What is known not to act on what: pairs of cause and effect. Time order is known without saying so.
    pub forbidden: Vec<(String, String)>,
    /// What is known to act on what: pairs of cause and effect.
    pub required: Vec<(String, String)>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            hidden: false,
            test: Test::Linear,
            alpha: 0.01,
            condition_max: 4,
            resamples: 50,
            rows_max: 50_000,
            support_minimum: 30,
            rules_max: 40,
            forbidden: Vec::new(),
            required: Vec::new(),
        }
    }
}

/// The section.
const NAME: &str = "causal_discovery";
/// Most pairs of one kind.
const PAIRS_MAX: usize = 1000;

impl Hyperparams for Params {
    type Checked = Params;

    fn check(self) -> Result<Params, Invalid> {
        within(NAME, "alpha", &self.alpha, 1e-6, 0.5)?;
        within(NAME, "condition_max", &self.condition_max, 0, 8)?;
        within(NAME, "resamples", &self.resamples, 1, 10_000)?;
        within(NAME, "rows_max", &self.rows_max, 200, 1_000_000)?;
        within(NAME, "support_minimum", &self.support_minimum, 5, 100_000)?;
        within(NAME, "rules_max", &self.rules_max, 1, 200)?;
        for (name, pairs) in [("forbidden", &self.forbidden), ("required", &self.required)] {
            within(NAME, &format!("{name} (pairs)"), &pairs.len(), 0, PAIRS_MAX)?;
            if let Some(at) = pairs.iter().position(|(cause, effect)| cause == effect) {
                let problem = format!("`{}` is said to act on itself", pairs[at].0);
                let at = format!("components.{NAME}.{name}[{at}]");
                return Err(Invalid::new(at, problem, "name two variables: the cause and its effect"));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_is_told_its_range() {
        let error = |params: Params| params.check().unwrap_err().to_string();
        let found = error(Params { alpha: f64::NAN, ..Params::default() });
        assert_eq!(found, "components.causal_discovery.alpha: is NaN; it must lie in [0.000001, 0.5]");
        let itself = vec![("domain".to_owned(), "domain".to_owned())];
        assert!(error(Params { required: itself, ..Params::default() }).contains("required[0]: `domain` is said to act on"));
    }
}
