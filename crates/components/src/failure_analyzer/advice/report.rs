//! What is known of rules against failures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the probability with which a rule was chosen comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// It was logged when the rule was chosen.
    Logged,
    /// It is estimated from the features by logistic regression: what else led to the choice may explain the effect.
    Estimated,
}

/// What a rule does to the probability of failure, on average.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RuleEffect {
    /// The rule.
    pub rule_id: String,
    /// Sessions in which it was applied first.
    pub uses: usize,
    /// Where the probabilities of its choice come from.
    pub evidence: Evidence,
    /// Share of the sessions that are like those that got it; only there it is judged.
    pub overlap: f64,
    /// By how much it moves the probability of failure against what is usually done, in [-1, 1]: below 0 it helps.
    pub effect: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end of its 95 % interval.
    pub high: f64,
    /// Share of the sessions for which it would be advised, in [0, 1].
    pub advised_share: f64,
}

/// A rule whose effect cannot be told.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Refused {
    /// The rule.
    pub rule_id: String,
    /// Why not.
    pub reason: String,
}

/// What would have happened had the advice been followed: doubly robust, on sessions the advice was not learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Preventable {
    /// Where the probabilities of the rules' choice come from; estimated if those of any advised rule are. Then all figures
    /// hold only if nothing beside the features led both to the choice and to the outcome.
    pub evidence: Evidence,
    /// Sessions looked at.
    pub sessions: usize,
    /// Those for which a rule would have been advised.
    pub advised: usize,
    /// Those of them in which just that rule was applied.
    pub followed: usize,
    /// Failures there were.
    pub failures: usize,
    /// Failures that would not have been, in expectation.
    pub prevented: f64,
    /// Lower end of its 95 % interval.
    pub prevented_low: f64,
    /// Upper end of its 95 % interval.
    pub prevented_high: f64,
    /// Share of failures as it was, in [0, 1].
    pub failure_rate: f64,
    /// Share of failures there would have been.
    pub failure_rate_advised: f64,
    /// Prevented failures as a share of all failures.
    pub reduction: f64,
}

/// All that is known of rules against failures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct AdviceReport {
    /// What each rule does on average, the most helpful first.
    pub rules: Vec<RuleEffect>,
    /// Rules whose effect cannot be told, and why.
    pub refused: Vec<Refused>,
    /// What following the advice would have prevented; nothing if that cannot be told.
    pub preventable: Option<Preventable>,
    /// Why it cannot be told, if so.
    pub reason: Option<String>,
}
