//! Batches of metric points and documents, read from the store page by page, newest first.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use souffleur_core::batch::{DataQuality, Outcomes, Rows, TrainingBatch};
use souffleur_core::document::Document;
use souffleur_core::ids::Seq;
use souffleur_core::query::{Query, View};
use souffleur_core::records::MetricPoint;
use souffleur_core::store::StoreError;

use super::assemble::matrix;
use super::{Answer, Sources, Unanswered, version_of};
use crate::loader::error::LoaderError;
use crate::loader::image::Horizon;
use crate::loader::memory::{BatchMemory, Ticket};
use crate::loader::quality;

/// Rows read from the store at once.
const PAGE_ROWS: usize = 1024;
/// Bytes a node of a JSON document takes, text and padding apart.
const NODE_BYTES: usize = 64;

/// A row that stands in the store only.
trait Stored: Sized {
    fn seq(&self) -> Seq;
    fn event_time_us(&self) -> i64;
    fn bytes(&self) -> usize;
    fn seen_by(&self, horizon: &Horizon) -> bool;
}

impl Stored for Document {
    fn seq(&self) -> Seq {
        self.seq
    }

    fn event_time_us(&self) -> i64 {
        self.event_time.0
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.subject.len() + json_bytes(&self.body)
    }

    fn seen_by(&self, horizon: &Horizon) -> bool {
        horizon.sees(self.seq.0, self.known_time.0, self.event_time.0)
    }
}

impl Stored for (Seq, MetricPoint) {
    fn seq(&self) -> Seq {
        self.0
    }

    fn event_time_us(&self) -> i64 {
        self.1.event_time.map_or(0, |t| t.0)
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.1.metric.len() + self.1.subject.len()
    }

    fn seen_by(&self, horizon: &Horizon) -> bool {
        horizon.sees(self.0.0, i64::MIN, self.event_time_us())
    }
}

fn json_bytes(value: &Value) -> usize {
    NODE_BYTES
        + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(json_bytes).sum(),
            Value::Object(entries) => entries.iter().map(|(key, value)| key.len() + json_bytes(value)).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

/// The batch of a query for metrics or documents.
pub(super) fn execute(sources: &Sources<'_>, query: &Query) -> Result<Answer, Unanswered> {
    let subject = query.filter.subject.as_deref();
    let (mut metrics, mut documents) = (Vec::new(), Vec::new());
    let (rows, columns) = match query.view {
        View::Documents(kind) => {
            let read = |until, limit| sources.store.documents(kind, subject, until, limit);
            let ticket = collect(sources, query, read, &mut documents)?;
            (lineage(&documents), ticket)
        }
        _ => {
            let mut points = Vec::new();
            let read = |until, limit| sources.store.metrics(subject, until, limit);
            let ticket = collect(sources, query, read, &mut points)?;
            let rows = lineage(&points);
            metrics = points.into_iter().map(|(_, point)| point).collect();
            (rows, ticket)
        }
    };
    let count = rows.seq.len();
    let unknown = vec![f32::NAN; count];
    let mut batch = TrainingBatch {
        query: query.clone(),
        version: version_of(query.as_of, sources.image.watermark()),
        columns: Vec::new(),
        features: matrix(Vec::new(), count, 0),
        rows,
        outcomes: Outcomes {
            success_score: unknown.clone(),
            quality_score: unknown.clone(),
            improvement_score: unknown.clone(),
            mean_rating: unknown,
            ratings: vec![0; count],
        },
        applications: None,
        session_rules: None,
        metrics,
        documents,
        products: BTreeMap::new(),
        quality: DataQuality::default(),
    };
    batch.quality = quality::assess(&batch, sources.job).map_err(LoaderError::from)?;
    let memory = BatchMemory { _columns: Arc::new(columns), features: Arc::new((sources.room)(0)?) };
    Ok(Answer { batch, memory, consecutive_from: None })
}

/// The matching rows, oldest first, and the right to their memory.
fn collect<T: Stored>(
    sources: &Sources<'_>,
    query: &Query,
    read: impl Fn(Seq, usize) -> Result<Vec<T>, StoreError>,
    rows: &mut Vec<T>,
) -> Result<Ticket, Unanswered> {
    let horizon = Horizon::new(query.as_of, sources.image.watermark());
    let since = query.filter.since.map_or(i64::MIN, |t| t.0);
    let until = query.filter.until;
    let limit = query.limit.unwrap_or(usize::MAX);
    let mut ticket = (sources.room)(0)?;
    let mut newest = horizon.watermark();
    while rows.len() < limit && newest > Seq::ZERO {
        sources.job.check().map_err(LoaderError::from)?;
        let page = read(newest, PAGE_ROWS).map_err(LoaderError::from)?;
        let (read, oldest) = (page.len(), page.first().map(Stored::seq));
        let matches = |row: &T| {
            let event_us = row.event_time_us();
            row.seen_by(&horizon) && event_us >= since && until.is_none_or(|until| event_us < until.0)
        };
        let start = rows.len();
        rows.extend(page.into_iter().rev().filter(matches).take(limit - start));
        let bytes = rows[start..].iter().map(|row| row.bytes() + ROW_BYTES).sum();
        ticket.absorb((sources.room)(bytes)?);
        match oldest {
            Some(oldest) if read == PAGE_ROWS => newest = Seq(oldest.0 - 1),
            _ => break,
        }
    }
    rows.reverse();
    Ok(ticket)
}

/// Bytes of a row's lineage and empty outcomes, and of what judging its quality takes.
const ROW_BYTES: usize = 45 + quality::ROW_BYTES;

fn lineage<T: Stored>(rows: &[T]) -> Rows {
    Rows {
        seq: rows.iter().map(Stored::seq).collect(),
        session: vec![Seq::ZERO; rows.len()],
        event_time_us: rows.iter().map(Stored::event_time_us).collect(),
        synthetic: vec![false; rows.len()],
    }
}
