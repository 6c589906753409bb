//! Erasing sessions for good, and what would be touched by it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Commit, StoreError};
use crate::document::DocumentKind;
use crate::ids::Seq;
use crate::time::Timestamp;

/// Why an artefact has to do with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tie {
    /// It was made from a row of the session.
    Rows,
    /// It was made from another artefact that has to do with it.
    Inherited,
    /// It quotes the session, or names it or a run or a model that has to do with it.
    Quote,
}

/// A model that has to do with erased, or to be erased, sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TouchedModel {
    /// Its place in the global order.
    pub seq: Seq,
    /// Its name.
    pub model_id: String,
    /// Whose.
    pub component: String,
    /// The run that made it; its report goes with it.
    pub run_id: String,
    /// Why.
    pub tie: Tie,
    /// How many of its rows are rows of the sessions.
    pub rows: u64,
    /// Whether it is its component's live one.
    pub live: bool,
}

/// A document that has to do with the sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TouchedDocument {
    /// Its place in the global order.
    pub seq: Seq,
    /// What kind it is.
    pub kind: DocumentKind,
    /// Why.
    pub tie: Tie,
}

/// Everything that has to do with some sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Traces {
    /// The sessions that were found, by their places.
    pub sessions: Vec<Seq>,
    /// Names nobody has.
    pub unknown: Vec<String>,
    /// Rows of theirs: the sessions, what was applied in them, opinions on them.
    pub rows: Vec<Seq>,
    /// Models.
    pub models: Vec<TouchedModel>,
    /// Runs whose report quotes them, beside those of the models.
    pub reports: Vec<String>,
    /// Documents: results, patterns, insights ...
    pub documents: Vec<TouchedDocument>,
    /// Metric points about them.
    pub metric_points: Vec<Seq>,
    /// How many models' rows were looked through.
    pub lineages_read: u64,
    /// How many documents and reports were looked through.
    pub documents_read: u64,
}

/// What is to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erase {
    /// The sessions' names.
    pub session_ids: Vec<String>,
    /// Why, as it is kept.
    pub reason: String,
    /// When.
    pub now: Timestamp,
}

/// What an erasure did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Erased {
    /// Its place in the global order; absent if there was nothing to erase.
    pub seq: Option<Seq>,
    /// What it touched, and did away with.
    pub traces: Traces,
}

/// Where sessions can be traced and erased.
pub trait Erasure: Send + Sync {
    /// Everything that has to do with these sessions. Changes nothing.
    ///
    /// # Errors
    /// If the database fails.
    fn traces(&self, session_ids: &[String]) -> Result<Traces, StoreError>;

    /// Erases sessions with everything that has to do with them, in one transaction. The numbers of their rows stay taken; the
    /// erasure is itself a row, so that whoever read them learns of it. Names nobody has are no error.
    fn erase(&self, erase: Erase) -> Commit<Erased>;

    /// Rewrites the room that erased rows took, so that not a byte of them is left in the database's own files; as long as
    /// that takes, which is about as long as copying them, nothing is written. Says what is in the way, if anything is.
    fn compact(&self) -> Commit<Option<String>>;

    /// The names of the sessions that happened longest ago, real and made up, the oldest first, at most `limit`: of those
    /// before `before`, or of all.
    ///
    /// # Errors
    /// If the database fails.
    fn oldest(&self, before: Option<Timestamp>, limit: usize) -> Result<Vec<String>, StoreError>;

    /// How many sessions happened before a moment, real and made up.
    ///
    /// # Errors
    /// If the database fails.
    fn older(&self, than: Timestamp) -> Result<u64, StoreError>;

    /// Bytes of the database that hold something; less as soon as rows are erased. Nothing where that cannot be told.
    ///
    /// # Errors
    /// If the database fails.
    fn used_bytes(&self) -> Result<Option<u64>, StoreError>;

    /// The numbers after `after` up to and including `until` that were erased, as stretches from first to last.
    ///
    /// # Errors
    /// If the database fails.
    fn tombstones(&self, after: Seq, until: Seq) -> Result<Vec<(Seq, Seq)>, StoreError>;
}
