//! Patterns in sentences.

use super::pattern::{Consequent, Pattern};

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
