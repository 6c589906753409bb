//! A pattern as reports tell it and as other components read it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::ids::Seq;

use super::action::Action;
use crate::bridge::matched::{Bits, Circumstance};

/// Two patterns whose sessions have at least this Jaccard index say the same: the less sure one is left out.
pub(crate) const SAME_JACCARD: f64 = 0.5;

/// What a pattern was seen in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Rules and context of a session.
    Association,
    /// The order of rules.
    Sequence,
    /// The structure of prompt and rules.
    Structure,
    /// What one miner saw under a circumstance that another one knows.
    Combined,
}

/// What sessions with the pattern have more often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consequent {
    /// Success.
    Success,
    /// Failure.
    Failure,
    /// This rule.
    Rule(String),
}

/// By how much more often, compared with sessions like them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    /// Sessions with the pattern that were compared.
    pub sessions: u64,
    /// Sessions without it that they were compared with.
    pub compared_with: u64,
    /// Share with the consequent among the sessions with it.
    pub rate: f64,
    /// Share with the consequent among those they were compared with.
    pub baseline_rate: f64,
    /// The difference of the two.
    pub difference: f64,
    /// Lower end of its interval, wide enough for this pattern to have been chosen among all compared: of all intervals told,
    /// at most the share `fdr` are expected to miss the truth (Benjamini & Yekutieli 2005).
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
    /// Probability of so large a difference where there is none, before correction.
    pub p_value: f64,
    /// The false discovery rate at which it would just be found, among all that was compared.
    pub false_discovery_rate: f64,
}

/// How strong the pattern is as an association rule, over all sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Strength {
    /// Share of all sessions that have the pattern and its consequent.
    pub support: f64,
    /// Share with the consequent among all sessions with the pattern.
    pub confidence: f64,
    /// Confidence by the share of all sessions with the consequent; 1 if independent.
    pub lift: f64,
    /// Share of all sessions with both beyond what is expected if independent.
    pub leverage: f64,
    /// How many times as often the pattern would be wrong by chance; nothing where it never is.
    pub conviction: Option<f64>,
}

impl Strength {
    /// From counts: all sessions, those with the pattern, with the consequent, with both.
    pub(crate) fn of(all: usize, pattern: usize, consequent: usize, both: usize) -> Self {
        let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
        let (confidence, base) = (share(both, pattern), share(consequent, all));
        Self {
            support: share(both, all),
            confidence,
            lift: confidence / base.max(f64::MIN_POSITIVE),
            leverage: share(both, all) - share(pattern, all) * base,
            conviction: (both < pattern).then(|| (1.0 - base) / (1.0 - confidence)),
        }
    }
}

/// Something that goes with success, with failure, or with the use of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pattern {
    /// It in words.
    pub words: String,
    /// What it was seen in.
    pub kind: Kind,
    /// Where: all of these hold before any rule is applied. Columns are those of the 31 features, counted from 0.
    pub circumstances: Vec<Circumstance>,
    /// What is done.
    pub action: Action,
    /// What it goes with.
    pub consequent: Consequent,
    /// By how much.
    pub effect: Effect,
    /// As an association rule.
    pub strength: Strength,
    /// Sessions that have it.
    pub rows_in_all: usize,
    /// The newest of them, by their place in the history.
    pub rows: Vec<Seq>,
}

impl Pattern {
    /// Whether it says what to do, or to leave: it names rules, and something known beforehand is all it takes.
    #[must_use]
    pub fn is_actionable(&self) -> bool {
        !self.action.rules().is_empty() && !matches!(self.consequent, Consequent::Rule(_))
    }
}

/// Where and what, in words.
pub(crate) fn phrase(circumstances: &[Circumstance], action: &Action) -> String {
    let mut parts: Vec<String> = circumstances.iter().map(|c| c.words(&[])).collect();
    let rules = action.words();
    if !rules.is_empty() {
        parts.push(rules);
    }
    parts.join(", ")
}

/// What a miner saw often, from which others put patterns together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Blocks {
    /// What is often done, the most often first.
    pub actions: Vec<Action>,
    /// Where sessions often are, the most often first.
    pub circumstances: Vec<Circumstance>,
}

/// A pattern with the sessions that have it.
pub(crate) struct Known {
    pub(crate) pattern: Pattern,
    pub(crate) sessions: Bits,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_is_that_of_the_textbooks() {
        let found = Strength::of(100, 20, 50, 15);
        let (support, confidence, lift) = (found.support, found.confidence, found.lift);
        assert_eq!((support, confidence, lift, found.conviction), (0.15, 0.75, 1.5, Some(2.0)));
        assert!((found.leverage - 0.05).abs() < 1e-12);
        assert_eq!(Strength::of(100, 20, 50, 20).conviction, None);
    }
}
