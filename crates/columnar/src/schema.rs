//! The columns of sessions.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

/// The columns sessions are written in.
///
/// One row is a session, in recorded order. Texts, scores and times stand as such; `tags` and a rule's `parameters` hold
/// JSON; rules and feedback are lists of structures; `provenance` says who made a session up and is null for real ones.
#[must_use]
pub fn session_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("session_id", DataType::Utf8, false),
        Field::new("provenance", DataType::Utf8, true),
        Field::new("event_time", time(), true),
        Field::new("original_prompt", DataType::Utf8, false),
        Field::new("improved_prompt", DataType::Utf8, true),
        Field::new("project_type", DataType::Utf8, true),
        Field::new("domain", DataType::Utf8, true),
        Field::new("complexity", DataType::Utf8, true),
        Field::new("team_size", DataType::UInt32, true),
        Field::new("before_metrics", DataType::Struct(before_fields()), true),
        Field::new("quality_score", DataType::Float64, true),
        Field::new("improvement_score", DataType::Float64, true),
        Field::new("rules", list(rule_fields()), false),
        Field::new("feedback", list(feedback_fields()), false),
        Field::new("tags", DataType::Utf8, true),
    ]))
}

/// Microseconds since 1970-01-01T00:00:00Z.
pub(crate) fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The type of a list of structures.
fn list(fields: Fields) -> DataType {
    DataType::List(item(fields))
}

/// The field of a list's elements.
pub(crate) fn item(fields: Fields) -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Struct(fields), false))
}

pub(crate) fn before_fields() -> Fields {
    let names = ["overall_score", "clarity", "completeness", "actionability", "effectiveness"];
    names.into_iter().map(|name| Field::new(name, DataType::Float64, true)).collect()
}

pub(crate) fn rule_fields() -> Fields {
    Fields::from(vec![
        Field::new("rule_id", DataType::Utf8, false),
        Field::new("parameters", DataType::Utf8, true),
        Field::new("improvement_score", DataType::Float64, true),
        Field::new("confidence", DataType::Float64, true),
        Field::new("execution_time_ms", DataType::Float64, true),
        Field::new("propensity", DataType::Float64, true),
        Field::new("event_time", time(), true),
    ])
}

pub(crate) fn feedback_fields() -> Fields {
    Fields::from(vec![
        Field::new("rating", DataType::UInt8, false),
        Field::new("text", DataType::Utf8, true),
        Field::new("areas", DataType::List(area()), false),
        Field::new("event_time", time(), true),
    ])
}

/// The field of an area of feedback.
pub(crate) fn area() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Utf8, false))
}
