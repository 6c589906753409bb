//! The one way into a running kernel.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use souffleur_core::batch::TrainingBatch;
use souffleur_core::catalogue::Entry;
use souffleur_core::clock::Clock;
use souffleur_core::query::Query;
use souffleur_core::store::{Append, Receipt, Store, validate_all};
use tokio::sync::broadcast;

use crate::component::{ComponentActor, Identity};
use crate::error::CallError;
use crate::events::RuntimeEvent;
use crate::health::board::ComponentBoard;
use crate::health::{ComponentHealth, Health, State, assess};
use crate::kernel::Kernel;
use crate::messages::{Operate, Restart, Train};
use crate::outcome::{ComponentMetrics, Frequent, RuntimeMetrics, ShutdownReport, TrainOutcome};
use crate::port::Port;
use crate::repeated::Asked;
use crate::{append, repeated, shutdown};

/// How long a word to a component or the supervisor may take.
const CONTROL_LIMIT: Duration = Duration::from_secs(5);
/// How like a known name a wrong one must be to be suggested (Jaro-Winkler, 0 to 1).
const SUGGEST_FROM: f64 = 0.8;

/// Speaks to a running kernel from any thread and any async runtime. Clones are cheap and share it.
///
/// Dropping the last clone asks the kernel to shut down and does not wait for it; call
/// [`shutdown`](Self::shutdown) to wait.
#[derive(Clone)]
pub struct Handle {
    inner: Arc<Inner>,
}

struct Inner {
    kernel: Arc<Kernel>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        shutdown::begin(&self.kernel);
    }
}

impl Handle {
    pub(crate) fn new(kernel: Kernel) -> Self {
        Self { inner: Arc::new(Inner { kernel: Arc::new(kernel) }) }
    }

    /// Lets `work` run on the control thread, where the timers are, and waits for it from wherever this is.
    pub(crate) async fn on_kernel<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, CallError>> + Send + 'static,
    ) -> Result<T, CallError> {
        self.kernel().runtime.spawn(work).await.unwrap_or(Err(CallError::Stopped))
    }

    pub(crate) fn kernel(&self) -> &Arc<Kernel> {
        &self.inner.kernel
    }

    pub(crate) fn takes_work(&self) -> Result<(), CallError> {
        self.kernel().stopper.refusal().map_or(Ok(()), Err)
    }

    pub(crate) fn find(&self, name: &str) -> Result<(&Arc<Identity>, &Port<ComponentActor>), CallError> {
        let kernel = self.kernel();
        if let Some(i) = kernel.entries.iter().position(|entry| entry.name == name) {
            return Ok((&kernel.identities[i], &kernel.components[i]));
        }
        let likeness = |entry: &&Entry| strsim::jaro_winkler(&entry.name, name);
        let nearest = kernel.entries.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        let nearest = nearest.filter(|entry| likeness(entry) >= SUGGEST_FROM).map(|entry| entry.name.to_string());
        Err(CallError::UnknownComponent { name: name.to_owned(), nearest })
    }

    async fn operate(&self, component: &str, operate: Operate) -> Result<(), CallError> {
        let (_, port) = self.find(component)?;
        let told = port.control(operate);
        self.on_kernel(told.within(CONTROL_LIMIT)).await
    }

    /// Appends records in one transaction: all, or none if one is wrong. Answered after the commit; the loader is told.
    ///
    /// # Errors
    /// [`CallError::Invalid`], [`CallError::Store`], [`CallError::DeadlineExceeded`], [`CallError::ShuttingDown`], [`CallError::Stopped`].
    pub async fn append(&self, records: Vec<Append>) -> Result<Vec<Receipt>, CallError> {
        self.takes_work()?;
        validate_all(&records)?;
        let env = Arc::clone(&self.kernel().env);
        self.on_kernel(async move { append::append(&env, records).await }).await
    }

    /// Asks the loader for a batch.
    ///
    /// # Errors
    /// [`CallError::Invalid`], [`CallError::Busy`], [`CallError::Store`], [`CallError::DeadlineExceeded`],
    /// [`CallError::ShuttingDown`], [`CallError::Stopped`].
    pub async fn batch(&self, query: Query) -> Result<Arc<TrainingBatch>, CallError> {
        self.takes_work()?;
        query.validate()?;
        let env = &self.kernel().env;
        if let Some(batch) = env.batches.warm(&query) {
            return Ok(batch);
        }
        let limit = Duration::from_millis(env.settings.batch_deadline_ms);
        let coming = env.batches.batch(Arc::from("user"), query);
        self.on_kernel(
            async move { tokio::time::timeout(limit, coming).await.unwrap_or(Err(CallError::DeadlineExceeded)) },
        )
        .await
    }

    /// Trains a component on the newest data and waits for the outcome, at most `deadline`. Joins a run that is
    /// queued already. When nobody waits for a run any more it is cancelled.
    ///
    /// # Errors
    /// Any [`CallError`] but `NotTrained`.
    pub async fn train(&self, component: &str, deadline: Duration) -> Result<TrainOutcome, CallError> {
        self.takes_work()?;
        let (identity, port) = self.find(component)?;
        let env = &self.kernel().env;
        let answer = port.ask(Train { deadline: env.elapsed() + deadline }).inspect_err(|_| {
            identity.board(env).busy.fetch_add(1, Ordering::Relaxed);
        })?;
        // The component answers at the deadline; the grace is for the case that it cannot.
        self.on_kernel(answer.within(deadline + env.settings.grace() + CONTROL_LIMIT)).await?
    }

    /// Cancels the component's running job and returns once it was told.
    ///
    /// # Errors
    /// [`CallError::UnknownComponent`], [`CallError::Stopped`].
    pub async fn cancel(&self, component: &str) -> Result<(), CallError> {
        self.operate(component, Operate::Cancel).await
    }

    /// Puts a question to the component's published model. Never waits for training; the deadline is the
    /// component's answer budget. A question that was put to the same model before is answered from the cache, if there is
    /// one, on the caller's own thread.
    ///
    /// # Errors
    /// [`CallError::NotTrained`], [`CallError::Component`], [`CallError::Busy`], [`CallError::DeadlineExceeded`],
    /// [`CallError::UnknownComponent`], [`CallError::ShuttingDown`], [`CallError::Stopped`].
    pub async fn query(&self, component: &str, query: Value) -> Result<Arc<Value>, CallError> {
        self.takes_work()?;
        let (identity, _) = self.find(component)?;
        let env = &self.kernel().env;
        let asked = Asked::new(env, identity, query)?;
        if let Some(answer) = asked.kept(env) {
            return Ok(answer);
        }
        self.on_kernel(asked.answer(Arc::clone(env), Arc::clone(identity))).await
    }

    /// What is asked for most: batches of the loader, and questions whose answers are kept; at most `limit` of each.
    ///
    /// # Errors
    /// [`CallError::Busy`], [`CallError::DeadlineExceeded`], [`CallError::ShuttingDown`], [`CallError::Stopped`].
    pub async fn frequently_accessed(&self, limit: usize) -> Result<Frequent, CallError> {
        self.takes_work()?;
        let env = Arc::clone(&self.kernel().env);
        self.on_kernel(async move { repeated::frequent(&env, limit).await }).await
    }

    /// The health of the whole. Reads atomics and published snapshots; waits for nobody.
    #[must_use]
    pub fn health(&self) -> Health {
        let kernel = self.kernel();
        let stopping = kernel.stopper.refusal().is_some();
        assess::whole(&kernel.env, &kernel.entries, |i| kernel.components[i].depth(), stopping)
    }

    /// One component's health; `None` if there is no such component. Waits for nobody.
    #[must_use]
    pub fn component_health(&self, name: &str) -> Option<ComponentHealth> {
        let kernel = self.kernel();
        let i = kernel.entries.iter().position(|entry| entry.name == name)?;
        let hub = assess::Hub::look(&kernel.env);
        Some(assess::component(&kernel.env, &hub, &kernel.entries[i], i, kernel.components[i].depth()))
    }

    /// Lets a component take no more jobs: the running one is stopped and put back. Answers go on.
    ///
    /// # Errors
    /// [`CallError::UnknownComponent`], [`CallError::Stopped`].
    pub async fn pause(&self, component: &str) -> Result<(), CallError> {
        self.operate(component, Operate::Pause).await
    }

    /// Undoes [`pause`](Self::pause).
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub async fn resume(&self, component: &str) -> Result<(), CallError> {
        self.operate(component, Operate::Resume).await
    }

    /// Restarts a component at once and forgets its failures; lifts quarantine.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub async fn restart(&self, component: &str) -> Result<(), CallError> {
        self.takes_work()?;
        let (identity, _) = self.find(component)?;
        let told = self.kernel().supervisor.control(Restart { index: identity.index });
        self.on_kernel(told.within(CONTROL_LIMIT)).await
    }

    /// The components, in catalogue order.
    #[must_use]
    pub fn components(&self) -> &[Entry] {
        &self.kernel().entries
    }

    /// Indices into [`components`](Self::components), producers before their consumers.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.kernel().order
    }

    /// Listens to what happens from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<RuntimeEvent> {
        self.kernel().env.events.subscribe()
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.kernel().env.store
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.kernel().env.clock
    }

    /// Counters and latencies. Waits for nobody.
    #[must_use]
    pub fn metrics(&self) -> RuntimeMetrics {
        let kernel = self.kernel();
        let (env, board) = (&kernel.env, &kernel.env.board);
        let components = kernel.entries.iter().enumerate().map(|(i, entry)| component_metrics(kernel, i, entry));
        let uptime_us = env.clock.now().0.saturating_sub(board.started.0);
        RuntimeMetrics {
            components: components.collect(),
            compute: env.compute.usage(),
            answer: env.answers.usage(),
            uptime_ms: u64::try_from(uptime_us / 1_000).unwrap_or(0),
            cache: env.cache.as_ref().map(|cache| cache.status()),
            watermark: board.watermark(),
            records_appended: board.records_appended.load(Ordering::Relaxed),
            append_latency: board.append_latency.percentiles(),
            feedback_latency: board.feedback_latency.percentiles(),
            control_lag_ms: board.control_lag_us.load(Ordering::Relaxed) as f64 / 1e3,
        }
    }

    /// Shuts down in order and within limits; a second call waits for the first.
    pub async fn shutdown(&self) -> ShutdownReport {
        shutdown::begin(self.kernel());
        self.kernel().stopper.ended().await
    }

    /// Whether every component has been started, well or not, and the runtime takes work. Once it is, later restarts
    /// of single components do not change it.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let kernel = self.kernel();
        let starting = |board: &ComponentBoard| board.state() == State::Starting;
        let ready = &kernel.started;
        if !ready.load(Ordering::Relaxed) && !kernel.env.board.components.iter().any(starting) {
            ready.store(true, Ordering::Relaxed);
        }
        ready.load(Ordering::Relaxed) && kernel.stopper.refusal().is_none()
    }
}

fn component_metrics(kernel: &Kernel, i: usize, entry: &Entry) -> ComponentMetrics {
    let board = &kernel.env.board.components[i];
    let load = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
    ComponentMetrics {
        name: entry.name.to_string(),
        state: board.state(),
        mailbox_depth: kernel.components[i].depth(),
        answers: load(&board.answers),
        answer_errors: load(&board.answer_errors),
        busy: load(&board.busy),
        runs: assess::runs(board),
        restarts: load(&board.restarts),
        probes_passed: load(&board.probes_passed),
        probes_failed: load(&board.probes_failed),
        lag_rows: load(&kernel.env.learnable_rows).saturating_sub(load(&board.rows_trained)),
        answer_latency: board.answer_latency.percentiles(),
        train_latency: board.train_latency.percentiles(),
        answer_sum_ms: board.answer_latency.sum_ms(),
        train_sum_ms: board.train_latency.sum_ms(),
    }
}
