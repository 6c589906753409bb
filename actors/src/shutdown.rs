//! Ending in order and within limits.
//!
//! Intake first, then the loops, then the components, then the loader, then the store, then the threads. Every step
//! has a deadline; what misses it is reported and left behind. The order runs on the control thread; a thread
//! outside watches that this thread itself does not stand still.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use actix::System;
use souffleur_core::clock::Clock;
use tokio::sync::{oneshot, watch};

use crate::error::CallError;
use crate::kernel::Kernel;
use crate::messages::{Quiesce, StopAll, Stopped};
use crate::outcome::{ShutdownReport, ShutdownStep};

/// How long a step may take that has no limit of its own.
const STEP_LIMIT: Duration = Duration::from_secs(2);
/// How long the control thread may take to end once it was told to.
const EXIT_LIMIT: Duration = Duration::from_secs(5);

const RUNNING: u8 = 0;
const DRAINING: u8 = 1;
const STOPPED: u8 = 2;

/// How far the shutdown is, and how to end the threads.
pub(crate) struct Stopper {
    phase: AtomicU8,
    report: watch::Sender<Option<Arc<ShutdownReport>>>,
    /// The control thread: its system, and how to learn that it has ended. `None` where the caller owns it.
    system: Option<(System, Mutex<mpsc::Receiver<()>>)>,
}

impl Stopper {
    pub(crate) fn with_system(system: System, ended: mpsc::Receiver<()>) -> Self {
        Self { system: Some((system, Mutex::new(ended))), ..Self::without_system() }
    }

    pub(crate) fn without_system() -> Self {
        Self { phase: AtomicU8::new(RUNNING), report: watch::Sender::new(None), system: None }
    }

    /// Why no new work is taken, if none is.
    pub(crate) fn refusal(&self) -> Option<CallError> {
        match self.phase.load(Ordering::Acquire) {
            RUNNING => None,
            DRAINING => Some(CallError::ShuttingDown),
            _ => Some(CallError::Stopped),
        }
    }

    /// Waits until everything has ended.
    pub(crate) async fn ended(&self) -> ShutdownReport {
        let mut report = self.report.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = report.wait_for(Option::is_some).await;
        let report = report.borrow().as_ref().map(|report| report.as_ref().clone());
        report.unwrap_or_default()
    }

    fn finish(&self, report: ShutdownReport) {
        self.phase.store(STOPPED, Ordering::Release);
        self.report.send_replace(Some(Arc::new(report)));
    }
}

/// Begins the shutdown, unless it has begun. Does not wait.
pub(crate) fn begin(kernel: &Arc<Kernel>) {
    let phase = &kernel.stopper.phase;
    if phase.compare_exchange(RUNNING, DRAINING, Ordering::AcqRel, Ordering::Acquire).is_err() {
        return;
    }
    let sequence = kernel.runtime.spawn(sequence(Arc::clone(kernel)));
    if kernel.stopper.system.is_none() {
        let kernel = Arc::clone(kernel);
        kernel.clone().runtime.spawn(async move {
            let report = sequence.await.unwrap_or_default();
            kernel.stopper.finish(report);
        });
        return;
    }
    let watched = Arc::clone(kernel);
    let thread = std::thread::Builder::new().name("souffleur-shutdown".to_owned());
    if let Err(error) = thread.spawn(move || watch_over(&watched, sequence)) {
        tracing::error!(%error, "no thread to watch over the shutdown; the threads are told to stop at once");
        stop_threads(kernel);
        kernel.stopper.finish(ShutdownReport::default());
    }
}

/// Waits for the sequence, but not for ever; then ends the threads.
fn watch_over(kernel: &Kernel, sequence: tokio::task::JoinHandle<ShutdownReport>) {
    let before = kernel.env.clock.monotonic();
    let settings = &kernel.env.settings;
    let limit = settings.drain_deadline() + settings.grace() + settings.store_deadline() * 3 + STEP_LIMIT * 6;
    let (sender, receiver) = mpsc::sync_channel(1);
    let forward = async move {
        let _ = sender.send(sequence.await);
    };
    kernel.runtime.spawn(forward);
    let mut report = match receiver.recv_timeout(limit) {
        Ok(Ok(report)) => report,
        _ => {
            let steps = vec![ShutdownStep {
                step: "run the steps on the control thread".to_owned(),
                completed: false,
                duration_ms: millis(limit),
            }];
            ShutdownReport { steps, ..ShutdownReport::default() }
        }
    };
    let exit = kernel.env.clock.monotonic();
    let completed = stop_threads(kernel);
    report.steps.push(ShutdownStep {
        step: "end the threads".to_owned(),
        completed,
        duration_ms: millis(kernel.env.clock.monotonic().saturating_sub(exit)),
    });
    report.clean &= completed;
    report.duration_ms = millis(kernel.env.clock.monotonic().saturating_sub(before));
    kernel.stopper.finish(report);
}

/// Ends the control thread and the slots; whether the thread ended in time. Hung slots are left behind.
fn stop_threads(kernel: &Kernel) -> bool {
    kernel.env.compute.close();
    kernel.env.answers.close();
    let Some((system, ended)) = &kernel.stopper.system else { return true };
    system.stop();
    // Only this thread ever waits here, so the lock is free.
    let ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
    ended.recv_timeout(EXIT_LIMIT).is_ok()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Takes the time of steps and notes whether they were done in time.
struct Steps<'a> {
    clock: &'a dyn Clock,
    done: Vec<ShutdownStep>,
}

impl Steps<'_> {
    async fn step<T>(&mut self, name: &str, limit: Duration, work: impl Future<Output = Option<T>>) -> Option<T> {
        let before = self.clock.monotonic();
        let outcome = tokio::time::timeout(limit, work).await.ok().flatten();
        let duration_ms = millis(self.clock.monotonic().saturating_sub(before));
        self.done.push(ShutdownStep { step: name.to_owned(), completed: outcome.is_some(), duration_ms });
        outcome
    }
}

async fn sequence(kernel: Arc<Kernel>) -> ShutdownReport {
    let (env, settings) = (&kernel.env, &kernel.env.settings);
    let before = env.clock.monotonic();
    let mut steps = Steps { clock: env.clock.as_ref(), done: Vec::new() };
    kernel.components.iter().for_each(crate::port::Port::close);
    let quiesce = kernel.feedback.control(Quiesce);
    steps.step("stop the feedback loop", STEP_LIMIT, async { quiesce.await.ok() }).await;
    let stop_all = kernel.supervisor.control(StopAll);
    let limit = settings.drain_deadline() + settings.grace() + settings.store_deadline() + STEP_LIMIT * 2;
    let stopped = steps.step("stop the components", limit, async { stop_all.await.ok() }).await;
    let stopped = stopped.unwrap_or(Stopped { silent: kernel.entries.len(), ..Stopped::default() });
    let quiesce = kernel.monitor.control(Quiesce);
    let limit = settings.store_deadline() + STEP_LIMIT;
    steps.step("write the history of health", limit, async { quiesce.await.ok() }).await;
    let drained = env.batches.drain();
    let drained = async {
        drained.await;
        Some(())
    };
    steps.step("drain the loader", STEP_LIMIT, drained).await;
    steps.step("close the store", settings.store_deadline(), close_store(&kernel)).await;
    let clean = steps.done.iter().all(|step| step.completed) && stopped.abandoned == 0 && stopped.silent == 0;
    ShutdownReport {
        clean,
        cancelled: stopped.cancelled,
        abandoned: stopped.abandoned + stopped.silent,
        duration_ms: millis(env.clock.monotonic().saturating_sub(before)),
        steps: steps.done,
    }
}

/// Closes the store on a thread of its own: it may wait for its writer.
async fn close_store(kernel: &Kernel) -> Option<()> {
    let store = Arc::clone(&kernel.env.store);
    let (closed, is_closed) = oneshot::channel();
    let thread = std::thread::Builder::new().name("souffleur-close".to_owned()).spawn(move || {
        store.close();
        let _ = closed.send(());
    });
    thread.ok()?;
    is_closed.await.ok()
}
