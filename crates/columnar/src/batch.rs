//! Batches as components get them, as an Arrow IPC stream.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray, UInt32Array,
};
use arrow_buffer::OffsetBuffer;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef};
use serde::Serialize;
use souffleur_core::batch::{Applications, SessionRules, TrainingBatch};

use crate::error::ColumnarError;
use crate::schema::{item, time};

/// Rows of a piece: about a millisecond's work.
const PIECE_ROWS: usize = 1_024;

/// A batch as the pieces of an Arrow IPC stream.
///
/// The columns are those of the batch's other forms. A value that is not known is null; metric points and documents stand
/// as JSON. The question, the data version and the data quality are JSON in the schema's metadata (`souffleur.query`,
/// `souffleur.version`, `souffleur.quality`).
pub struct BatchStream {
    batch: Arc<TrainingBatch>,
    schema: SchemaRef,
    /// `None` once the stream is complete.
    writer: Option<StreamWriter<Vec<u8>>>,
    next: usize,
}

impl std::fmt::Debug for BatchStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchStream").field("next", &self.next).finish_non_exhaustive()
    }
}

impl BatchStream {
    /// The stream of a batch.
    ///
    /// # Errors
    /// [`ColumnarError::Damaged`] if its description cannot be written down.
    pub fn new(batch: Arc<TrainingBatch>) -> Result<Self, ColumnarError> {
        let schema = Arc::new(schema(&batch)?);
        let writer = Some(StreamWriter::try_new(Vec::new(), &schema)?);
        Ok(Self { batch, schema, writer, next: 0 })
    }

    /// The next bytes of the stream; `None` after its end.
    fn piece(&mut self) -> Result<Option<Vec<u8>>, ColumnarError> {
        let Some(writer) = &mut self.writer else { return Ok(None) };
        if self.next >= self.batch.len() {
            let rest = self.writer.take().map(StreamWriter::into_inner).transpose()?;
            return Ok(rest);
        }
        let end = (self.next + PIECE_ROWS).min(self.batch.len());
        writer.write(&rows(&self.schema, &self.batch, self.next, end)?)?;
        self.next = end;
        Ok(Some(std::mem::take(writer.get_mut())))
    }
}

impl Iterator for BatchStream {
    type Item = Result<Vec<u8>, ColumnarError>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = self.piece();
        if piece.is_err() {
            self.writer = None;
        }
        piece.transpose()
    }
}

fn schema(batch: &TrainingBatch) -> Result<Schema, ColumnarError> {
    let number = |name: &str| Field::new(name, DataType::Float32, true);
    let mut fields = vec![
        Field::new("seq", DataType::Int64, false),
        Field::new("session_seq", DataType::Int64, false),
        Field::new("event_time", time(), false),
        Field::new("synthetic", DataType::Boolean, false),
    ];
    fields.extend(batch.columns.iter().map(|name| number(name)));
    fields.extend(["success_score", "quality_score", "improvement_score", "mean_rating"].map(number));
    fields.push(Field::new("ratings", DataType::UInt32, true));
    if batch.applications.is_some() {
        fields.push(Field::new("rule_id", DataType::Utf8, true));
        fields.extend(["confidence", "execution_time_ms", "propensity"].map(number));
    }
    if batch.session_rules.is_some() {
        fields.push(Field::new("rules", DataType::List(item(applied_fields())), false));
    }
    if !batch.metrics.is_empty() {
        fields.push(Field::new("metric", DataType::Utf8, true));
    }
    if !batch.documents.is_empty() {
        fields.push(Field::new("document", DataType::Utf8, true));
    }
    let metadata = HashMap::from([
        ("souffleur.query".to_owned(), json(&batch.query)?),
        ("souffleur.version".to_owned(), json(&batch.version)?),
        ("souffleur.quality".to_owned(), json(&batch.quality)?),
    ]);
    Ok(Schema::new(fields).with_metadata(metadata))
}

fn applied_fields() -> Fields {
    Fields::from(vec![
        Field::new("rule_id", DataType::Utf8, false),
        Field::new("improvement_score", DataType::Float32, true),
        Field::new("propensity", DataType::Float32, true),
    ])
}

fn json(value: &impl Serialize) -> Result<String, ColumnarError> {
    serde_json::to_string(value).map_err(|error| ArrowError::JsonError(error.to_string()).into())
}

/// A number that may be missing.
fn known(value: Option<&f32>) -> Option<f32> {
    value.copied().filter(|value| value.is_finite())
}

/// Rows `start` to `end` as columns.
fn rows(schema: &SchemaRef, batch: &TrainingBatch, start: usize, end: usize) -> Result<RecordBatch, ColumnarError> {
    let numbers =
        |values: &[f32]| -> ArrayRef { Arc::new(Float32Array::from_iter((start..end).map(|i| known(values.get(i))))) };
    let (r, o) = (&batch.rows, &batch.outcomes);
    let times = Int64Array::from_iter((start..end).map(|i| r.event_time_us.get(i).copied()));
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter((start..end).map(|i| r.seq.get(i).map(|seq| seq.0)))),
        Arc::new(Int64Array::from_iter((start..end).map(|i| r.session.get(i).map(|seq| seq.0)))),
        Arc::new(times.reinterpret_cast::<TimestampMicrosecondType>().with_timezone("UTC")),
        Arc::new(BooleanArray::from_iter((start..end).map(|i| r.synthetic.get(i).copied()))),
    ];
    for column in 0..batch.columns.len() {
        let feature = |i: usize| known(batch.features.get((i, column)));
        columns.push(Arc::new(Float32Array::from_iter((start..end).map(feature))));
    }
    columns.extend([&o.success_score, &o.quality_score, &o.improvement_score, &o.mean_rating].map(|c| numbers(c)));
    columns.push(Arc::new(UInt32Array::from_iter((start..end).map(|i| o.ratings.get(i).copied()))));
    if let Some(applications) = &batch.applications {
        columns.push(rule_names(applications, start, end));
        let Applications { confidence, execution_time_ms, propensity, .. } = applications;
        columns.extend([confidence, execution_time_ms, propensity].map(|c| numbers(c)));
    }
    if let Some(rules) = &batch.session_rules {
        columns.push(rules_applied(rules, start, end)?);
    }
    if !batch.metrics.is_empty() {
        columns.push(texts((start..end).map(|i| batch.metrics.get(i)))?);
    }
    if !batch.documents.is_empty() {
        columns.push(texts((start..end).map(|i| batch.documents.get(i)))?);
    }
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

fn rule_names(applications: &Applications, start: usize, end: usize) -> ArrayRef {
    let name = |i: usize| applications.rule_ids.get(*applications.rule.get(i)? as usize).map(|id| &**id);
    Arc::new(StringArray::from_iter((start..end).map(name)))
}

/// The rules of each row with what each did.
fn rules_applied(rules: &SessionRules, start: usize, end: usize) -> Result<ArrayRef, ColumnarError> {
    let places: Vec<usize> = (start..end).flat_map(|i| rules.of(i)).collect();
    let name = |at: &usize| rules.rule.get(*at).and_then(|index| rules.rule_ids.get(*index as usize));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(places.iter().map(|at| name(at).map_or("", |id| id)))),
        Arc::new(Float32Array::from_iter(places.iter().map(|&at| known(rules.improvement_score.get(at))))),
        Arc::new(Float32Array::from_iter(places.iter().map(|&at| known(rules.propensity.get(at))))),
    ];
    let elements = StructArray::try_new_with_length(applied_fields(), columns, None, places.len())?;
    let offsets = OffsetBuffer::from_lengths((start..end).map(|i| rules.of(i).len()));
    Ok(Arc::new(ListArray::try_new(item(applied_fields()), offsets, Arc::new(elements), None)?))
}

fn texts<'v, T: Serialize + 'v>(values: impl Iterator<Item = Option<&'v T>>) -> Result<ArrayRef, ColumnarError> {
    let texts: Vec<Option<String>> = values.map(|value| value.map(json).transpose()).collect::<Result<_, _>>()?;
    Ok(Arc::new(StringArray::from_iter(texts)))
}
