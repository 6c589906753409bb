//! The clock port. Nothing below the edge of the process reads the time in any other way.

use std::time::Duration;

use crate::time::Timestamp;

/// Tells the time. The product uses the system's clock, tests one they move by hand.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock: when something happened.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary fixed start, never going back: how long something took.
    fn monotonic(&self) -> Duration;
}

#[cfg(any(test, feature = "testing"))]
pub use manual::ManualClock;

#[cfg(any(test, feature = "testing"))]
mod manual {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::{Clock, Duration, Timestamp};

    /// A clock that stands still until it is moved.
    #[derive(Debug, Default)]
    pub struct ManualClock(AtomicI64);

    impl ManualClock {
        /// A clock standing at `now`.
        #[must_use]
        pub fn at(now: Timestamp) -> Self {
            Self(AtomicI64::new(now.0))
        }

        /// Moves the clock on.
        pub fn advance(&self, by: Duration) {
            let us = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            self.0.fetch_add(us, Ordering::SeqCst);
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::SeqCst))
        }

        fn monotonic(&self) -> Duration {
            Duration::from_micros(u64::try_from(self.now().0).unwrap_or(0))
        }
    }
}
