//! Lengths and ranges every record is held to.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    BeforeMetrics, Feedback, FeedbackEntry, MetricPoint, Rule, RuleApplication, Session, TrainingPrompt, Validate,
};
use crate::error::Invalid;

/// The largest sizes a record may have.
pub mod limits {
    /// Bytes of a prompt.
    pub const PROMPT_BYTES: usize = 1 << 20;
    /// Bytes of a name (session, rule, metric, tag).
    pub const NAME_BYTES: usize = 256;
    /// Bytes of a short text (feedback, description, tag value).
    pub const TEXT_BYTES: usize = 64 << 10;
    /// Rules in a session.
    pub const RULES: usize = 256;
    /// Feedback entries in a session.
    pub const FEEDBACK: usize = 1024;
    /// Tags, parameters or areas in one record.
    pub const ENTRIES: usize = 64;
    /// People in a team.
    pub const TEAM_SIZE: u32 = 1_000_000;
}

fn invalid(at: &str, problem: impl Into<String>, expected: impl Into<String>) -> Result<(), Invalid> {
    Err(Invalid::new(at, problem, expected))
}

fn name(at: &str, value: &str) -> Result<(), Invalid> {
    if value.trim().is_empty() {
        return invalid(at, "is empty", "write a name");
    }
    if value.len() > limits::NAME_BYTES {
        let problem = format!("has {} bytes", value.len());
        return invalid(at, problem, format!("at most {} are allowed", limits::NAME_BYTES));
    }
    if value.chars().any(char::is_control) {
        return invalid(at, "contains a control character", "write a printable name");
    }
    Ok(())
}

fn text(at: &str, value: &str, most_bytes: usize) -> Result<(), Invalid> {
    if value.len() > most_bytes {
        return invalid(at, format!("has {} bytes", value.len()), format!("at most {most_bytes} are allowed"));
    }
    Ok(())
}

fn range(at: &str, value: Option<f64>, low: f64, high: f64) -> Result<(), Invalid> {
    match value {
        Some(v) if !(low..=high).contains(&v) => {
            invalid(at, format!("is {v}"), format!("it must lie in [{low}, {high}]"))
        }
        _ => Ok(()),
    }
}

fn count(at: &str, have: usize, most: usize) -> Result<(), Invalid> {
    if have > most {
        return invalid(at, format!("has {have} entries"), format!("at most {most} are allowed"));
    }
    Ok(())
}

fn entries(at: &str, map: &BTreeMap<String, Value>, scalars_only: bool) -> Result<(), Invalid> {
    count(at, map.len(), limits::ENTRIES)?;
    for (key, value) in map {
        name(at, key)?;
        match value {
            Value::String(s) => {
                text(key, s, limits::TEXT_BYTES).map_err(|e| Invalid { at: format!("{at}.{key}"), ..e })?;
            }
            Value::Array(_) | Value::Object(_) if scalars_only => {
                return invalid(&format!("{at}.{key}"), "is a list or an object", "write a text, number or boolean");
            }
            Value::Array(_) | Value::Object(_) => {
                text(&format!("{at}.{key}"), &value.to_string(), limits::TEXT_BYTES)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn rating(at: &str, value: u8) -> Result<(), Invalid> {
    if !(1..=5).contains(&value) {
        return invalid(at, format!("is {value}"), "a rating is a whole number from 1 to 5");
    }
    Ok(())
}

fn opinion(at: &str, words: Option<&str>, areas: &[String]) -> Result<(), Invalid> {
    if let Some(words) = words {
        text(&format!("{at}text"), words, limits::TEXT_BYTES)?;
    }
    count(&format!("{at}areas"), areas.len(), limits::ENTRIES)?;
    areas.iter().try_for_each(|area| name(&format!("{at}areas"), area))
}

fn prompt(at: &str, value: &str) -> Result<(), Invalid> {
    if value.trim().is_empty() {
        return invalid(at, "is empty", "write the prompt's text");
    }
    text(at, value, limits::PROMPT_BYTES)
}

impl Validate for BeforeMetrics {
    fn validate(&self) -> Result<(), Invalid> {
        for (field, value) in [
            ("before_metrics.overall_score", self.overall_score),
            ("before_metrics.clarity", self.clarity),
            ("before_metrics.completeness", self.completeness),
            ("before_metrics.actionability", self.actionability),
            ("before_metrics.effectiveness", self.effectiveness),
        ] {
            range(field, value, 0.0, 1.0)?;
        }
        Ok(())
    }
}

fn rule_application(index: usize, rule: &RuleApplication) -> Result<(), Invalid> {
    rule.validate().map_err(|e| Invalid::new(format!("rules[{index}].{}", e.at), e.problem, e.expected))
}

fn feedback_entry(index: usize, entry: &FeedbackEntry) -> Result<(), Invalid> {
    rating(&format!("feedback[{index}].rating"), entry.rating)?;
    opinion(&format!("feedback[{index}]."), entry.text.as_deref(), &entry.areas)
}

impl Validate for Session {
    fn validate(&self) -> Result<(), Invalid> {
        if let Some(id) = &self.session_id {
            name("session_id", id)?;
        }
        prompt("original_prompt", &self.original_prompt)?;
        if let Some(improved) = &self.improved_prompt {
            text("improved_prompt", improved, limits::PROMPT_BYTES)?;
        }
        for (field, value) in [("project_type", &self.project_type), ("domain", &self.domain)] {
            if let Some(value) = value {
                name(field, value)?;
            }
        }
        if let Some(n) = self.team_size
            && n > limits::TEAM_SIZE
        {
            return invalid("team_size", format!("is {n}"), format!("at most {} is allowed", limits::TEAM_SIZE));
        }
        if let Some(before) = &self.before_metrics {
            before.validate()?;
        }
        range("quality_score", self.quality_score, 0.0, 1.0)?;
        range("improvement_score", self.improvement_score, -1.0, 1.0)?;
        count("rules", self.rules.len(), limits::RULES)?;
        self.rules.iter().enumerate().try_for_each(|(i, rule)| rule_application(i, rule))?;
        count("feedback", self.feedback.len(), limits::FEEDBACK)?;
        self.feedback.iter().enumerate().try_for_each(|(i, entry)| feedback_entry(i, entry))?;
        entries("tags", &self.tags, true)
    }
}

impl Validate for RuleApplication {
    fn validate(&self) -> Result<(), Invalid> {
        name("rule_id", &self.rule_id)?;
        if let Some(parameters) = &self.parameters {
            entries("parameters", parameters, false)?;
        }
        range("improvement_score", self.improvement_score, -1.0, 1.0)?;
        range("confidence", self.confidence, 0.0, 1.0)?;
        range("execution_time_ms", self.execution_time_ms, 0.0, 1e12)?;
        range("propensity", self.propensity, f64::MIN_POSITIVE, 1.0).map_err(|e| {
            Invalid::new(e.at, e.problem, "a propensity is a probability in (0, 1]; leave it out if unknown")
        })
    }
}

impl Validate for Feedback {
    fn validate(&self) -> Result<(), Invalid> {
        name("session_id", &self.session_id)?;
        rating("rating", self.rating)?;
        opinion("", self.text.as_deref(), &self.areas)
    }
}

impl Validate for Rule {
    fn validate(&self) -> Result<(), Invalid> {
        name("rule_id", &self.rule_id)?;
        if let Some(description) = &self.description {
            text("description", description, limits::TEXT_BYTES)?;
        }
        if let Some(category) = &self.category {
            name("category", category)?;
        }
        match &self.default_parameters {
            Some(parameters) => entries("default_parameters", parameters, false),
            None => Ok(()),
        }
    }
}

impl Validate for MetricPoint {
    fn validate(&self) -> Result<(), Invalid> {
        name("metric", &self.metric)?;
        name("subject", &self.subject)?;
        if !self.value.is_finite() {
            return invalid("value", format!("is {}", self.value), "a metric is a finite number");
        }
        Ok(())
    }
}

impl Validate for TrainingPrompt {
    fn validate(&self) -> Result<(), Invalid> {
        name("provenance", &self.provenance)?;
        self.session.validate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &str) {
        let session: Session = serde_json::from_str(json).unwrap();
        let error = session.validate().unwrap_err().to_string();
        assert_eq!(error, expected);
    }

    #[test]
    fn says_where_what_and_what_would_be_right() {
        check(r#"{"original_prompt":" "}"#, "original_prompt: is empty; write the prompt's text");
        check(
            r#"{"original_prompt":"a","rules":[{"rule_id":"r"},{"rule_id":"s","propensity":0}]}"#,
            "rules[1].propensity: is 0; a propensity is a probability in (0, 1]; leave it out if unknown",
        );
        check(
            r#"{"original_prompt":"a","feedback":[{"rating":6}]}"#,
            "feedback[0].rating: is 6; a rating is a whole number from 1 to 5",
        );
        check(r#"{"original_prompt":"a","quality_score":1.5}"#, "quality_score: is 1.5; it must lie in [0, 1]");
        check(
            r#"{"original_prompt":"a","tags":{"k":[1]}}"#,
            "tags.k: is a list or an object; write a text, number or boolean",
        );
    }

    #[test]
    fn an_unknown_field_is_refused_by_name() {
        let error = serde_json::from_str::<Session>(r#"{"original_prompt":"a","qualty":1}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `qualty`"), "{error}");
    }

    #[test]
    fn only_the_prompt_is_required_and_null_is_absent() {
        let json = r#"{"original_prompt":"a","rules":null,"feedback":null,"tags":null,"domain":null}"#;
        let session: Session = serde_json::from_str(json).unwrap();
        assert_eq!(session, Session { original_prompt: "a".into(), ..Session::default() });
        assert_eq!(session.validate(), Ok(()));
    }
}
