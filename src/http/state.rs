//! What all workers share: the runtime, the limits, the counters.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use super::metrics::Counters;
use crate::runtime::Runtime;
use crate::settings::{ApiKey, Http};

/// What a handler needs.
pub(super) struct State {
    pub(super) runtime: Runtime,
    pub(super) limits: Http,
    pub(super) counters: Counters,
    /// The OpenAPI document.
    pub(super) document: Value,
    /// One permit per event stream.
    pub(super) streams: Arc<Semaphore>,
    /// True from the moment the service stops; event streams end then.
    pub(super) stopping: watch::Sender<bool>,
    rate: DefaultDirectRateLimiter,
}

impl State {
    pub(super) fn new(runtime: Runtime, limits: &Http) -> Self {
        let per_second = NonZeroU32::new(limits.rate_limit_per_s).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(limits.burst).unwrap_or(NonZeroU32::MIN);
        Self {
            document: super::openapi::document(runtime.components()),
            streams: Arc::new(Semaphore::new(limits.event_streams_max)),
            stopping: watch::Sender::new(false),
            rate: RateLimiter::direct(Quota::per_second(per_second).allow_burst(burst)),
            counters: Counters::default(),
            limits: limits.clone(),
            runtime,
        }
    }

    /// Lets one request through, or says how long to wait.
    pub(super) fn admit(&self) -> Result<(), Duration> {
        self.rate.check().map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
    }

    /// Whether a key opens the service. Takes the same time wherever the first difference is.
    pub(super) fn opens(&self, given: Option<&str>) -> bool {
        let keys = &self.limits.api_keys;
        let given = given.unwrap_or_default().as_bytes();
        keys.is_empty() || keys.iter().fold(false, |found, key| found | same(key, given))
    }
}

fn same(key: &ApiKey, given: &[u8]) -> bool {
    let key = key.reveal().as_bytes();
    let differences = key.iter().zip(given).fold(0, |seen, (a, b)| std::hint::black_box(seen | (a ^ b)));
    key.len() == given.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_key_is_the_same() {
        let key = ApiKey::new("0123456789abcdef");
        assert!(same(&key, b"0123456789abcdef"));
        for wrong in ["", "0123456789abcde", "0123456789abcdefg", "1123456789abcdef", "0123456789abcdeF"] {
            assert!(!same(&key, wrong.as_bytes()), "{wrong}");
        }
    }
}
