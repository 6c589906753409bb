//! Compute slots on plain threads.
//!
//! A thread cannot be killed: one whose work would not stop is given up and replaced, and retires should it ever
//! come back. How many may be given up at a time is limited; beyond it the slot is lost.
//!
//! Jobs have threads of their own so that a job that waits for its parallel parts never picks up another whole
//! job meanwhile, as it would on the threads those parts run on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use souffleur_core::runner::panic_text;

use crate::compute::{Compute, TaskId, Work};
use crate::error::CallError;
use crate::outcome::SlotUsage;

/// A fixed number of compute slots with a bounded queue.
pub struct Pool(Arc<Shared>);

struct Shared {
    name: &'static str,
    slots: usize,
    queue_capacity: usize,
    max_abandoned: usize,
    retry_after_ms: u64,
    state: Mutex<State>,
    /// Signalled when work arrives or the pool is closed.
    work: Condvar,
}

#[derive(Default)]
struct State {
    next_task: u64,
    next_worker: u64,
    queue: VecDeque<(TaskId, Work)>,
    /// What each worker is doing.
    running: BTreeMap<u64, TaskId>,
    /// Workers that were given up: they retire when they come back.
    abandoned: BTreeSet<u64>,
    closed: bool,
}

/// The size and limits of a [`Pool`].
#[derive(Clone, Copy, Debug)]
pub struct PoolSize {
    /// Names its threads.
    pub name: &'static str,
    /// Threads at work at the same time.
    pub slots: usize,
    /// Work that may wait.
    pub queue_capacity: usize,
    /// Threads that may be given up and replaced at a time.
    pub max_abandoned: usize,
    /// What callers are told when the queue is full.
    pub retry_after_ms: u64,
}

impl Pool {
    /// Starts the threads.
    ///
    /// # Errors
    /// If the operating system refuses one; those started before end by themselves.
    pub fn new(size: PoolSize) -> std::io::Result<Self> {
        let PoolSize { name, slots, queue_capacity, max_abandoned, retry_after_ms } = size;
        let (state, work) = (Mutex::default(), Condvar::new());
        let shared = Shared { name, slots, queue_capacity, max_abandoned, retry_after_ms, state, work };
        let pool = Self(Arc::new(shared));
        for _ in 0..slots {
            Shared::spawn_worker(&pool.0, &mut pool.0.lock())?;
        }
        Ok(pool)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No work runs under the lock, so a poisoned one has consistent contents.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn_worker(this: &Arc<Self>, state: &mut State) -> std::io::Result<()> {
        let worker = state.next_worker;
        state.next_worker += 1;
        let shared = Arc::clone(this);
        let thread = std::thread::Builder::new().name(format!("{}-{worker}", this.name));
        thread.spawn(move || shared.serve(worker)).map(drop)
    }

    /// A worker's life.
    fn serve(&self, worker: u64) {
        let mut state = self.lock();
        loop {
            while state.queue.is_empty() && !state.closed {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let Some((task, work)) = state.queue.pop_front() else { return };
            state.running.insert(worker, task);
            drop(state);
            self.run(work);
            state = self.lock();
            state.running.remove(&worker);
            if state.abandoned.remove(&worker) {
                return;
            }
        }
    }

    fn run(&self, work: Work) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            (work.started)();
            (work.run)();
        }));
        if let Err(payload) = outcome {
            tracing::error!(pool = self.name, panic = panic_text(payload.as_ref()), "work panicked outside its fence");
            std::mem::forget(payload);
        }
    }
}

impl Compute for Pool {
    fn submit(&self, work: Work) -> Result<TaskId, CallError> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(CallError::ShuttingDown);
        }
        if state.queue.len() >= self.0.queue_capacity {
            return Err(CallError::Busy { retry_after_ms: self.0.retry_after_ms });
        }
        let task = TaskId(state.next_task);
        state.next_task += 1;
        state.queue.push_back((task, work));
        drop(state);
        self.0.work.notify_one();
        Ok(task)
    }

    fn withdraw(&self, task: TaskId) -> bool {
        let mut state = self.0.lock();
        let found = state.queue.iter().position(|(queued, _)| *queued == task);
        let removed = found.and_then(|index| state.queue.remove(index));
        drop(state);
        // The work is dropped outside the lock: its destructor may send messages.
        removed.is_some()
    }

    fn abandon(&self, task: TaskId) -> bool {
        if self.withdraw(task) {
            return true;
        }
        let mut state = self.0.lock();
        let Some((&worker, _)) = state.running.iter().find(|(_, running)| **running == task) else {
            return true;
        };
        if state.abandoned.contains(&worker) {
            return true;
        }
        if state.abandoned.len() >= self.0.max_abandoned {
            return false;
        }
        match Shared::spawn_worker(&self.0, &mut state) {
            Ok(()) => {
                state.abandoned.insert(worker);
                true
            }
            Err(error) => {
                tracing::error!(pool = self.0.name, %error, "a hung worker could not be replaced");
                false
            }
        }
    }

    fn usage(&self) -> SlotUsage {
        let state = self.0.lock();
        let abandoned = state.abandoned.len();
        let busy = state.running.len().saturating_sub(abandoned);
        SlotUsage { slots: self.0.slots, busy, queued: state.queue.len(), abandoned }
    }

    fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        let queued = std::mem::take(&mut state.queue);
        drop(state);
        drop(queued);
        self.0.work.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn pool(slots: usize, queue_capacity: usize, max_abandoned: usize) -> Pool {
        Pool::new(PoolSize { name: "test", slots, queue_capacity, max_abandoned, retry_after_ms: 5 }).unwrap()
    }

    fn work(run: impl FnOnce() + Send + 'static) -> Work {
        Work { started: Box::new(|| {}), run: Box::new(run) }
    }

    /// Work that holds its slot until told otherwise; the receiver says when it has begun.
    fn blocked(pool: &Pool) -> (TaskId, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (begun, has_begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let run = Box::new(move || assert!(released.recv().is_err(), "the sender only hangs up"));
        let started = Box::new(move || begun.send(()).unwrap());
        (pool.submit(Work { started, run }).unwrap(), has_begun, release)
    }

    #[test]
    fn a_panic_costs_no_slot() {
        let pool = pool(1, 8, 1);
        for _ in 0..3 {
            pool.submit(work(|| panic!("in the work"))).unwrap();
        }
        let (tx, rx) = mpsc::channel();
        pool.submit(work(move || tx.send(7).unwrap())).unwrap();
        assert_eq!(rx.recv_timeout(LIMIT), Ok(7));
    }

    #[test]
    fn a_full_queue_says_busy_and_queued_work_can_be_withdrawn() {
        let pool = pool(1, 1, 1);
        let (_task, begun, release) = blocked(&pool);
        begun.recv_timeout(LIMIT).unwrap();
        let (tx, rx) = mpsc::channel::<()>();
        let queued = pool.submit(work(move || drop(tx))).unwrap();
        assert_eq!(pool.submit(work(|| {})), Err(CallError::Busy { retry_after_ms: 5 }));
        assert!(pool.withdraw(queued) && !pool.withdraw(queued));
        assert_eq!(rx.recv_timeout(LIMIT), Err(mpsc::RecvTimeoutError::Disconnected));
        drop(release);
    }

    #[test]
    fn a_hung_worker_is_replaced_once_and_retires_when_it_comes_back() {
        let pool = pool(1, 8, 1);
        let (hung, begun, release) = blocked(&pool);
        begun.recv_timeout(LIMIT).unwrap();
        assert!(pool.abandon(hung) && pool.abandon(hung));
        let (second, begun_again, release_second) = blocked(&pool);
        begun_again.recv_timeout(LIMIT).unwrap();
        assert!(!pool.abandon(second), "the limit is one");
        assert_eq!(pool.usage(), SlotUsage { slots: 1, busy: 1, queued: 0, abandoned: 1 });
        drop(release);
        while pool.usage().abandoned > 0 {
            std::thread::yield_now();
        }
        assert!(pool.abandon(second));
        drop(release_second);
    }

    #[test]
    fn closing_drops_what_is_queued() {
        let pool = pool(1, 8, 1);
        let (_task, begun, release) = blocked(&pool);
        begun.recv_timeout(LIMIT).unwrap();
        let (tx, rx) = mpsc::channel::<()>();
        pool.submit(work(move || drop(tx))).unwrap();
        pool.close();
        assert_eq!(rx.recv_timeout(LIMIT), Err(mpsc::RecvTimeoutError::Disconnected));
        assert_eq!(pool.submit(work(|| {})), Err(CallError::ShuttingDown));
        drop(release);
    }
}
