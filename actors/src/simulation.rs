//! The same kernel on one thread and on time that jumps: for tests, behind the feature `testing`.
//!
//! Where nobody has anything to do, the clock moves on to the next timer at once, so a day of pauses and cadences
//! takes milliseconds. Work takes the virtual time it is told to, on a limited number of slots, and the store is
//! asked for rows without the loader's thread, which would run on a clock of its own.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::System;
use serde_json::Value;
use souffleur_core::batch::TrainingBatch;
use souffleur_core::catalogue::Entry;
use souffleur_core::clock::Clock;
use souffleur_core::ids::Seq;
use souffleur_core::query::Query;
use souffleur_core::store::Store;
use souffleur_core::time::Timestamp;
use tokio::time::Instant;

use crate::batches::{BatchSource, Coming};
use crate::compute::{Compute, TaskId, Work};
use crate::error::{CallError, StartError};
use crate::handle::Handle;
use crate::health::board::HealthBoard;
use crate::kernel::{Machinery, Plan, assemble};
use crate::outcome::SlotUsage;
use crate::settings::KernelSettings;
use crate::shutdown::Stopper;

/// Makes a batch from what the store holds.
pub type MakeBatch = fn(&dyn Store, Query) -> Result<TrainingBatch, CallError>;

/// What a simulated kernel is made of.
pub struct Scenario {
    /// The catalogue.
    pub entries: Vec<Entry>,
    /// Sections by component name.
    pub params: BTreeMap<String, Value>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The limits.
    pub settings: KernelSettings,
    /// Virtual time every piece of work takes.
    pub cost: Duration,
    /// Stands in for the loader.
    pub batches: MakeBatch,
}

/// Runs `test` beside a simulated kernel, on virtual time.
///
/// # Errors
/// As [`crate::start`].
pub fn simulate<T, F>(scenario: Scenario, test: impl FnOnce(Handle) -> F) -> Result<T, StartError>
where
    F: Future<Output = T>,
{
    let system = System::with_tokio_rt(|| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        #[expect(clippy::expect_used, reason = "a test cannot go on without a runtime")]
        builder.enable_all().start_paused(true).build().expect("a runtime")
    });
    system.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock(Instant::now()));
        let Scenario { entries, params, store, settings, cost, batches } = scenario;
        let slots = settings.compute_slots;
        let source = Arc::new(DirectBatches { store: Arc::clone(&store), make: batches });
        let plan = Plan::check(entries, params, store, Arc::clone(&clock), settings)?;
        let board = Arc::new(HealthBoard::new(&plan.entries, clock.now()));
        board.loader.set_up();
        let compute = VirtualCompute::new(slots, cost);
        let answers = VirtualCompute::new(plan.settings.answer_slots, Duration::ZERO);
        let machinery = Machinery { compute, answers, batches: source };
        let kernel = assemble(plan, board, machinery, Stopper::without_system())?;
        Ok(test(Handle::new(kernel)).await)
    })
}

/// The virtual time as a clock.
struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.monotonic().as_micros()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Batches straight from the store.
struct DirectBatches {
    store: Arc<dyn Store>,
    make: MakeBatch,
}

impl BatchSource for DirectBatches {
    fn batch(&self, _: Arc<str>, query: Query) -> Coming<Result<Arc<TrainingBatch>, CallError>> {
        let batch = (self.make)(self.store.as_ref(), query).map(Arc::new);
        Box::pin(std::future::ready(batch))
    }

    fn data_changed(&self, _: Seq) {}

    fn reaches(&self, _: Seq) -> Coming<()> {
        Box::pin(std::future::ready(()))
    }

    fn trouble(&self) -> Option<String> {
        None
    }

    fn drain(&self) -> Coming<()> {
        Box::pin(std::future::ready(()))
    }
}

/// Slots on virtual time: work is run at once, in its turn, and takes its cost.
struct VirtualCompute(Arc<Slots>);

struct Slots {
    slots: usize,
    cost: Duration,
    state: Mutex<SlotsState>,
}

#[derive(Default)]
struct SlotsState {
    next: u64,
    busy: usize,
    closed: bool,
    queue: VecDeque<(TaskId, Work)>,
}

impl VirtualCompute {
    fn new(slots: usize, cost: Duration) -> Arc<Self> {
        Arc::new(Self(Arc::new(Slots { slots, cost, state: Mutex::default() })))
    }
}

impl Slots {
    fn lock(&self) -> std::sync::MutexGuard<'_, SlotsState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the free slots to whoever waits.
    fn go_on(this: &Arc<Self>) {
        loop {
            let mut state = this.lock();
            if state.busy >= this.slots {
                return;
            }
            let Some((_, work)) = state.queue.pop_front() else { return };
            state.busy += 1;
            drop(state);
            let slots = Arc::clone(this);
            tokio::spawn(async move {
                (work.started)();
                tokio::time::sleep(slots.cost).await;
                if let Err(payload) = catch_unwind(AssertUnwindSafe(work.run)) {
                    std::mem::forget(payload);
                }
                slots.lock().busy -= 1;
                Self::go_on(&slots);
            });
        }
    }
}

impl Compute for VirtualCompute {
    fn submit(&self, work: Work) -> Result<TaskId, CallError> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(CallError::ShuttingDown);
        }
        let task = TaskId(state.next);
        state.next += 1;
        state.queue.push_back((task, work));
        drop(state);
        Slots::go_on(&self.0);
        Ok(task)
    }

    fn withdraw(&self, task: TaskId) -> bool {
        let mut state = self.0.lock();
        let found = state.queue.iter().position(|(queued, _)| *queued == task);
        let removed = found.and_then(|index| state.queue.remove(index));
        drop(state);
        removed.is_some()
    }

    /// Virtual work always ends after its cost; nothing has to be given up.
    fn abandon(&self, task: TaskId) -> bool {
        self.withdraw(task);
        true
    }

    fn usage(&self) -> SlotUsage {
        let state = self.0.lock();
        SlotUsage { slots: self.0.slots, busy: state.busy, queued: state.queue.len(), abandoned: 0 }
    }

    fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        let queued = std::mem::take(&mut state.queue);
        drop(state);
        drop(queued);
    }
}
