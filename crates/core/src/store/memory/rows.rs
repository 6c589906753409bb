//! One row of the global order.

use std::sync::Arc;

use crate::document::{Document, DocumentKind};
use crate::features::FeatureVector;
use crate::ids::Seq;
use crate::records::{FeedbackEntry, MetricPoint, RuleApplication, Session};
use crate::store::{Counts, Delta, StoredSession};
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
    /// Its rules and feedback are rows of their own.
    Session {
        session: Box<Session>,
        features: Box<FeatureVector>,
        provenance: Option<String>,
        times: Times,
    },
    Application {
        session: Seq,
        rule: Seq,
        application: RuleApplication,
        times: Times,
    },
    Feedback {
        session: Seq,
        entry: FeedbackEntry,
        times: Times,
    },
    Rule {
        name: Arc<str>,
    },
    Metric {
        point: MetricPoint,
    },
    Document {
        kind: DocumentKind,
        subject: String,
        body: serde_json::Value,
        times: Times,
    },
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

    /// The session whose part it is.
    pub(super) fn part_of(&self) -> Option<Seq> {
        match self {
            Self::Application { session, .. } | Self::Feedback { session, .. } => Some(*session),
            _ => None,
        }
    }

    /// The session, still without its parts.
    pub(super) fn stored(&self, seq: Seq) -> Option<StoredSession> {
        match self {
            Self::Session { session, provenance, .. } => {
                Some(StoredSession { seq, session: (**session).clone(), provenance: provenance.clone() })
            }
            _ => None,
        }
    }

    /// Joins its session, if it is part of one.
    pub(super) fn join(&self, session: &mut Session) {
        let own = |times: &Times| Some(times.event).filter(|event| Some(*event) != session.event_time);
        match self {
            Self::Application { application, times, .. } => {
                let event_time = own(times);
                session.rules.push(RuleApplication { event_time, ..application.clone() });
            }
            Self::Feedback { entry, times, .. } => {
                let event_time = own(times);
                session.feedback.push(FeedbackEntry { event_time, ..entry.clone() });
            }
            _ => {}
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
            Self::Session { provenance: None, .. } => counts.sessions += 1,
            Self::Session { provenance: Some(_), .. } => counts.training_prompts += 1,
            Self::Application { .. } => counts.rule_applications += 1,
            Self::Feedback { .. } => counts.feedback += 1,
            Self::Rule { .. } | Self::Metric { .. } | Self::Document { .. } | Self::Run => {}
        }
    }

    /// Adds this row to its columns.
    pub(super) fn extend(&self, seq: Seq, delta: &mut Delta) {
        match self {
            Self::Session { session, features, provenance, times } => {
                let columns = &mut delta.sessions;
                columns.seq.push(seq.0);
                columns.event_time_us.push(times.event.0);
                columns.known_time_us.push(times.known.0);
                columns.quality_score.push(number(session.quality_score));
                columns.improvement_score.push(number(session.improvement_score));
                columns.synthetic.push(provenance.is_some());
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
            Self::Feedback { session, entry, times } => {
                let columns = &mut delta.feedback;
                columns.seq.push(seq.0);
                columns.session_seq.push(session.0);
                columns.event_time_us.push(times.event.0);
                columns.known_time_us.push(times.known.0);
                columns.rating.push(entry.rating);
            }
            Self::Rule { name } => delta.rules.push((seq, Arc::clone(name))),
            Self::Metric { .. } | Self::Document { .. } | Self::Run => {}
        }
    }
}
