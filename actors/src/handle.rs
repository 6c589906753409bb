//! The one way into a running kernel.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use souffleur_core::batch::TrainingBatch;
use souffleur_core::catalogue::Entry;
use souffleur_core::clock::Clock;
use souffleur_core::ids::Seq;
use souffleur_core::query::Query;
use souffleur_core::store::{Append, Receipt, Store};
use souffleur_core::time::Timestamp;
use tokio::sync::broadcast;

use crate::error::CallError;
use crate::events::RuntimeEvent;
use crate::health::{Check, ComponentHealth, Health, HealthStatus, PartHealth, Percentiles, RunCounts, State};
use crate::outcome::{RuntimeMetrics, ShutdownReport, SlotUsage, TrainOutcome};
use crate::settings::KernelSettings;

/// Speaks to a running kernel from any thread and any async runtime. Clones are cheap and share it.
///
/// Dropping the last clone asks the kernel to shut down and does not wait for it; call
/// [`shutdown`](Self::shutdown) to wait.
#[derive(Clone)]
pub struct Handle {
    inner: Arc<Inner>,
}

struct Inner {
    entries: Vec<Entry>,
    order: Vec<usize>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    events: broadcast::Sender<RuntimeEvent>,
    since: Timestamp,
}

impl Handle {
    pub(crate) fn new(
        entries: Vec<Entry>,
        order: Vec<usize>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        settings: &KernelSettings,
    ) -> Self {
        let since = clock.now();
        let events = broadcast::Sender::new(settings.event_capacity);
        Self { inner: Arc::new(Inner { entries, order, store, clock, events, since }) }
    }

    /// Appends records in one transaction. Answered after the commit; the loader is told.
    ///
    /// # Errors
    /// [`CallError::Store`], [`CallError::DeadlineExceeded`], [`CallError::ShuttingDown`], [`CallError::Stopped`].
    pub async fn append(&self, records: Vec<Append>) -> Result<Vec<Receipt>, CallError> {
        Ok(self.inner.store.append(records, self.inner.clock.now()).await?)
    }

    /// Asks the loader for a batch.
    ///
    /// # Errors
    /// [`CallError::Invalid`], [`CallError::Busy`], [`CallError::Store`], [`CallError::DeadlineExceeded`],
    /// [`CallError::ShuttingDown`], [`CallError::Stopped`].
    pub async fn batch(&self, query: Query) -> Result<Arc<TrainingBatch>, CallError> {
        query.validate()?;
        Err(CallError::Stopped)
    }

    /// Trains a component on the newest data and waits for the outcome, at most `deadline`. Joins a run that is
    /// queued already. When nobody waits for a run any more it is cancelled.
    ///
    /// # Errors
    /// Any [`CallError`] but `NotTrained`.
    pub async fn train(&self, component: &str, deadline: Duration) -> Result<TrainOutcome, CallError> {
        let _ = deadline;
        self.find(component)?;
        Err(CallError::Stopped)
    }

    /// Cancels the component's running job and returns once it was told.
    ///
    /// # Errors
    /// [`CallError::UnknownComponent`], [`CallError::Stopped`].
    pub async fn cancel(&self, component: &str) -> Result<(), CallError> {
        self.find(component)?;
        Err(CallError::Stopped)
    }

    /// Puts a question to the component's published model. Never waits for training; the deadline is the
    /// component's answer budget.
    ///
    /// # Errors
    /// [`CallError::NotTrained`], [`CallError::Component`], [`CallError::Busy`], [`CallError::DeadlineExceeded`],
    /// [`CallError::UnknownComponent`], [`CallError::ShuttingDown`], [`CallError::Stopped`].
    pub async fn query(&self, component: &str, query: Value) -> Result<Value, CallError> {
        let _ = query;
        self.find(component)?;
        Err(CallError::Stopped)
    }

    /// The health of the whole. Reads atomics and published snapshots; waits for nobody.
    #[must_use]
    pub fn health(&self) -> Health {
        let part = || PartHealth { up: false, reason: "not started".to_owned(), restarts: 0 };
        let components = self.inner.entries.iter().map(|entry| self.starting(entry)).collect();
        Health {
            score: 0.0,
            status: HealthStatus::Starting,
            since: self.inner.since,
            loader: part(),
            monitor: part(),
            supervisor: part(),
            store: part(),
            components,
            watermark: Seq::ZERO,
            feedback_latency: Percentiles::default(),
        }
    }

    /// One component's health; `None` if there is no such component. Waits for nobody.
    #[must_use]
    pub fn component_health(&self, name: &str) -> Option<ComponentHealth> {
        self.inner.entries.iter().find(|entry| entry.name == name).map(|entry| self.starting(entry))
    }

    /// Lets a component take no more jobs: the running one is stopped and put back. Answers go on.
    ///
    /// # Errors
    /// [`CallError::UnknownComponent`], [`CallError::Stopped`].
    pub async fn pause(&self, component: &str) -> Result<(), CallError> {
        self.find(component)?;
        Err(CallError::Stopped)
    }

    /// Undoes [`pause`](Self::pause).
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub async fn resume(&self, component: &str) -> Result<(), CallError> {
        self.find(component)?;
        Err(CallError::Stopped)
    }

    /// Restarts a component at once and forgets its failures; lifts quarantine.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub async fn restart(&self, component: &str) -> Result<(), CallError> {
        self.find(component)?;
        Err(CallError::Stopped)
    }

    /// The components, in catalogue order.
    #[must_use]
    pub fn components(&self) -> &[Entry] {
        &self.inner.entries
    }

    /// Indices into [`components`](Self::components), producers before their consumers.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.inner.order
    }

    /// Listens to what happens from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<RuntimeEvent> {
        self.inner.events.subscribe()
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// Counters and latencies. Waits for nobody.
    #[must_use]
    pub fn metrics(&self) -> RuntimeMetrics {
        RuntimeMetrics {
            components: Vec::new(),
            compute: SlotUsage::default(),
            answer: SlotUsage::default(),
            uptime_ms: 0,
            watermark: Seq::ZERO,
            records_appended: 0,
            append_latency: Percentiles::default(),
            feedback_latency: Percentiles::default(),
            control_lag_ms: 0.0,
        }
    }

    /// Shuts down in order and within limits; a second call waits for the first.
    pub async fn shutdown(&self) -> ShutdownReport {
        ShutdownReport::default()
    }

    /// Whether the runtime has started everything and takes work.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        false
    }

    fn starting(&self, entry: &Entry) -> ComponentHealth {
        let check = || Check { passed: false, reason: "not started".to_owned() };
        ComponentHealth {
            name: entry.name.to_string(),
            tier: entry.spec().tier,
            state: State::Starting,
            data_flow: check(),
            performance: check(),
            quality: check(),
            overall: false,
            reason: "not started".to_owned(),
            since: self.inner.since,
            restarts_in_window: 0,
            restarts: 0,
            mailbox_depth: 0,
            progress: None,
            data_version: None,
            lag_rows: 0,
            probe: None,
            answer_latency: Percentiles::default(),
            trained: false,
            model_id: None,
            runs: RunCounts::default(),
        }
    }

    fn find(&self, name: &str) -> Result<usize, CallError> {
        let found = self.inner.entries.iter().position(|entry| entry.name == name);
        found.ok_or_else(|| CallError::UnknownComponent { name: name.to_owned(), nearest: None })
    }
}
