//! Starts the kernel: checks what it is given, then builds everything on a thread of its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use actix::{Arbiter, System};
use serde_json::Value;
use souffleur_core::catalogue::{Entry, training_order};
use souffleur_core::clock::Clock;
use souffleur_core::error::ComponentError;
use souffleur_core::store::Store;
use tokio::sync::{broadcast, oneshot};
use tokio::time::Instant;

use crate::append::Stopwatch;
use crate::batches::{BatchSource, LoaderSource};
use crate::component::{ComponentActor, Identity};
use crate::compute::Compute;
use crate::environment::Environment;
use crate::error::StartError;
use crate::feedback::FeedbackActor;
use crate::guard;
use crate::handle::Handle;
use crate::health::board::HealthBoard;
use crate::health::monitor::MonitorActor;
use crate::loader::{LoaderActor, LoaderSettings};
use crate::neighbours;
use crate::pool::{Pool, PoolSize};
use crate::port::Port;
use crate::repeated::AnswerCache;
use crate::settings::{KernelSettings, RETRY_AFTER_MS};
use crate::shutdown::Stopper;
use crate::supervisor::{self, Family, SupervisorActor, guard_limits};

/// How long the kernel's thread may take to build everything.
const ASSEMBLY_LIMIT: Duration = Duration::from_secs(30);
/// How long the loader's thread may take to end after the system was stopped.
const ARBITER_LIMIT: Duration = Duration::from_secs(2);

/// A checked plan of what to run.
pub(crate) struct Plan {
    pub(crate) entries: Vec<Entry>,
    /// Producers before their consumers.
    pub(crate) order: Vec<usize>,
    pub(crate) sections: Vec<Value>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: KernelSettings,
    pub(crate) cache: Option<Arc<AnswerCache>>,
}

/// Everything that runs, to be shared by the handle and the shutdown.
pub(crate) struct Kernel {
    pub(crate) entries: Vec<Entry>,
    pub(crate) order: Vec<usize>,
    pub(crate) identities: Vec<Arc<Identity>>,
    pub(crate) env: Arc<Environment>,
    pub(crate) components: Vec<Port<ComponentActor>>,
    pub(crate) supervisor: Port<SupervisorActor>,
    pub(crate) monitor: Port<MonitorActor>,
    pub(crate) feedback: Port<FeedbackActor>,
    /// The control thread's timers and tasks.
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) stopper: Stopper,
    /// Whether every component has left its first start behind.
    pub(crate) started: AtomicBool,
}

/// Where work runs and batches come from.
pub(crate) struct Machinery {
    pub(crate) compute: Arc<dyn Compute>,
    pub(crate) answers: Arc<dyn Compute>,
    pub(crate) batches: Arc<dyn BatchSource>,
}

/// Starts the runtime on a thread of its own and returns once every actor was spawned.
///
/// `params` holds one section per component name; a component without one gets its defaults. `cache` keeps answers to questions
/// that are asked again. Installs neither
/// signal handlers nor a panic hook: those belong to the program.
///
/// # Errors
/// [`StartError`] says what is wrong with the catalogue, the settings or a section. Nothing is left running then.
pub fn start(
    entries: Vec<Entry>,
    params: BTreeMap<String, Value>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    settings: KernelSettings,
    cache: Option<Arc<AnswerCache>>,
) -> Result<Handle, StartError> {
    let mut plan = Plan::check(entries, params, store, clock, settings)?;
    plan.cache = cache;
    let pool = |name, slots, queue_capacity| {
        let max_abandoned = plan.settings.max_abandoned;
        Pool::new(PoolSize { name, slots, queue_capacity, max_abandoned, retry_after_ms: RETRY_AFTER_MS })
    };
    // One job per component is all there ever is.
    let compute: Arc<dyn Compute> =
        Arc::new(pool("souffleur-compute", plan.settings.compute_slots, plan.entries.len().max(1))?);
    let answers: Arc<dyn Compute> =
        Arc::new(pool("souffleur-answer", plan.settings.answer_slots, plan.settings.answer_queue)?);
    let loading: Arc<dyn Compute> = Arc::new(pool("souffleur-loader", 1, plan.settings.loader_queue)?);
    let (ready, is_ready) = mpsc::sync_channel(1);
    let (ended, has_ended) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("souffleur-control".to_owned()).spawn(move || {
        let system = System::new();
        let loader_thread = system.block_on(async {
            let loader_thread = Arbiter::new();
            let stopper = Stopper::with_system(System::current(), has_ended);
            match launch(plan, &loader_thread, compute, answers, loading, stopper).await {
                Ok(kernel) => drop(ready.send(Ok(Handle::new(kernel)))),
                Err(error) => {
                    drop(ready.send(Err(error)));
                    System::current().stop();
                }
            }
            loader_thread
        });
        if let Err(error) = system.run() {
            tracing::error!(%error, "the control thread ended badly");
        }
        join(loader_thread);
        // Nobody waiting for the end is fine.
        let _ = ended.send(());
    })?;
    is_ready.recv_timeout(ASSEMBLY_LIMIT).unwrap_or(Err(StartError::Kernel))
}

/// Waits for a stopped arbiter, for a limited time: one that hangs is left behind.
fn join(arbiter: Arbiter) {
    let (joined, is_joined) = mpsc::sync_channel(1);
    let waiter = std::thread::Builder::new().name("souffleur-join".to_owned());
    let spawned = waiter.spawn(move || {
        let _ = arbiter.join();
        let _ = joined.send(());
    });
    if spawned.is_ok() && is_joined.recv_timeout(ARBITER_LIMIT).is_err() {
        tracing::error!("the loader's thread did not end in time and is left behind");
    }
}

async fn launch(
    plan: Plan,
    loader_thread: &Arbiter,
    compute: Arc<dyn Compute>,
    answers: Arc<dyn Compute>,
    loading: Arc<dyn Compute>,
    stopper: Stopper,
) -> Result<Kernel, StartError> {
    let board = Arc::new(HealthBoard::new(&plan.entries, plan.clock.now()));
    let limits = guard_limits(&plan.settings);
    let (store, clock) = (Arc::clone(&plan.store), Arc::clone(&plan.clock));
    let (settings, status) = (LoaderSettings::from(&plan.settings), Arc::clone(&board.loader));
    let (spawned, is_spawned) = oneshot::channel();
    loader_thread.spawn(async move {
        let actor = LoaderActor::new(store, loading, clock, settings);
        let published = (actor.board(), actor.warm());
        drop(spawned.send((guard::spawn("loader", limits, status, actor), published)));
    });
    let (address, (loader_board, warm)) = is_spawned.await.map_err(|_| StartError::Kernel)?;
    let port = Port::new(address, plan.settings.loader_queue, RETRY_AFTER_MS);
    let deadline = Duration::from_millis(plan.settings.batch_deadline_ms);
    let batches = Arc::new(LoaderSource::new(port, loader_board, warm, deadline));
    assemble(plan, board, Machinery { compute, answers, batches }, stopper)
}

/// Spawns supervisor, components, monitor and feedback loop on the current arbiter.
pub(crate) fn assemble(
    plan: Plan,
    board: Arc<HealthBoard>,
    machinery: Machinery,
    stopper: Stopper,
) -> Result<Kernel, StartError> {
    let Plan { entries, order, sections, store, clock, settings, cache } = plan;
    // In this order: a row that another runtime commits in between is counted, and told of as well, rather than neither.
    let watermark = store.watermark()?;
    let counts = store.counts()?;
    let learnable = counts.sessions + counts.training_prompts + counts.rule_applications + counts.feedback;
    let interrupted = store.unfinished_runs()?;
    let unfinished = entries.iter().map(|entry| interrupted.iter().any(|run| run.component == entry.name)).collect();
    let Machinery { compute, answers, batches } = machinery;
    let env = Arc::new(Environment {
        events: broadcast::Sender::new(settings.event_capacity),
        clock,
        store,
        settings,
        compute,
        answers,
        batches,
        cache,
        board,
        learnable_rows: AtomicU64::new(learnable),
        stopwatch: Stopwatch::default(),
        epoch: Instant::now(),
    });
    env.board.raise_watermark(watermark);
    env.batches.data_changed(watermark);
    let identities: Vec<_> = entries
        .iter()
        .zip(sections)
        .enumerate()
        .map(|(i, (entry, section))| Arc::new(Identity::new(i, entry.clone(), section)))
        .collect();
    let limits = guard_limits(&env.settings);
    let family = Family { identities: identities.clone(), order: order.clone(), unfinished };
    // The monitor listens from before the first change of state.
    let events = env.events.subscribe();
    let (supervisor, components) = supervisor::spawn(&env, family);
    neighbours::watch(&env, watermark, &identities, &components);
    let monitor = MonitorActor::new(Arc::clone(&env), entries.clone(), components.clone(), events);
    let monitor = guard::spawn("monitor", limits, Arc::clone(&env.board.monitor), monitor);
    let feedback = FeedbackActor::new(Arc::clone(&env), entries.clone());
    let feedback = guard::spawn("feedback", limits, Arc::default(), feedback);
    Ok(Kernel {
        entries,
        order,
        identities,
        env,
        components,
        supervisor,
        monitor: Port::new(monitor, 1, RETRY_AFTER_MS),
        feedback: Port::new(feedback, 1, RETRY_AFTER_MS),
        runtime: tokio::runtime::Handle::current(),
        stopper,
        started: AtomicBool::new(false),
    })
}

impl Plan {
    /// Checks everything that can be checked before anything runs.
    pub(crate) fn check(
        entries: Vec<Entry>,
        mut params: BTreeMap<String, Value>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        settings: KernelSettings,
    ) -> Result<Self, StartError> {
        settings.check().map_err(StartError::Settings)?;
        let order = training_order(&entries).map_err(StartError::Catalogue)?;
        let mut sections = Vec::with_capacity(entries.len());
        for entry in &entries {
            let section = params.remove(entry.name.as_ref()).unwrap_or(Value::Null);
            match entry.runner.params(&section) {
                // A component that panics is the supervisor's business: the others shall run.
                Ok(_) | Err(ComponentError::Panicked(_)) => sections.push(section),
                Err(source) => return Err(StartError::Params { component: entry.name.to_string(), source }),
            }
        }
        if let Some(name) = params.into_keys().next() {
            return Err(StartError::UnknownParams(name));
        }
        Ok(Self { entries, order, sections, store, clock, settings, cache: None })
    }
}
