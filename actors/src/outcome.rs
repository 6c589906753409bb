//! What calls bring home: the outcome of a training run, figures for the operator, the report of a shutdown.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use souffleur_cache::CacheStatus;
use souffleur_core::component::Measurement;
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::query::Query;

use crate::health::{Percentiles, RunCounts, State};

/// A training run that ended with a model.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TrainOutcome {
    /// The run.
    pub run_id: String,
    /// Which component.
    pub component: String,
    /// The model it made.
    pub model_id: String,
    /// The data it was trained on.
    pub version: DataVersion,
    /// Rows it was trained on.
    pub rows: usize,
    /// How long it computed.
    pub duration_ms: u64,
    /// What was found.
    pub report: Value,
    /// Figures about the model.
    pub metrics: Vec<Measurement>,
    /// Whether it is the live model now; otherwise it is a candidate, and the one before goes on answering.
    pub live: bool,
    /// What the gate said of it.
    pub gate: String,
}

/// Counters and latencies of one component since the runtime was started.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ComponentMetrics {
    /// Its name.
    pub name: String,
    /// What it is doing.
    pub state: State,
    /// Calls queued and running.
    pub mailbox_depth: usize,
    /// Answers given.
    pub answers: u64,
    /// Questions that ended with an error.
    pub answer_errors: u64,
    /// Calls turned away because a queue was full.
    pub busy: u64,
    /// Training runs.
    pub runs: RunCounts,
    /// Restarts.
    pub restarts: u64,
    /// Probes that passed.
    pub probes_passed: u64,
    /// Probes that failed.
    pub probes_failed: u64,
    /// Rows that came after its model's data.
    pub lag_rows: u64,
    /// How long answers took, waiting included.
    pub answer_latency: Percentiles,
    /// How long training computed.
    pub train_latency: Percentiles,
    /// Sum of all answer latencies.
    pub answer_sum_ms: f64,
    /// Sum of all training times.
    pub train_sum_ms: f64,
}

/// How a pool of compute slots is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SlotUsage {
    /// Slots there are.
    pub slots: usize,
    /// Slots at work.
    pub busy: usize,
    /// Jobs waiting for a slot.
    pub queued: usize,
    /// Threads given up because their job would not stop.
    pub abandoned: usize,
}

/// Figures of the whole runtime since it was started.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RuntimeMetrics {
    /// The components, in catalogue order.
    pub components: Vec<ComponentMetrics>,
    /// Slots for training and probes.
    pub compute: SlotUsage,
    /// Slots for answers.
    pub answer: SlotUsage,
    /// The cache of answers; absent if there is none.
    pub cache: Option<CacheStatus>,
    /// How long the runtime runs.
    pub uptime_ms: u64,
    /// The newest row's place in the global order.
    pub watermark: Seq,
    /// Records appended through this runtime.
    pub records_appended: u64,
    /// From the call to the commit of an append.
    pub append_latency: Percentiles,
    /// From the commit of a row to its being usable in a batch.
    pub feedback_latency: Percentiles,
    /// How late the control thread was when it last looked.
    pub control_lag_ms: f64,
}

/// A query for a batch and how often it was asked.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FrequentBatch {
    /// The query.
    pub query: Query,
    /// How often it was asked since its batch is kept.
    pub asked: u64,
}

/// A question to a component and how often it was asked.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FrequentQuestion {
    /// Which component.
    pub component: String,
    /// The question.
    pub question: Value,
    /// How often it was asked; what was asked of the model before counts half.
    pub asked: u64,
}

/// What is asked for most.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Frequent {
    /// Batches, most often first.
    pub batches: Vec<FrequentBatch>,
    /// Questions whose answers are kept, most often first.
    pub questions: Vec<FrequentQuestion>,
}

/// One step of a shutdown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ShutdownStep {
    /// What was done.
    pub step: String,
    /// Whether it was done in time.
    pub completed: bool,
    /// How long it took.
    pub duration_ms: u64,
}

/// What a shutdown did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ShutdownReport {
    /// Whether every job ended and every step was done in time.
    pub clean: bool,
    /// Jobs that had to be cancelled.
    pub cancelled: usize,
    /// Jobs whose threads had to be given up.
    pub abandoned: usize,
    /// The steps, in order.
    pub steps: Vec<ShutdownStep>,
    /// How long it took in all.
    pub duration_ms: u64,
}
