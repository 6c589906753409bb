//! What a component is handed: an immutable, shared table of rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::ArcArray2;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::Document;
use crate::ids::{DataVersion, Seq};
use crate::query::Query;
use crate::records::{FAILURE_BELOW, MetricPoint};

/// The answer to one [`Query`], made once per data version and shared by all who ask the same.
///
/// Row `i` of every column is the same row. Missing numbers are `NaN`.
#[derive(Clone, Debug)]
pub struct TrainingBatch {
    /// The question it answers.
    pub query: Query,
    /// The exact data it was made from.
    pub version: DataVersion,
    /// Names of the feature columns, in order.
    pub columns: Vec<&'static str>,
    /// Features, rows x columns, each in [0, 1]; standard (row-major) layout.
    pub features: ArcArray2<f32>,
    /// Which row of which table each row is: its lineage.
    pub rows: Rows,
    /// What became of each row.
    pub outcomes: Outcomes,
    /// What the rule did, when a row is a rule application.
    pub applications: Option<Applications>,
    /// The rules applied in each session, when a row is a session and the query asked for them.
    pub session_rules: Option<SessionRules>,
    /// The metric points, when a row is one.
    pub metrics: Vec<MetricPoint>,
    /// The documents, when a row is one.
    pub documents: Vec<Document>,
    /// The newest report of every component this one consumes from, by component name.
    pub products: BTreeMap<String, Arc<Value>>,
    /// How good the data is.
    pub quality: DataQuality,
}

/// Where each row came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// The row's own place in the global order.
    pub seq: Vec<Seq>,
    /// Its session's place in the global order.
    pub session: Vec<Seq>,
    /// When it happened, microseconds since the epoch.
    pub event_time_us: Vec<i64>,
    /// Whether it was made up.
    pub synthetic: Vec<bool>,
}

/// What became of each row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcomes {
    /// How well the session went, in [0, 1] ([`crate::records::success_score`]).
    pub success_score: Vec<f32>,
    /// Quality of the session's outcome, in [0, 1].
    pub quality_score: Vec<f32>,
    /// How much better it became (the rule's own figure when a row is an application), in [-1, 1].
    pub improvement_score: Vec<f32>,
    /// Mean of the session's ratings, 1 to 5.
    pub mean_rating: Vec<f32>,
    /// How many ratings the session has.
    pub ratings: Vec<u32>,
}

impl Outcomes {
    /// Whether row `i` failed; `None` if nothing is known of how it went.
    #[must_use]
    pub fn failed(&self, i: usize) -> Option<bool> {
        self.success_score.get(i).filter(|s| !s.is_nan()).map(|&s| f64::from(s) < FAILURE_BELOW)
    }
}

/// What the rule did, for each row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applications {
    /// Index into `rule_ids`.
    pub rule: Vec<u32>,
    /// The rules that occur, by index.
    pub rule_ids: Vec<Arc<str>>,
    /// How sure the rule was, in [0, 1].
    pub confidence: Vec<f32>,
    /// How long it took.
    pub execution_time_ms: Vec<f32>,
    /// Probability with which it was chosen.
    pub propensity: Vec<f32>,
}

/// The rules applied in each session, in order: those of row `i` stand at [`SessionRules::of`]`(i)` of the other columns.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRules {
    /// Where each row's rules begin, and after the last row their number: one more than there are rows.
    pub starts: Vec<u32>,
    /// Index into `rule_ids`.
    pub rule: Vec<u32>,
    /// The rules that occur, by index.
    pub rule_ids: Vec<Arc<str>>,
    /// How much better the rule made it, in [-1, 1].
    pub improvement_score: Vec<f32>,
    /// Probability with which it was chosen.
    pub propensity: Vec<f32>,
}

impl Default for SessionRules {
    fn default() -> Self {
        Self {
            starts: vec![0],
            rule: Vec::new(),
            rule_ids: Vec::new(),
            improvement_score: Vec::new(),
            propensity: Vec::new(),
        }
    }
}

impl SessionRules {
    /// Where the rules of row `i` stand; nowhere for a row that is not there.
    #[must_use]
    pub fn of(&self, i: usize) -> std::ops::Range<usize> {
        match (self.starts.get(i), self.starts.get(i + 1)) {
            (Some(&start), Some(&end)) => start as usize..end as usize,
            _ => 0..0,
        }
    }
}

/// How far a batch can be trusted. Shares are of all rows, in [0, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DataQuality {
    /// One minus the weighted sum of the shares below, in [0, 1].
    pub score: f64,
    /// Rows whose outcome is unknown.
    pub missing: f64,
    /// Rows with a feature outside [0, 1] or not finite.
    pub out_of_range: f64,
    /// Rows equal to an earlier one in every feature and outcome.
    pub duplicates: f64,
    /// Pairs of rows with equal features whose outcomes contradict each other, per row.
    pub label_noise: f64,
    /// Rows older than the staleness limit, seen from the newest row.
    pub staleness: f64,
    /// Rows that were made up.
    pub synthetic: f64,
}

impl TrainingBatch {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.seq.len()
    }

    /// Whether it has no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.seq.is_empty()
    }

    /// Memory the columns take, in bytes (documents and products not counted).
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let per_row = size_of::<Seq>() * 2 + size_of::<i64>() + 1 + 5 * size_of::<f32>();
        let per_application = if self.applications.is_some() { 4 * size_of::<f32>() } else { 0 };
        let rules = self.session_rules.as_ref().map_or(0, |r| 4 * (r.starts.len() + 3 * r.rule.len()));
        self.features.len() * size_of::<f32>() + self.len() * (per_row + per_application) + rules
    }
}
