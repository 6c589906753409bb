//! Columnar rows as the store hands them to the loader.

use std::sync::Arc;

use crate::ids::Seq;

/// The rows of one stretch of the global order. Missing numbers are `NaN`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delta {
    /// Every row up to and including this one is in this or an earlier delta.
    pub watermark: Seq,
    /// Whether more rows follow.
    pub more: bool,
    /// Sessions, real and made up.
    pub sessions: SessionColumns,
    /// Rule applications.
    pub applications: ApplicationColumns,
    /// Feedback.
    pub feedback: FeedbackColumns,
    /// Rules first seen in this stretch: their place in the global order, and their names.
    pub rules: Vec<(Seq, Arc<str>)>,
    /// Erasures in this stretch, by their place in the global order. Whoever read rows before such a place was committed may
    /// hold erased ones, and reads them again; whoever reads them after that does not get them.
    pub erasures: Vec<Seq>,
}

/// Sessions as columns, in the global order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionColumns {
    /// Place in the global order, strictly increasing.
    pub seq: Vec<i64>,
    /// When it happened, microseconds since the epoch.
    pub event_time_us: Vec<i64>,
    /// When the hub learnt it, microseconds since the epoch.
    pub known_time_us: Vec<i64>,
    /// Quality of the outcome.
    pub quality_score: Vec<f32>,
    /// How much better it became.
    pub improvement_score: Vec<f32>,
    /// Whether it was made up.
    pub synthetic: Vec<bool>,
    /// Features, row-major, `WIDTH` per row.
    pub features: Vec<f32>,
}

/// Rule applications as columns, in the global order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApplicationColumns {
    /// Place in the global order, strictly increasing.
    pub seq: Vec<i64>,
    /// Place of its session.
    pub session_seq: Vec<i64>,
    /// Place of its rule.
    pub rule_seq: Vec<i64>,
    /// When it happened, microseconds since the epoch.
    pub event_time_us: Vec<i64>,
    /// When the hub learnt it, microseconds since the epoch.
    pub known_time_us: Vec<i64>,
    /// How much better it made the prompt.
    pub improvement_score: Vec<f32>,
    /// How sure the rule was.
    pub confidence: Vec<f32>,
    /// How long it took.
    pub execution_time_ms: Vec<f32>,
    /// Probability with which it was chosen.
    pub propensity: Vec<f32>,
}

/// Feedback as columns, in the global order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeedbackColumns {
    /// Place in the global order, strictly increasing.
    pub seq: Vec<i64>,
    /// Place of its session.
    pub session_seq: Vec<i64>,
    /// When it was given, microseconds since the epoch.
    pub event_time_us: Vec<i64>,
    /// When the hub learnt it, microseconds since the epoch.
    pub known_time_us: Vec<i64>,
    /// From 1 to 5.
    pub rating: Vec<u8>,
}
