//! Training runs, their models and the right to commit them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Metrics, Origin, StoreError};
use crate::ids::{DataVersion, Epoch, Seq};
use crate::time::Timestamp;

/// A wish for the exclusive right to commit a component's next model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose model.
    pub component: String,
    /// The name of the run it is for; every run needs one of its own.
    pub run_id: String,
    /// When it is asked for.
    pub now: Timestamp,
    /// How long the right is to last at most.
    pub ttl_ms: u64,
    /// What the decision to train was based on; `None` if it holds whatever there is by now.
    pub basis: Option<Basis>,
}

/// What a decision to train was based on. Where it is not so in the store, the claim is refused with
/// [`StoreError::NotDue`]: runtimes that see the same rows train on them once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// The name of the newest model; `None` if there was none.
    pub model: Option<String>,
    /// How many rows a component can learn from (sessions, rule applications, feedback) are new since that model.
    pub new_rows: u64,
}

impl Claim {
    /// A claim that holds whatever the newest model is.
    #[must_use]
    pub fn new(component: impl Into<String>, run_id: impl Into<String>, now: Timestamp, ttl_ms: u64) -> Self {
        Self { component: component.into(), run_id: run_id.into(), now, ttl_ms, basis: None }
    }

    /// When the right expires.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        let ttl_us = i64::try_from(self.ttl_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        Timestamp(self.now.0.saturating_add(ttl_us))
    }

    /// Refuses a claim whose basis does not hold: the newest model is `newest`, since which `new_rows` are new.
    ///
    /// # Errors
    /// [`StoreError::NotDue`].
    pub fn check_basis(&self, newest: Option<String>, new_rows: u64) -> Result<(), StoreError> {
        let holds = |basis: &Basis| (newest.is_none() || basis.model == newest) && basis.new_rows <= new_rows;
        if self.basis.as_ref().is_none_or(holds) {
            return Ok(());
        }
        Err(StoreError::NotDue { component: self.component.clone(), model_id: newest, new_rows })
    }
}

/// The exclusive right to commit a component's next model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lease {
    /// Whose.
    pub component: String,
    /// The run it was taken for.
    pub run_id: String,
    /// The epoch every commit under it carries.
    pub epoch: Epoch,
    /// When it lapses.
    pub expires: Timestamp,
    /// The newest row a component can learn from when it was taken: what is trained under it must reach as far.
    pub watermark: Seq,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Started, not ended.
    Running,
    /// Ended with a model.
    Succeeded,
    /// Ended without one.
    Failed,
    /// Stopped on request.
    Cancelled,
    /// Superseded by a newer epoch before it ended.
    Abandoned,
}

impl RunState {
    /// The state's name, as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "abandoned",
        }
    }

    /// Reads a state's name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled, Self::Abandoned]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// A finished run on its way into the store.
#[derive(Clone, Debug)]
pub struct RunCommit {
    /// The lease it ran under.
    pub lease: Lease,
    /// When it ended.
    pub now: Timestamp,
    /// The data it was trained on.
    pub version: DataVersion,
    /// The seed it drew from.
    pub seed: u64,
    /// How long it took.
    pub duration_ms: u64,
    /// What was found.
    pub report: Value,
    /// Figures about the model.
    pub metrics: Metrics,
    /// The model's snapshot.
    pub snapshot: Vec<u8>,
    /// The exact rows it was trained on, in order.
    pub rows: Vec<Seq>,
    /// What else it was made with.
    pub origin: Origin,
}

/// A committed run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its place in the global order.
    pub seq: Seq,
    /// The name of its model.
    pub model_id: String,
}

/// A run that ended without a model.
#[derive(Clone, Debug)]
pub struct RunFailure {
    /// The lease it ran under.
    pub lease: Lease,
    /// When it ended.
    pub now: Timestamp,
    /// `Failed` or `Cancelled`.
    pub state: RunState,
    /// Why.
    pub reason: String,
}

/// A stored run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RunRow {
    /// Its name.
    pub run_id: String,
    /// Whose.
    pub component: String,
    /// The epoch it ran under.
    pub epoch: Epoch,
    /// How it stands.
    pub state: RunState,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The data it was trained on.
    pub version: Option<DataVersion>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// Why it failed.
    pub reason: Option<String>,
    /// What was found.
    pub report: Option<Value>,
    /// Figures about the model.
    #[schemars(with = "Vec<crate::component::Measurement>")]
    pub metrics: Metrics,
}

/// A stored model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRow {
    /// Its name.
    pub model_id: String,
    /// Whose.
    pub component: String,
    /// The run that made it.
    pub run_id: String,
    /// The epoch it was committed under.
    pub epoch: Epoch,
    /// The data it was trained on.
    pub version: DataVersion,
    /// When it was committed.
    pub created: Timestamp,
    /// The snapshot.
    pub snapshot: Vec<u8>,
}
