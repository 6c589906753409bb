//! Sessions become columns.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float64Array, ListArray, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray, UInt8Array,
    UInt32Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, SchemaRef};
use serde::Serialize;
use souffleur_core::records::{FeedbackEntry, RuleApplication};
use souffleur_core::store::StoredSession;
use souffleur_core::time::Timestamp;

use crate::error::ColumnarError;
use crate::schema::{area, before_fields, feedback_fields, item, rule_fields};

/// The sessions as one batch of the columns of [`session_schema`](crate::session_schema).
pub(crate) fn sessions(schema: &SchemaRef, rows: &[StoredSession]) -> Result<RecordBatch, ColumnarError> {
    let sessions = || rows.iter().map(|row| &row.session);
    let tags = sessions().map(|s| json(Some(&s.tags).filter(|tags| !tags.is_empty())));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter(sessions().map(|s| s.session_id.as_deref()))),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.provenance.as_deref()))),
        times(sessions().map(|s| s.event_time)),
        Arc::new(StringArray::from_iter_values(sessions().map(|s| &s.original_prompt))),
        Arc::new(StringArray::from_iter(sessions().map(|s| s.improved_prompt.as_deref()))),
        Arc::new(StringArray::from_iter(sessions().map(|s| s.project_type.as_deref()))),
        Arc::new(StringArray::from_iter(sessions().map(|s| s.domain.as_deref()))),
        Arc::new(StringArray::from_iter(sessions().map(|s| s.complexity.map(|grade| grade.name())))),
        Arc::new(UInt32Array::from_iter(sessions().map(|s| s.team_size))),
        before_metrics(rows)?,
        numbers(sessions().map(|s| s.quality_score)),
        numbers(sessions().map(|s| s.improvement_score)),
        rules(rows)?,
        feedback(rows)?,
        Arc::new(StringArray::from_iter(tags.collect::<Result<Vec<_>, _>>()?)),
    ];
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

fn json(value: Option<&impl Serialize>) -> Result<Option<String>, ColumnarError> {
    let text = value.map(serde_json::to_string).transpose();
    text.map_err(|error| ColumnarError::from(ArrowError::JsonError(error.to_string())))
}

fn numbers(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(values))
}

fn times(values: impl Iterator<Item = Option<Timestamp>>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter(values.map(|time| time.map(|t| t.0))).with_timezone("UTC"))
}

fn before_metrics(rows: &[StoredSession]) -> Result<ArrayRef, ColumnarError> {
    let before = || rows.iter().map(|row| row.session.before_metrics);
    let known = NullBuffer::from_iter(before().map(|metrics| metrics.is_some()));
    let columns = vec![
        numbers(before().map(|m| m?.overall_score)),
        numbers(before().map(|m| m?.clarity)),
        numbers(before().map(|m| m?.completeness)),
        numbers(before().map(|m| m?.actionability)),
        numbers(before().map(|m| m?.effectiveness)),
    ];
    Ok(Arc::new(StructArray::try_new(before_fields(), columns, Some(known))?))
}

/// A list column: `lengths` of `elements` belong to each row.
fn list(lengths: impl Iterator<Item = usize>, elements: StructArray) -> Result<ArrayRef, ColumnarError> {
    let field = item(elements.fields().clone());
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), Arc::new(elements), None)?))
}

fn rules(rows: &[StoredSession]) -> Result<ArrayRef, ColumnarError> {
    let rules: Vec<&RuleApplication> = rows.iter().flat_map(|row| &row.session.rules).collect();
    let parameters: Vec<Option<String>> =
        rules.iter().map(|rule| json(rule.parameters.as_ref())).collect::<Result<_, _>>()?;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rules.iter().map(|rule| &rule.rule_id))),
        Arc::new(StringArray::from_iter(parameters)),
        numbers(rules.iter().map(|rule| rule.improvement_score)),
        numbers(rules.iter().map(|rule| rule.confidence)),
        numbers(rules.iter().map(|rule| rule.execution_time_ms)),
        numbers(rules.iter().map(|rule| rule.propensity)),
        times(rules.iter().map(|rule| rule.event_time)),
    ];
    let elements = StructArray::try_new_with_length(rule_fields(), columns, None, rules.len())?;
    list(rows.iter().map(|row| row.session.rules.len()), elements)
}

fn feedback(rows: &[StoredSession]) -> Result<ArrayRef, ColumnarError> {
    let entries: Vec<&FeedbackEntry> = rows.iter().flat_map(|row| &row.session.feedback).collect();
    let areas: Vec<&String> = entries.iter().flat_map(|entry| &entry.areas).collect();
    let areas = StringArray::from_iter_values(areas);
    let offsets = OffsetBuffer::from_lengths(entries.iter().map(|entry| entry.areas.len()));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt8Array::from_iter_values(entries.iter().map(|entry| entry.rating))),
        Arc::new(StringArray::from_iter(entries.iter().map(|entry| entry.text.as_deref()))),
        Arc::new(ListArray::try_new(area(), offsets, Arc::new(areas), None)?),
        times(entries.iter().map(|entry| entry.event_time)),
    ];
    let elements = StructArray::try_new_with_length(feedback_fields(), columns, None, entries.len())?;
    list(rows.iter().map(|row| row.session.feedback.len()), elements)
}
