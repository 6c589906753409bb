//! What happens in the runtime, for whoever listens.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use souffleur_core::ids::Seq;
use souffleur_core::store::RunState;
use souffleur_core::time::Timestamp;

use crate::health::{HealthStatus, State};

/// One thing that happened. Listeners that lag behind miss some and are told how many.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RuntimeEvent {
    /// A component changed its state.
    StateChanged {
        /// Which component.
        component: Arc<str>,
        /// Its state before.
        from: State,
        /// Its state now.
        to: State,
        /// Why, in words.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// A training run began to compute.
    RunStarted {
        /// Which component.
        component: Arc<str>,
        /// The run.
        run_id: Arc<str>,
        /// Rows it learns from.
        rows: usize,
        /// When.
        at: Timestamp,
    },
    /// A component's running job came further.
    JobProgress {
        /// Which component.
        component: Arc<str>,
        /// Units of work done.
        done: u64,
        /// Units of work in all, 0 if not known.
        total: u64,
    },
    /// A training run ended.
    RunFinished {
        /// Which component.
        component: Arc<str>,
        /// The run.
        run_id: Arc<str>,
        /// How.
        state: RunState,
        /// Why it came to nothing, if it did.
        reason: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// Rows were appended.
    RowsAppended {
        /// The newest row's place in the global order.
        watermark: Seq,
        /// How many records there were.
        records: usize,
        /// When.
        at: Timestamp,
    },
    /// The health of the whole changed.
    HealthChanged {
        /// The score, in [0, 1].
        score: f64,
        /// The word for it.
        status: HealthStatus,
        /// When.
        at: Timestamp,
    },
}
