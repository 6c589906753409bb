//! Questions to whoever knows patterns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::ComponentError;
use souffleur_core::records::Session;

use super::pattern::{Consequent, Pattern};
use crate::bridge::asked;

/// Patterns an answer holds unless asked for more, and the most it holds.
const PATTERNS: usize = 10;
const PATTERNS_MAX: usize = 1000;

/// Which patterns are asked for: those that apply to one prompt, session or row of features, those that name a rule, or both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PatternQuery {
    /// The prompt's text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The prompt with its context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// The 31 features themselves, each in [0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<f32>>,
    /// A rule that the patterns must name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Most patterns wanted, 1 to 1000; 10 unless told otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// The patterns that apply.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PatternAnswer {
    /// How many apply.
    pub applying: usize,
    /// The greatest certain difference first.
    pub patterns: Vec<Pattern>,
}

/// Answers from the patterns known.
///
/// # Errors
/// Nothing was asked, more than one thing, or something out of range.
pub(crate) fn answer<'p>(
    known: impl Iterator<Item = &'p Pattern>,
    query: &PatternQuery,
) -> Result<PatternAnswer, ComponentError> {
    let PatternQuery { prompt, session, features, rule, limit } = query;
    let named = prompt.is_some() || session.is_some() || features.is_some();
    let bad = |why: String| Err(ComponentError::Query(why));
    if !named && rule.is_none() {
        return bad("nothing is asked for; name a `rule`, or give one of `prompt`, `session` and `features`".to_owned());
    }
    let limit = limit.unwrap_or(PATTERNS);
    if !(1..=PATTERNS_MAX).contains(&limit) {
        return bad(format!("`limit` is {limit}; it must lie in [1, {PATTERNS_MAX}]"));
    }
    let row = if named { Some(asked::row(prompt.as_deref(), session.as_ref(), features.as_deref())?) } else { None };
    let applies = |pattern: &&Pattern| {
        let there = row
            .as_ref()
            .is_none_or(|row| pattern.circumstances.iter().all(|c| c.holds(ndarray::ArrayView1::from(&row[..]), -1)));
        let names = |rule: &String| {
            pattern.action.rules().contains(&rule.as_str()) || pattern.consequent == Consequent::Rule(rule.clone())
        };
        there && rule.as_ref().is_none_or(names)
    };
    let mut found: Vec<&Pattern> = known.filter(applies).collect();
    found.sort_by(|a, b| b.effect.low.total_cmp(&a.effect.low).then_with(|| a.words.cmp(&b.words)));
    Ok(PatternAnswer { applying: found.len(), patterns: found.into_iter().take(limit).cloned().collect() })
}
