//! Rows as diesel reads them, and how they become records again.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::Value;
use souffleur_core::component::Measurement;
use souffleur_core::ids::{DataVersion, Epoch, Seq};
use souffleur_core::records::{BeforeMetrics, Complexity, FeedbackEntry, Rule, RuleApplication, Session};
use souffleur_core::store::{Metrics, ModelRow, RunRow, RunState, StoreError};
use souffleur_core::time::Timestamp;

use crate::errors::unreadable;
use crate::schema;

fn parse<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable(what, error))
}

/// Reads a JSON column that may be null.
pub(crate) fn parse_optional<T: DeserializeOwned>(what: &str, text: Option<&str>) -> Result<Option<T>, StoreError> {
    text.map(|text| parse(what, text)).transpose()
}

/// A session's row, of either table.
#[derive(Queryable)]
pub(crate) struct SessionRow {
    pub(crate) seq: i64,
    event_time: i64,
    session_id: String,
    project_type: Option<String>,
    domain: Option<String>,
    complexity: Option<String>,
    team_size: Option<i64>,
    before_overall_score: Option<f64>,
    before_clarity: Option<f64>,
    before_completeness: Option<f64>,
    before_actionability: Option<f64>,
    before_effectiveness: Option<f64>,
    quality_score: Option<f64>,
    improvement_score: Option<f64>,
    tags: Option<String>,
    original_prompt: String,
    improved_prompt: Option<String>,
}

impl SessionRow {
    /// The session without its rules and feedback.
    pub(crate) fn into_session(self) -> Result<Session, StoreError> {
        let before = BeforeMetrics {
            overall_score: self.before_overall_score,
            clarity: self.before_clarity,
            completeness: self.before_completeness,
            actionability: self.before_actionability,
            effectiveness: self.before_effectiveness,
        };
        let complexity = match self.complexity {
            Some(word) => Some(
                Complexity::parse(&word).ok_or_else(|| unreadable("session", format_args!("complexity `{word}`")))?,
            ),
            None => None,
        };
        Ok(Session {
            session_id: Some(self.session_id),
            original_prompt: self.original_prompt,
            improved_prompt: self.improved_prompt,
            event_time: Some(Timestamp(self.event_time)),
            project_type: self.project_type,
            domain: self.domain,
            complexity,
            team_size: self.team_size.map(u32::try_from).transpose().map_err(|e| unreadable("team size", e))?,
            before_metrics: (before != BeforeMetrics::default()).then_some(before),
            rules: Vec::new(),
            quality_score: self.quality_score,
            improvement_score: self.improvement_score,
            feedback: Vec::new(),
            tags: parse_optional("tags", self.tags.as_deref())?.unwrap_or_default(),
        })
    }
}

/// When a part of a session happened, if not with the session.
fn own_time(event_time: i64, session: &Session) -> Option<Timestamp> {
    Some(Timestamp(event_time)).filter(|event_time| Some(*event_time) != session.event_time)
}

/// An applied rule with its name.
#[derive(Queryable)]
pub(crate) struct ApplicationRow {
    pub(crate) session_seq: i64,
    event_time: i64,
    rule_id: String,
    parameters: Option<String>,
    improvement_score: Option<f64>,
    confidence: Option<f64>,
    execution_time_ms: Option<f64>,
    propensity: Option<f64>,
}

impl ApplicationRow {
    /// Adds it to its session.
    pub(crate) fn join(self, session: &mut Session) -> Result<(), StoreError> {
        let event_time = own_time(self.event_time, session);
        session.rules.push(RuleApplication {
            rule_id: self.rule_id,
            parameters: parse_optional("parameters", self.parameters.as_deref())?,
            improvement_score: self.improvement_score,
            confidence: self.confidence,
            execution_time_ms: self.execution_time_ms,
            propensity: self.propensity,
            event_time,
        });
        Ok(())
    }
}

/// An opinion.
#[derive(Queryable)]
pub(crate) struct FeedbackRow {
    pub(crate) session_seq: i64,
    event_time: i64,
    rating: i64,
    text: Option<String>,
    areas: Option<String>,
}

impl FeedbackRow {
    /// Adds it to its session.
    pub(crate) fn join(self, session: &mut Session) -> Result<(), StoreError> {
        let event_time = own_time(self.event_time, session);
        session.feedback.push(FeedbackEntry {
            rating: u8::try_from(self.rating).map_err(|error| unreadable("rating", error))?,
            text: self.text,
            areas: parse_optional("areas", self.areas.as_deref())?.unwrap_or_default(),
            event_time,
        });
        Ok(())
    }
}

/// A rule's row.
#[derive(Queryable, Selectable)]
#[diesel(table_name = schema::rules)]
pub(crate) struct RuleRow {
    rule_id: String,
    description: Option<String>,
    category: Option<String>,
    priority: i64,
    default_parameters: Option<String>,
}

impl RuleRow {
    pub(crate) fn into_rule(self) -> Result<Rule, StoreError> {
        Ok(Rule {
            rule_id: self.rule_id,
            description: self.description,
            category: self.category,
            priority: i32::try_from(self.priority).map_err(|error| unreadable("priority", error))?,
            default_parameters: parse_optional::<BTreeMap<String, Value>>(
                "default parameters",
                self.default_parameters.as_deref(),
            )?,
        })
    }
}

/// A run's row.
#[derive(Queryable, Selectable)]
#[diesel(table_name = schema::runs)]
pub(crate) struct StoredRun {
    run_id: String,
    component: String,
    epoch: i64,
    state: String,
    started: i64,
    ended: Option<i64>,
    watermark: Option<i64>,
    schema_hash: Option<i64>,
    duration_ms: Option<i64>,
    reason: Option<String>,
    report: Option<String>,
    metrics: Option<String>,
}

/// The data a run or model was made from.
pub(crate) fn version(watermark: i64, schema_hash: i64) -> DataVersion {
    DataVersion { watermark: Seq(watermark), schema_hash: schema_hash.cast_unsigned() }
}

/// A figure as JSON holds it: one that is not finite is null there.
#[derive(serde::Deserialize)]
struct StoredMeasurement {
    metric: String,
    value: Option<f64>,
}

fn metrics(text: Option<&str>) -> Result<Metrics, StoreError> {
    let stored: Vec<StoredMeasurement> = parse_optional("metrics", text)?.unwrap_or_default();
    Ok(stored.into_iter().map(|m| Measurement::new(m.metric, m.value.unwrap_or(f64::NAN))).collect())
}

impl StoredRun {
    pub(crate) fn into_row(self) -> Result<RunRow, StoreError> {
        let state =
            RunState::parse(&self.state).ok_or_else(|| unreadable("run", format_args!("state `{}`", self.state)))?;
        Ok(RunRow {
            run_id: self.run_id,
            component: self.component,
            epoch: Epoch(self.epoch),
            state,
            started: Timestamp(self.started),
            ended: self.ended.map(Timestamp),
            version: self.watermark.zip(self.schema_hash).map(|(watermark, hash)| version(watermark, hash)),
            duration_ms: self.duration_ms.map(|ms| u64::try_from(ms).unwrap_or(0)),
            reason: self.reason,
            report: parse_optional("report", self.report.as_deref())?,
            metrics: metrics(self.metrics.as_deref())?,
        })
    }
}

/// A model's row.
#[derive(Queryable, Selectable)]
#[diesel(table_name = schema::models)]
pub(crate) struct StoredModel {
    model_id: String,
    component: String,
    run_id: String,
    epoch: i64,
    watermark: i64,
    schema_hash: i64,
    created: i64,
    snapshot: Vec<u8>,
}

impl From<StoredModel> for ModelRow {
    fn from(row: StoredModel) -> Self {
        Self {
            model_id: row.model_id,
            component: row.component,
            run_id: row.run_id,
            epoch: Epoch(row.epoch),
            version: version(row.watermark, row.schema_hash),
            created: Timestamp(row.created),
            snapshot: row.snapshot,
        }
    }
}
