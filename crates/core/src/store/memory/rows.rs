//! One row of the global order.

use std::sync::Arc;

use crate::document::{Document, DocumentKind};
use crate::features::FeatureVector;
use crate::ids::Seq;
use crate::records::{MetricPoint, RuleApplication, Session};
use crate::store::{Counts, Delta};
use crate::time::Timestamp;

/// When a row happened and when it became known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) event: Timestamp,
    pub(super) known: Timestamp,
}

/// Anything that has a place in the global order.
#[derive(Clone, Debug)]
pub(super) enum Row {
    Session { session: Box<Session>, features: Box<FeatureVector>, synthetic: bool, times: Times },
    Application { session: Seq, rule: Seq, application: RuleApplication, times: Times },
    Feedback { session: Seq, rating: u8, times: Times },
    Rule { name: Arc<str> },
    Metric { point: MetricPoint },
    Document { kind: DocumentKind, subject: String, body: serde_json::Value, times: Times },
    Run,
}

fn number(value: Option<f64>) -> f32 {
    value.map_or(f32::NAN, |v| v as f32)
}

impl Row {
    pub(super) fn session(&self) -> Option<&Session> {
        match self {
            Self::Session { session, .. } => Some(session),
            _ => None,
        }
    }

    pub(super) fn metric(&self) -> Option<&MetricPoint> {
        match self {
            Self::Metric { point } => Some(point),
            _ => None,
        }
    }

    pub(super) fn document(&self, seq: Seq, wanted: DocumentKind) -> Option<Document> {
        match self {
            Self::Document { kind, subject, body, times } if *kind == wanted => Some(Document {
                seq,
                subject: subject.clone(),
                event_time: times.event,
                known_time: times.known,
                body: body.clone(),
            }),
            _ => None,
        }
    }

    /// Whether a component can learn from it.
    pub(super) fn is_learnable(&self) -> bool {
        matches!(self, Self::Session { .. } | Self::Application { .. } | Self::Feedback { .. })
    }

    /// Adds this row to the counts of its table.
    pub(super) fn count(&self, counts: &mut Counts) {
        match self {
            Self::Session { synthetic: false, .. } => counts.sessions += 1,
            Self::Session { synthetic: true, .. } => counts.training_prompts += 1,
            Self::Application { .. } => counts.rule_applications += 1,
            Self::Feedback { .. } => counts.feedback += 1,
            Self::Rule { .. } | Self::Metric { .. } | Self::Document { .. } | Self::Run => {}
        }
    }

    /// Adds this row to its columns.
    pub(super) fn extend(&self, seq: Seq, delta: &mut Delta) {
        match self {
            Self::Session { session, features, synthetic, times } => {
                let columns = &mut delta.sessions;
                columns.seq.push(seq.0);
                columns.event_time_us.push(times.event.0);
                columns.known_time_us.push(times.known.0);
                columns.quality_score.push(number(session.quality_score));
                columns.improvement_score.push(number(session.improvement_score));
                columns.synthetic.push(*synthetic);
                columns.features.extend_from_slice(features.as_slice());
            }
            Self::Application { session, rule, application, times } => {
                let columns = &mut delta.applications;
                columns.seq.push(seq.0);
                columns.session_seq.push(session.0);
                columns.rule_seq.push(rule.0);
                columns.event_time_us.push(times.event.0);
                columns.known_time_us.push(times.known.0);
                columns.improvement_score.push(number(application.improvement_score));
                columns.confidence.push(number(application.confidence));
                columns.execution_time_ms.push(number(application.execution_time_ms));
                columns.propensity.push(number(application.propensity));
            }
            Self::Feedback { session, rating, times } => {
                let columns = &mut delta.feedback;
                columns.seq.push(seq.0);
                columns.session_seq.push(session.0);
                columns.event_time_us.push(times.event.0);
                columns.known_time_us.push(times.known.0);
                columns.rating.push(*rating);
            }
            Self::Rule { name } => delta.rules.push((seq, Arc::clone(name))),
            Self::Metric { .. } | Self::Document { .. } | Self::Run => {}
        }
    }
}
