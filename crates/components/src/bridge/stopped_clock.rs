//! A clock that stands still, for tests.

use std::sync::Arc;
use std::time::Duration;

use souffleur_core::clock::Clock;
use souffleur_core::job::Job;
use souffleur_core::time::Timestamp;

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// A job that has all the time in the world.
pub(crate) fn job(seed: u64) -> Job {
    Job::new(Arc::new(StoppedClock), seed)
}
