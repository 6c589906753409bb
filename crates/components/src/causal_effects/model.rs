//! What was learnt.

use serde::{Deserialize, Serialize};
use souffleur_algorithms::causal_effects::ConditionalEffects;
use souffleur_algorithms::logistic::LogisticRegression;

use super::params::Outcome;
use super::report::{Comparison, Effect, Evidence, Refused, Verdict};

/// The effects of all rules that can be judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub(super) outcome: Outcome,
    pub(super) rules: Vec<KnownRule>,
    pub(super) refused: Vec<Refused>,
}

/// What is known of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct KnownRule {
    pub(super) rule_id: String,
    pub(super) compared_with: Comparison,
    pub(super) average: Effect,
    pub(super) q_value: f64,
    pub(super) verdict: Verdict,
    pub(super) evidence: Evidence,
    /// The effect by the 31 features.
    pub(super) conditional: ConditionalEffects,
    /// How probable the rule is, by the same.
    pub(super) chosen: LogisticRegression,
}
