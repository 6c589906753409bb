//! The real clock, for tests that measure how fast a cancelled run stops.

use std::time::{Duration, Instant};

use souffleur_core::clock::Clock;
use souffleur_core::time::Timestamp;

pub(crate) struct TestClock(Instant);

impl TestClock {
    #[expect(clippy::disallowed_methods, reason = "the test is the edge here")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}
