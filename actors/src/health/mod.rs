//! Health: what is read, how it is judged, who keeps it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_cache::CacheStatus;
use souffleur_core::component::Tier;
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::time::Timestamp;

pub(crate) mod assess;
pub(crate) mod board;
pub(crate) mod monitor;
pub mod percentiles;

pub use percentiles::Percentiles;

/// What a component is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Reading its parameters and its last model.
    Starting,
    /// Waiting for work.
    Ready,
    /// Training.
    Training,
    /// Working, but something is wrong; the reason says what.
    Degraded,
    /// Waiting out the pause before a restart.
    Restarting,
    /// Failed too often; waits for a reset.
    Quarantined,
    /// Held by an operator, or waiting for a producer to come back.
    Paused,
    /// Ended for good.
    Stopped,
}

impl State {
    /// All states, in the order of their codes.
    pub const ALL: [State; 8] = [
        Self::Starting,
        Self::Ready,
        Self::Training,
        Self::Degraded,
        Self::Restarting,
        Self::Quarantined,
        Self::Paused,
        Self::Stopped,
    ];

    /// The state's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Training => "training",
            Self::Degraded => "degraded",
            Self::Restarting => "restarting",
            Self::Quarantined => "quarantined",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// One of the three checks, with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// Whether it passed.
    pub passed: bool,
    /// Why, in words.
    pub reason: String,
}

/// What the last probe with a known answer said.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProbeResult {
    /// Whether the answer was right.
    pub passed: bool,
    /// What was wrong.
    pub reason: Option<String>,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took, from the call to the answer.
    pub duration_ms: f64,
}

/// How far the running job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct JobProgress {
    /// Units of work done.
    pub done: u64,
    /// Units of work in all, 0 if not known.
    pub total: u64,
    /// When it last gave a sign of life.
    pub last_tick: Timestamp,
}

/// Training runs since the runtime was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunCounts {
    /// Runs that ended with a model.
    pub succeeded: u64,
    /// Runs that ended without one.
    pub failed: u64,
    /// Runs that were cancelled.
    pub cancelled: u64,
}

/// One component's health.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ComponentHealth {
    /// Its name.
    pub name: String,
    /// The group it belongs to.
    pub tier: Tier,
    /// What it is doing.
    pub state: State,
    /// Whether data reaches it.
    pub data_flow: Check,
    /// Whether it keeps its times.
    pub performance: Check,
    /// Whether its answers are right.
    pub quality: Check,
    /// Whether all three passed.
    pub overall: bool,
    /// Why it is in this state, in words.
    pub reason: String,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// Failures within the restart window.
    pub restarts_in_window: u32,
    /// Restarts since the runtime was started.
    pub restarts: u64,
    /// Calls queued and running.
    pub mailbox_depth: usize,
    /// The running job, if there is one.
    pub progress: Option<JobProgress>,
    /// The data its model was trained on.
    pub data_version: Option<DataVersion>,
    /// Rows that came after its model's data.
    pub lag_rows: u64,
    /// What the last probe said; absent before the first.
    pub probe: Option<ProbeResult>,
    /// How long answers took.
    pub answer_latency: Percentiles,
    /// Whether it has a model to answer from.
    pub trained: bool,
    /// The model it answers from.
    pub model_id: Option<String>,
    /// Training runs since the runtime was started.
    pub runs: RunCounts,
}

/// The whole's health in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// Not everything has been started and probed yet.
    Starting,
    /// Every probe passed and every check is in order.
    Healthy,
    /// Something is wrong, the rest works.
    Degraded,
    /// Less than half of the weighted probes pass, or the control threads stand still.
    Unhealthy,
    /// Shutting down, or shut down.
    Stopped,
}

/// The health of one of the runtime's own parts.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PartHealth {
    /// Whether it works.
    pub up: bool,
    /// Why, in words.
    pub reason: String,
    /// How often its actor was restarted.
    pub restarts: u64,
}

/// The health of the whole.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Health {
    /// Weighted share of the probes that passed, in [0, 1]; a component without a probe counts 0.
    pub score: f64,
    /// The word for it.
    pub status: HealthStatus,
    /// Since when the runtime runs.
    pub since: Timestamp,
    /// The loader.
    pub loader: PartHealth,
    /// The health monitor.
    pub monitor: PartHealth,
    /// The supervisor.
    pub supervisor: PartHealth,
    /// The store, as its last write or read showed.
    pub store: PartHealth,
    /// The cache of answers, its second level included; absent if there is none. Trouble there costs time, never an
    /// answer, so it changes neither score nor status.
    pub cache: Option<CacheStatus>,
    /// The components, in catalogue order.
    pub components: Vec<ComponentHealth>,
    /// The newest row's place in the global order.
    pub watermark: Seq,
    /// From the commit of a row to its being usable in a batch.
    pub feedback_latency: Percentiles,
}
