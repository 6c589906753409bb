//! Batches: what the data hub holds, as JSON, CSV or an Arrow IPC stream, written piece by piece.

use std::fmt::Write as _;
use std::sync::Arc;

use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use souffleur_columnar::{BatchStream, ColumnarError, ColumnarFormat};
use souffleur_core::batch::{DataQuality, SessionRules, TrainingBatch};
use souffleur_core::ids::DataVersion;
use souffleur_core::query::Query;
use souffleur_core::time::Timestamp;

use super::body::parse_json;
use super::problem::{INTERNAL, INVALID_QUERY, NOT_ACCEPTABLE, Problem};
use super::request::Body;
use super::state::State;

/// Rows written at a time: a millisecond's work, so that whoever shares the thread is not kept waiting.
const CHUNK_ROWS: usize = 64;

/// The columns every row has before its features.
const LEADING: [&str; 4] = ["seq", "session_seq", "event_time", "synthetic"];
/// The outcome columns, after the features.
const OUTCOMES: [&str; 5] = ["success_score", "quality_score", "improvement_score", "mean_rating", "ratings"];
/// The columns of rule applications, after the outcomes.
const APPLICATIONS: [&str; 4] = ["rule_id", "confidence", "execution_time_ms", "propensity"];

/// The column of the rules applied in a session, after the outcomes.
const RULES: &str = "rules";

/// A batch as JSON. In the answer the rows come last.
#[derive(Serialize, JsonSchema)]
pub(super) struct BatchBody {
    /// The question it answers.
    query: Query,
    /// The exact data it was made from.
    version: DataVersion,
    /// How good the data is.
    quality: DataQuality,
    /// What each value of a row is.
    columns: Vec<String>,
    /// The rows. A value that is not known is null. A metric point or a document stands at the end of its row, as do a
    /// session's rules where the query asks for them (`session_rules`): a list of `rule_id`, `improvement_score` and
    /// `propensity`, in the order in which they were applied.
    rows: Vec<Vec<Value>>,
}

/// How a batch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchFormat {
    /// One JSON object.
    Json,
    /// CSV (RFC 4180), a header line first.
    Csv,
    /// An Arrow IPC stream.
    Arrow,
}

impl BatchFormat {
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Arrow => ColumnarFormat::ARROW_STREAM_TYPE,
        }
    }
}

/// The pieces of a written batch. An error ends them.
pub type BatchPieces = Box<dyn Iterator<Item = Result<Vec<u8>, ColumnarError>>>;

/// A batch as it is written, piece by piece.
///
/// # Errors
/// If the description of an Arrow IPC stream cannot be written; memory cannot refuse it.
pub fn batch_pieces(batch: Arc<TrainingBatch>, format: BatchFormat) -> Result<BatchPieces, ColumnarError> {
    Ok(match format {
        BatchFormat::Json => Box::new(text_pieces(batch, TextFormat::Json)),
        BatchFormat::Csv => Box::new(text_pieces(batch, TextFormat::Csv)),
        BatchFormat::Arrow => Box::new(BatchStream::new(batch)?),
    })
}

/// The forms that are written row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextFormat {
    Json,
    Csv,
}

fn text_pieces(batch: Arc<TrainingBatch>, format: TextFormat) -> impl Iterator<Item = Result<Vec<u8>, ColumnarError>> {
    let (head, tail) = match format {
        TextFormat::Json => (json_head(&batch), "]}"),
        TextFormat::Csv => (csv_line(columns(&batch).into_iter().map(Value::String)), ""),
    };
    let rows = (0..batch.len()).step_by(CHUNK_ROWS).map(move |start| chunk(&batch, format, start));
    let pieces = std::iter::once(head).chain(rows).chain(std::iter::once(tail.to_owned()));
    pieces.map(|piece| Ok(piece.into_bytes()))
}

/// Chooses by the `Accept` header; JSON if it does not mind.
pub(super) fn accepted(request: &HttpRequest) -> Result<BatchFormat, Problem> {
    let Some(accept) = request.headers().get(ACCEPT) else { return Ok(BatchFormat::Json) };
    let accept = accept.to_str().unwrap_or_default().to_ascii_lowercase();
    let mut kinds = accept.split(',').filter_map(|kind| kind.split(';').next()).map(str::trim);
    let first = kinds.find_map(|kind| match kind {
        "application/json" | "application/*" | "*/*" | "" => Some(BatchFormat::Json),
        "text/csv" | "text/*" => Some(BatchFormat::Csv),
        ColumnarFormat::ARROW_STREAM_TYPE => Some(BatchFormat::Arrow),
        _ => None,
    });
    first.ok_or_else(|| {
        Problem::new(
            NOT_ACCEPTABLE,
            "batches are written as application/json, text/csv or application/vnd.apache.arrow.stream",
        )
    })
}

pub(super) async fn show(state: web::Data<State>, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let format = accepted(&request)?;
    let mut query: Query = parse_json(body.content_type(), &body.bytes)?;
    let most = state.limits.batch_limit_rows;
    match query.limit {
        None => query.limit = Some(most),
        Some(limit) if limit > most => {
            let detail = format!("limit: is {limit}; at most {most} rows are written in one answer");
            return Err(Problem::new(INVALID_QUERY, detail));
        }
        Some(_) => {}
    }
    written(state.runtime.batch(query).await?, format)
}

/// A batch as an answer.
pub(super) fn written(batch: Arc<TrainingBatch>, format: BatchFormat) -> Result<HttpResponse, Problem> {
    let media_type = match format {
        BatchFormat::Csv => "text/csv; charset=utf-8",
        other => other.media_type(),
    };
    let pieces = batch_pieces(batch, format).map_err(|error| Problem::new(INTERNAL, error.to_string()))?;
    let pieces = pieces.map(|piece| piece.map(web::Bytes::from).map_err(actix_web::error::ErrorInternalServerError));
    Ok(HttpResponse::Ok().content_type(media_type).streaming(stream::iter(pieces)))
}

fn columns(batch: &TrainingBatch) -> Vec<String> {
    let mut columns: Vec<&str> = LEADING.to_vec();
    columns.extend(&batch.columns);
    columns.extend(OUTCOMES);
    if batch.applications.is_some() {
        columns.extend(APPLICATIONS);
    }
    if batch.session_rules.is_some() {
        columns.push(RULES);
    }
    if !batch.metrics.is_empty() {
        columns.push("metric");
    }
    if !batch.documents.is_empty() {
        columns.push("document");
    }
    columns.into_iter().map(str::to_owned).collect()
}

fn json_head(batch: &TrainingBatch) -> String {
    let head = json!({
        "query": batch.query,
        "version": batch.version,
        "quality": batch.quality,
        "columns": columns(batch),
    });
    let mut head = head.to_string();
    head.pop();
    head.push_str(",\"rows\":[");
    head
}

fn chunk(batch: &Arc<TrainingBatch>, format: TextFormat, start: usize) -> String {
    let mut out = String::new();
    for i in start..(start + CHUNK_ROWS).min(batch.len()) {
        let row = row(batch, format, i);
        match format {
            TextFormat::Csv => out.push_str(&csv_line(row.into_iter())),
            TextFormat::Json => {
                let comma = if i == 0 { "" } else { "," };
                // Writing to a String cannot fail.
                let _ = write!(out, "{comma}{}", Value::Array(row));
            }
        }
    }
    out
}

/// A number that may be missing.
fn number(value: Option<&f32>) -> Value {
    // The shortest text of the f32 itself, not of its f64 neighbour.
    value.filter(|v| v.is_finite()).and_then(|v| v.to_string().parse::<f64>().ok()).map_or(Value::Null, Value::from)
}

fn row(batch: &TrainingBatch, format: TextFormat, i: usize) -> Vec<Value> {
    let rows = &batch.rows;
    let mut row = vec![
        json!(rows.seq.get(i)),
        json!(rows.session.get(i)),
        json!(rows.event_time_us.get(i).map(|us| Timestamp(*us))),
        json!(rows.synthetic.get(i)),
    ];
    let features = (i < batch.features.nrows()).then(|| batch.features.row(i));
    row.extend((0..batch.columns.len()).map(|c| number(features.as_ref().and_then(|f| f.get(c)))));
    let o = &batch.outcomes;
    let outcomes = [&o.success_score, &o.quality_score, &o.improvement_score, &o.mean_rating];
    row.extend(outcomes.map(|column| number(column.get(i))));
    row.push(json!(o.ratings.get(i)));
    if let Some(a) = &batch.applications {
        let rule = a.rule.get(i).and_then(|rule| a.rule_ids.get(*rule as usize));
        row.push(json!(rule));
        row.extend([&a.confidence, &a.execution_time_ms, &a.propensity].map(|column| number(column.get(i))));
    }
    if let Some(rules) = &batch.session_rules {
        row.push(match format {
            TextFormat::Json => Value::Array(rules_applied(rules, i)),
            TextFormat::Csv => Value::String(rule_names(rules, i).join("+")),
        });
    }
    if !batch.metrics.is_empty() {
        row.push(json!(batch.metrics.get(i)));
    }
    if !batch.documents.is_empty() {
        row.push(json!(batch.documents.get(i)));
    }
    row
}

/// The names of the rules of row `i`, in the order in which they were applied.
fn rule_names(rules: &SessionRules, i: usize) -> Vec<&str> {
    let indices = rules.rule.get(rules.of(i)).unwrap_or_default();
    indices.iter().map(|&index| rules.rule_ids.get(index as usize).map_or("", |id| id)).collect()
}

/// The rules of row `i` with what each did.
fn rules_applied(rules: &SessionRules, i: usize) -> Vec<Value> {
    let applied = rules.of(i).zip(rule_names(rules, i));
    let told = applied.map(|(at, name)| {
        json!({
            "rule_id": name,
            "improvement_score": number(rules.improvement_score.get(at)),
            "propensity": number(rules.propensity.get(at)),
        })
    });
    told.collect()
}

/// One line of CSV (RFC 4180).
fn csv_line(values: impl Iterator<Item = Value>) -> String {
    let mut line = String::new();
    for (i, value) in values.enumerate() {
        if i > 0 {
            line.push(',');
        }
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            other => other.to_string(),
        };
        if text.contains(['"', ',', '\n', '\r']) {
            line.push('"');
            line.push_str(&text.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(&text);
        }
    }
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_what_needs_it_and_leaves_the_unknown_empty() {
        let line = csv_line([json!(1), Value::Null, json!("a,\"b\""), json!(0.5)].into_iter());
        assert_eq!(line, "1,,\"a,\"\"b\"\"\",0.5\r\n");
    }

    #[test]
    fn a_single_keeps_its_own_digits() {
        assert_eq!(number(Some(&0.1)), json!(0.1));
        assert_eq!(number(Some(&f32::NAN)), Value::Null);
    }
}
