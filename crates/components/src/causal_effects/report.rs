//! What a training run found.

use schemars::JsonSchema;
pub use crate::bridge::verdict::Verdict;
use serde::{Deserialize, Serialize};

use super::params::Outcome;

/// What every rule does, in figures and in words.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// What a person should know, one sentence each.
    pub summary: Vec<String>,
    /// What effects are measured on.
    pub outcome: Outcome,
    /// Sessions whose outcome is known and that were learnt from.
    pub sessions: usize,
    /// Different prompts among them, by their features: sessions with equal features count as one source of evidence.
    pub prompts: usize,
    /// What may cause what, and what is adjusted for because of it.
    pub graph: CausalGraph,
    /// What each rule does, the surest first.
    pub rules: Vec<RuleEffect>,
    /// Rules whose effect cannot be told, and why.
    pub refused: Vec<Refused>,
}

/// What may cause what, by the order in which things are known.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CausalGraph {
    /// The nodes in layers, by time: whatever stands in an earlier layer may cause what stands in a later one.
    pub layers: Vec<Vec<String>>,
    /// Columns left out because they never change.
    pub constant: Vec<String>,
    /// What is adjusted for when the effect of a rule is estimated: all that may lead both to it and to the outcome
    /// (back-door criterion, Pearl 1995).
    pub adjusted_for: Vec<String>,
}

/// An effect as it looks, or as it was estimated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    /// The mean outcome with the rule less that without it.
    pub effect: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
}

/// What a rule does on average.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RuleEffect {
    /// The rule.
    pub rule_id: String,
    /// Sessions in which it was applied.
    pub uses: usize,
    /// What sessions with the rule are compared with.
    pub compared_with: Comparison,
    /// Sessions with it less sessions without it, as they are: what chose the rule is mixed in.
    pub naive: Effect,
    /// The effect with that taken out.
    pub debiased: Effect,
    /// The effect on the sessions that got the rule.
    pub on_treated: Effect,
    /// Probability of so large an effect where there is none.
    pub p_value: f64,
    /// The same, adjusted for how many rules were looked at (Benjamini & Hochberg 1995).
    pub q_value: f64,
    /// What may be said.
    pub verdict: Verdict,
    /// Where the probabilities of the rule's choice come from.
    pub propensities: Evidence,
    /// How alike sessions with and without it are.
    pub overlap: Overlap,
    /// Attempts to refute the effect.
    pub refuters: Vec<Attempt>,
    /// How strong an unmeasured cause would have to be.
    pub e_value: Option<Strength>,
}

/// What sessions with a rule are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Rules are applied side by side: sessions with the same other rules, but without this one.
    WithoutIt,
    /// Rules are chosen one instead of another: sessions in which whatever else was done.
    WhatElseWasDone,
}

/// Where the probabilities of a rule's choice come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// They were logged when it was chosen; those of sessions without it are estimated.
    Logged,
    /// They are estimated from what is adjusted for: what else led to the choice may explain the effect.
    Estimated,
}

/// How alike sessions with and without a rule are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Overlap {
    /// Share of the sessions that are comparable: the effect is that on these.
    pub comparable: f64,
    /// Least probability of the rule.
    pub propensity_least: f64,
    /// Greatest probability of the rule.
    pub propensity_greatest: f64,
    /// How many sessions those with the rule count for when weighted (Kish 1965).
    pub effective_with: f64,
    /// How many those without it count for.
    pub effective_without: f64,
    /// Largest difference in what is adjusted for, in standard deviations.
    pub imbalance: f64,
    /// The same after weighting.
    pub imbalance_weighted: f64,
}

/// An attempt to refute an effect.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Attempt {
    /// `placebo` (the rule is dealt out by chance), `random_common_cause` (a column of noise is adjusted for too) or `subset`
    /// (four fifths of the sessions).
    pub refuter: String,
    /// The effect that should be found.
    pub expected: f64,
    /// The mean effect found.
    pub found: f64,
    /// Whether these lie no further apart than half the width of the effect's interval.
    pub passed: bool,
}

/// The least strength, as a risk ratio with both choice and outcome, that an unmeasured cause would need (VanderWeele & Ding
/// 2017).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Strength {
    /// To explain the effect away.
    pub effect: f64,
    /// To move its interval to hold "no effect".
    pub interval: f64,
}

/// A rule whose effect cannot be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// The rule.
    pub rule_id: String,
    /// Why not.
    pub reason: String,
}
