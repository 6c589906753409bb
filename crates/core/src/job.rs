//! One piece of long work: its cancellation, deadline, progress and randomness.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::clock::Clock;

/// Why a job had to stop early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    /// Somebody asked for it.
    #[error("cancelled")]
    Cancelled,
    /// Its time was up.
    #[error("deadline exceeded")]
    DeadlineExceeded,
}

/// Asks a running job to stop. Clones share one flag; it cannot be lowered again.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Raises the flag.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the flag is up.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How far a job has come, written by the job and read by anyone without waiting.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
    ticks: AtomicU64,
}

impl Progress {
    /// Units of work done and units in all (0 = not known yet).
    #[must_use]
    pub fn position(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    /// Grows with every sign of life. A job whose ticks stand still is hung.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }
}

/// What a computation is given besides its data.
#[derive(Clone)]
pub struct Job {
    clock: Arc<dyn Clock>,
    cancel: CancelToken,
    progress: Arc<Progress>,
    deadline: Option<Duration>,
    seed: u64,
}

impl Job {
    /// A job that draws its randomness from `seed` and may run until it is cancelled.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self { clock, cancel: CancelToken::default(), progress: Arc::default(), deadline: None, seed }
    }

    /// Limits the job to `budget` from now.
    #[must_use]
    pub fn with_budget(mut self, budget: Duration) -> Self {
        self.deadline = Some(self.clock.monotonic().saturating_add(budget));
        self
    }

    /// The token that cancels this job.
    #[must_use]
    pub fn cancel_token(&self) -> CancelToken {
        self.cancel.clone()
    }

    /// The progress others may watch.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// A sign of life, to be given in every long loop; says when to stop.
    ///
    /// # Errors
    /// [`Interrupted`] when the job was cancelled or its time is up. Pass it on with `?`.
    pub fn check(&self) -> Result<(), Interrupted> {
        self.progress.ticks.fetch_add(1, Ordering::Relaxed);
        if self.cancel.is_cancelled() {
            return Err(Interrupted::Cancelled);
        }
        match self.deadline {
            Some(deadline) if self.clock.monotonic() > deadline => Err(Interrupted::DeadlineExceeded),
            _ => Ok(()),
        }
    }

    /// [`check`](Self::check), and reports `done` of `total` units of work.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn tick(&self, done: u64, total: u64) -> Result<(), Interrupted> {
        self.progress.done.store(done, Ordering::Relaxed);
        self.progress.total.store(total, Ordering::Relaxed);
        self.check()
    }

    /// The seed of this job.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A generator for one purpose. The same job and `stream` always give the same numbers.
    #[must_use]
    pub fn rng(&self, stream: &str) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(xxhash_rust::xxh3::xxh3_64_with_seed(stream.as_bytes(), self.seed))
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("seed", &self.seed)
            .field("deadline", &self.deadline)
            .field("cancelled", &self.cancel.is_cancelled())
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rand::RngCore;

    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn stops_when_cancelled_and_when_time_is_up() {
        let clock = Arc::new(ManualClock::default());
        let job = Job::new(clock.clone(), 1).with_budget(Duration::from_secs(1));
        assert_eq!(job.tick(1, 2), Ok(()));
        clock.advance(Duration::from_secs(2));
        assert_eq!(job.check(), Err(Interrupted::DeadlineExceeded));
        job.cancel_token().cancel();
        assert_eq!(job.check(), Err(Interrupted::Cancelled));
        assert_eq!(job.progress().position(), (1, 2));
        assert_eq!(job.progress().ticks(), 3);
    }

    #[test]
    fn streams_are_repeatable_and_apart() {
        let job = Job::new(Arc::new(ManualClock::default()), 9);
        assert_eq!(job.rng("a").next_u64(), job.rng("a").next_u64());
        assert_ne!(job.rng("a").next_u64(), job.rng("b").next_u64());
    }
}
