//! Patterns in sentences.

use schemars::JsonSchema;
use serde::Serialize;

use super::pattern::{Consequent, Pattern};

/// Patterns a report tells of one by one.
pub(crate) const PATTERNS_TOLD: usize = 8;
/// Frequent ones it names.
pub(crate) const FREQUENT_TOLD: usize = 20;
/// Patterns of a kind, and blocks, that it holds.
pub(crate) const PATTERNS_MAX: usize = 500;

/// Something frequent.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FrequentPattern {
    /// It in words.
    pub words: String,
    /// Share of sessions that have it.
    pub support: f64,
}

/// The most frequent of these, the most frequent first.
pub(crate) fn frequent(of: &[(String, f64)]) -> Vec<FrequentPattern> {
    let most = of.iter().take(FREQUENT_TOLD);
    most.map(|(words, support)| FrequentPattern { words: words.clone(), support: *support }).collect()
}

/// One sentence each, at most so many.
pub(crate) fn lines(patterns: &[Pattern], most: usize) -> impl Iterator<Item = String> + '_ {
    patterns.iter().take(most).map(sentence)
}

fn sentence(pattern: &Pattern) -> String {
    let effect = &pattern.effect;
    let what = match &pattern.consequent {
        Consequent::Success => "succeed".to_owned(),
        Consequent::Failure => "fail".to_owned(),
        Consequent::Rule(rule) => format!("use {rule}"),
    };
    format!(
        "{}: {:.0} % {what}, {:.0} % of {} without ({:+.2}, {:+.2} to {:+.2}).",
        pattern.words,
        100.0 * effect.rate,
        100.0 * effect.baseline_rate,
        effect.compared_with,
        effect.difference,
        effect.low,
        effect.high
    )
}
