//! What the loader can be told and asked.

use std::sync::Arc;

use actix::Message;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use souffleur_core::batch::TrainingBatch;
use souffleur_core::ids::{Epoch, Seq};
use souffleur_core::query::{FeatureSet, Query};
use souffleur_core::store::{Append, Receipt};

use super::error::LoaderError;
use super::leases::BatchLease;
use crate::port::Ask;

/// Asks for data. Everybody who asks the same of the same data version is handed the same batch.
///
/// The batch's `products` are empty: they differ from component to component, and whoever trains one adds them.
#[derive(Clone, Debug)]
pub struct GetTrainingBatch {
    /// Who asks.
    pub component: Arc<str>,
    /// The question.
    pub query: Query,
    /// At most this many of the newest rows, if fewer than the query's own limit.
    pub batch_size: Option<usize>,
    /// Takes the place of the query's own features.
    pub features: Option<FeatureSet>,
}

impl Ask for GetTrainingBatch {
    type Reply = Result<Arc<TrainingBatch>, LoaderError>;
}

impl GetTrainingBatch {
    /// Asks for what the query says.
    #[must_use]
    pub fn new(component: impl Into<Arc<str>>, query: Query) -> Self {
        Self { component: component.into(), query, batch_size: None, features: None }
    }

    /// The query with `batch_size` and `features` worked in.
    #[must_use]
    pub fn into_query(self) -> Query {
        let mut query = self.query;
        if let Some(size) = self.batch_size {
            query.limit = Some(query.limit.map_or(size, |limit| limit.min(size)));
        }
        if let Some(features) = self.features {
            query.features = features;
        }
        query
    }
}

/// Rows were committed up to `watermark`. Several are taken as one.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct DataChanged {
    /// The newest committed row.
    pub watermark: Seq,
}

/// Asks for data with the duty to acknowledge it. Until then the same data is served again.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Who asks.
    pub component: Arc<str>,
    /// Its incarnation.
    pub epoch: Epoch,
    /// The question.
    pub query: Query,
}

impl Ask for Lease {
    type Reply = Result<Leased, LoaderError>;
}

/// A batch and the lease on it.
#[derive(Clone, Debug)]
pub struct Leased {
    /// The lease.
    pub lease: BatchLease,
    /// The batch; its query is pinned to the lease's version.
    pub batch: Arc<TrainingBatch>,
}

/// The leased data was worked through.
#[derive(Clone, Debug)]
pub struct Acknowledge {
    /// Who held the lease.
    pub component: Arc<str>,
    /// Its incarnation.
    pub epoch: Epoch,
    /// The lease's number.
    pub lease: u64,
}

impl Ask for Acknowledge {
    type Reply = Result<(), LoaderError>;
}

/// Records what a component found, as a document of kind `results`. The same results with the same metadata are
/// recorded once.
#[derive(Clone, Debug)]
pub struct SubmitResults {
    /// Whose results.
    pub component: Arc<str>,
    /// What was found.
    pub results: Value,
    /// Anything that tells this submission from others: run, batch, epoch.
    pub metadata: Value,
}

impl Ask for SubmitResults {
    type Reply = Result<Receipt, LoaderError>;
}

/// Records what users or the analytics loop observed: feedback and metric points.
#[derive(Clone, Debug)]
pub struct AddFeedbackData {
    /// The records, with their idempotency keys.
    pub records: Vec<Append>,
}

impl Ask for AddFeedbackData {
    type Reply = Result<Vec<Receipt>, LoaderError>;
}

/// Asks for the rows a model was trained on, with what the hub knew of them then. Not kept: every call builds it anew.
#[derive(Clone, Debug)]
pub struct ModelTrainingData {
    /// The model.
    pub model_id: String,
}

impl Ask for ModelTrainingData {
    type Reply = Result<Arc<TrainingBatch>, LoaderError>;
}

/// Asks which queries are asked most.
#[derive(Clone, Copy, Debug)]
pub struct FrequentlyAccessed {
    /// At most this many.
    pub limit: usize,
}

impl Ask for FrequentlyAccessed {
    type Reply = Vec<(Query, u64)>;
}

/// Asks how the loader stands.
#[derive(Clone, Copy, Debug)]
pub struct GetLoaderStatus;

impl Ask for GetLoaderStatus {
    type Reply = LoaderStatus;
}

/// Stops intake and running work and takes all leases back. Idempotent.
#[derive(Clone, Copy, Debug)]
pub struct DrainLoader;

impl Ask for DrainLoader {
    type Reply = ();
}

/// How the loader stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct LoaderStatus {
    /// Whether the history was read at least once.
    pub loaded: bool,
    /// Every row up to this one can be in a batch.
    pub watermark: Seq,
    /// The newest row it was told of.
    pub announced: Seq,
    /// Rows up to this one were forgotten for want of memory; they are read again when needed.
    pub floor: Seq,
    /// Sessions in memory.
    pub sessions: usize,
    /// Rule applications in memory.
    pub applications: usize,
    /// Feedback rows in memory.
    pub feedback: usize,
    /// Memory in use.
    pub memory_used_bytes: usize,
    /// Memory it may use.
    pub memory_limit_bytes: usize,
    /// Batches kept.
    pub cached_batches: usize,
    /// Leases not acknowledged.
    pub leases: usize,
    /// Askers waiting for a batch.
    pub waiting: usize,
    /// Whether the worker is at work.
    pub working: bool,
    /// Units done and in all of the running work (0: not known).
    pub progress: (u64, u64),
    /// Signs of life of the running work.
    pub progress_ticks: u64,
    /// Answers from the cache.
    pub hits: u64,
    /// Answers that had to be built or waited for.
    pub misses: u64,
    /// Batches built.
    pub builds: u64,
    /// Failed attempts to read since the last that went well.
    pub failures: u32,
    /// What the last failed attempt died of; absent when all is well.
    pub last_error: Option<String>,
    /// Whether it is shutting down.
    pub draining: bool,
}
