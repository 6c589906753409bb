//! What happened: the records users and components append.
//!
//! These are the shapes of the HTTP bodies and of an imported line as well; unknown fields are refused by name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error::Invalid;
use crate::time::Timestamp;

mod complexity;
mod validate;

pub use complexity::Complexity;
pub use validate::limits;

/// One prompt somebody improved: its text, its context, the rules applied and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Unique name; one is given if absent. A session sent again under the same name is not stored twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The prompt before improvement.
    pub original_prompt: String,
    /// The prompt after improvement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub improved_prompt: Option<String>,
    /// When it happened; the time of arrival if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Timestamp>,
    /// What is being built: web, mobile, desktop, api, ml, data; anything else counts as other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_type: Option<String>,
    /// The field: finance, healthcare, education, ecommerce, gaming, social; anything else counts as other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// How demanding the task is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complexity: Option<Complexity>,
    /// How many people work on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_size: Option<u32>,
    /// Scores of the prompt before improvement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_metrics: Option<BeforeMetrics>,
    /// The rules applied, in order.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleApplication>,
    /// Quality of the outcome, in [0, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality_score: Option<f64>,
    /// How much better the outcome was, in [-1, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub improvement_score: Option<f64>,
    /// What users thought of it.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub feedback: Vec<FeedbackEntry>,
    /// Anything else worth keeping: short texts, numbers, booleans.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, Value>,
}

/// Scores of a prompt before it was improved, each in [0, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BeforeMetrics {
    /// The overall score.
    pub overall_score: Option<f64>,
    /// How clear it is.
    pub clarity: Option<f64>,
    /// How complete it is.
    pub completeness: Option<f64>,
    /// How actionable it is.
    pub actionability: Option<f64>,
    /// How effective it is.
    pub effectiveness: Option<f64>,
}

/// One rule applied to a prompt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleApplication {
    /// The rule's name; a rule not seen before is registered under it.
    pub rule_id: String,
    /// The parameters it was applied with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, Value>>,
    /// How much better it made the prompt, in [-1, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub improvement_score: Option<f64>,
    /// How sure the rule was, in [0, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_time_ms: Option<f64>,
    /// Probability with which the policy chose it, in (0, 1]; absent if not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propensity: Option<f64>,
    /// When it was applied; the time of the session if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Timestamp>,
}

/// A user's opinion inside a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedbackEntry {
    /// From 1 (bad) to 5 (good).
    pub rating: u8,
    /// In the user's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What should be better.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<String>,
    /// When it was given; the time of the session if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Timestamp>,
}

/// A user's opinion of a session that is already stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    /// The session it is about.
    pub session_id: String,
    /// From 1 (bad) to 5 (good).
    pub rating: u8,
    /// In the user's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What should be better.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<String>,
    /// When it was given; the time of arrival if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Timestamp>,
}

/// A rule that can be applied to prompts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The rule's name.
    pub rule_id: String,
    /// What it does, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What kind of rule it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Order in which rules are tried where nothing is known: lower is earlier.
    #[serde(default)]
    pub priority: i32,
    /// Parameters it has when none are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_parameters: Option<BTreeMap<String, Value>>,
}

/// One measurement of something the runtime or a user watches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricPoint {
    /// What is measured, with its unit last (`train_duration_ms`).
    pub metric: String,
    /// The component or other subject it was measured on.
    pub subject: String,
    /// The value; finite.
    pub value: f64,
    /// When it was measured; the time of arrival if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Timestamp>,
}

/// A made-up session, kept apart from the real ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainingPrompt {
    /// Where it came from: the generator's name, version and seed.
    pub provenance: String,
    /// The session it pretends to be.
    pub session: Session,
}

/// A label in [0, 1] for how well a session went, from the best evidence there is: the mean rating
/// (1 is 0, 5 is 1), else the quality score, else the improvement score where it is positive.
/// `NaN` arguments mean "unknown"; the result is `NaN` if nothing is known.
#[must_use]
pub fn success_score(mean_rating: f64, quality_score: f64, improvement_score: f64) -> f64 {
    if !mean_rating.is_nan() {
        ((mean_rating - 1.0) / 4.0).clamp(0.0, 1.0)
    } else if !quality_score.is_nan() {
        quality_score.clamp(0.0, 1.0)
    } else {
        improvement_score.clamp(0.0, 1.0)
    }
}

/// Below this success score a session counts as failed, from it on as successful.
pub const FAILURE_BELOW: f64 = 0.5;

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Something a value can be checked against before it is accepted.
pub trait Validate {
    /// Checks lengths and ranges.
    ///
    /// # Errors
    /// The first value that is out of its range.
    fn validate(&self) -> Result<(), Invalid>;
}
