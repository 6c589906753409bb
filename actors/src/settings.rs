//! Every limit of the runtime in one place.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::Invalid;

/// What a caller is told when a queue is full: long enough for a slot or two to come free.
pub(crate) const RETRY_AFTER_MS: u64 = 100;

/// Limits of the kernel. The defaults suit a small machine; all times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KernelSettings {
    /// Jobs (training, probes) that run at the same time, 1 to 256. Default: one less than the cores, at least 1.
    pub compute_slots: usize,
    /// Answers computed at the same time, 1 to 256.
    pub answer_slots: usize,
    /// Answers that may wait for a slot, 1 to 65,536; beyond it callers get `Busy`.
    pub answer_queue: usize,
    /// Calls one component may hold, queued and running, 1 to 4,096; beyond it callers get `Busy`.
    pub port_capacity: usize,
    /// Hung threads per pool that are replaced before slots are lost, 0 to 64.
    pub max_abandoned: usize,
    /// Failures within [`restart_period_ms`](Self::restart_period_ms) that are answered by a restart; one more is
    /// answered by quarantine. 0 to 1,000.
    pub restart_intensity: usize,
    /// The window failures are counted in, 1 ms to 1 day.
    pub restart_period_ms: u64,
    /// The pause before the first restart, 1 ms to 1 hour.
    pub backoff_min_ms: u64,
    /// The longest pause before a restart, not below the shortest, at most 1 hour.
    pub backoff_max_ms: u64,
    /// How far a pause is moved at random, in percent of itself, 0 to 50.
    pub backoff_jitter_percent: u8,
    /// A component that worked this long starts again with the shortest pause, 1 ms to 1 day.
    pub healthy_after_ms: u64,
    /// A quarantined component is tried again after this time, not below the restart period; 0 means only by hand.
    pub quarantine_retry_ms: u64,
    /// Times a job is tried before it counts as poisoned, 1 to 10.
    pub max_attempts: u32,
    /// Longest a component may take to read its parameters and its last model.
    pub start_deadline_ms: u64,
    /// Time between asking a job to stop and giving its thread up, 1 ms to 1 minute.
    pub grace_ms: u64,
    /// A running job without a sign of life for this long is hung, 10 ms to 1 hour.
    pub stall_ms: u64,
    /// How often running jobs are looked at, 1 ms to 10 s, not above the stall limit.
    pub watch_interval_ms: u64,
    /// Longest wait for one write to the store.
    pub store_deadline_ms: u64,
    /// Longest wait for one batch.
    pub batch_deadline_ms: u64,
    /// How often each component is probed with its known case, 10 ms to 1 day.
    pub probe_interval_ms: u64,
    /// Longest a probe may compute.
    pub probe_deadline_ms: u64,
    /// How often the runtime's own figures become rows, 10 ms to 1 day; 0 means never.
    pub analytics_interval_ms: u64,
    /// How often changes of health are written to the store, 10 ms to 1 minute.
    pub health_flush_ms: u64,
    /// Memory the loader's image may take, in bytes, at least 1 MiB.
    pub loader_memory_bytes: usize,
    /// Requests the loader may hold, 1 to 4,096; beyond it callers get `Busy`.
    pub loader_queue: usize,
    /// At shutdown, longest wait for running jobs before they are cancelled; at most 10 minutes.
    pub drain_deadline_ms: u64,
    /// Events a slow listener may lag behind before it misses some, 16 to 65,536.
    pub event_capacity: usize,
    /// Whether components train by themselves when enough rows are new, and make up for runs a crash cut short.
    pub train_unasked: bool,
    /// Whether a model that passes the gate is live at once; otherwise somebody has to promote it.
    pub promote_unasked: bool,
    /// How much worse than the live model's a new model's headline figure may be for the gate, 0 to 1,000.
    pub gate_tolerance: f64,
    /// Seed of the jitter.
    pub seed: u64,
}

impl Default for KernelSettings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            compute_slots: cores.saturating_sub(1).max(1),
            answer_slots: cores.clamp(2, 8),
            answer_queue: 256,
            port_capacity: 16,
            max_abandoned: 4,
            restart_intensity: 5,
            restart_period_ms: 60_000,
            backoff_min_ms: 100,
            backoff_max_ms: 30_000,
            backoff_jitter_percent: 20,
            healthy_after_ms: 60_000,
            quarantine_retry_ms: 600_000,
            max_attempts: 2,
            start_deadline_ms: 30_000,
            grace_ms: 1_000,
            stall_ms: 30_000,
            watch_interval_ms: 100,
            store_deadline_ms: 10_000,
            batch_deadline_ms: 60_000,
            probe_interval_ms: 300_000,
            probe_deadline_ms: 60_000,
            analytics_interval_ms: 10_000,
            health_flush_ms: 1_000,
            loader_memory_bytes: 512 << 20,
            loader_queue: 128,
            drain_deadline_ms: 10_000,
            event_capacity: 1_024,
            train_unasked: true,
            promote_unasked: true,
            gate_tolerance: 0.1,
            seed: 1,
        }
    }
}

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

fn within<T: PartialOrd + std::fmt::Display>(at: &str, value: T, low: T, high: T) -> Result<(), Invalid> {
    if !(&low..=&high).contains(&&value) {
        return Err(Invalid::new(at, format!("is {value}"), format!("it must lie in [{low}, {high}]")));
    }
    Ok(())
}

impl KernelSettings {
    /// Checks every limit.
    ///
    /// # Errors
    /// The first value out of its range.
    pub fn check(&self) -> Result<(), Invalid> {
        within("compute_slots", self.compute_slots, 1, 256)?;
        within("answer_slots", self.answer_slots, 1, 256)?;
        within("answer_queue", self.answer_queue, 1, 65_536)?;
        within("port_capacity", self.port_capacity, 1, 4_096)?;
        within("max_abandoned", self.max_abandoned, 0, 64)?;
        within("restart_intensity", self.restart_intensity, 0, 1_000)?;
        within("restart_period_ms", self.restart_period_ms, 1, DAY_MS)?;
        within("backoff_min_ms", self.backoff_min_ms, 1, HOUR_MS)?;
        within("backoff_max_ms", self.backoff_max_ms, self.backoff_min_ms, HOUR_MS)?;
        within("backoff_jitter_percent", self.backoff_jitter_percent, 0, 50)?;
        within("healthy_after_ms", self.healthy_after_ms, 1, DAY_MS)?;
        if self.quarantine_retry_ms != 0 {
            within("quarantine_retry_ms", self.quarantine_retry_ms, self.restart_period_ms, 30 * DAY_MS)?;
        }
        within("max_attempts", self.max_attempts, 1, 10)?;
        within("start_deadline_ms", self.start_deadline_ms, 1, HOUR_MS)?;
        within("grace_ms", self.grace_ms, 1, 60_000)?;
        within("stall_ms", self.stall_ms, 10, HOUR_MS)?;
        within("watch_interval_ms", self.watch_interval_ms, 1, self.stall_ms.min(10_000))?;
        within("store_deadline_ms", self.store_deadline_ms, 1, HOUR_MS)?;
        within("batch_deadline_ms", self.batch_deadline_ms, 1, HOUR_MS)?;
        within("probe_interval_ms", self.probe_interval_ms, 10, DAY_MS)?;
        within("probe_deadline_ms", self.probe_deadline_ms, 1, HOUR_MS)?;
        if self.analytics_interval_ms != 0 {
            within("analytics_interval_ms", self.analytics_interval_ms, 10, DAY_MS)?;
        }
        within("health_flush_ms", self.health_flush_ms, 10, 60_000)?;
        within("loader_memory_bytes", self.loader_memory_bytes, 1 << 20, usize::MAX)?;
        within("loader_queue", self.loader_queue, 1, 4_096)?;
        within("drain_deadline_ms", self.drain_deadline_ms, 0, 600_000)?;
        within("gate_tolerance", self.gate_tolerance, 0.0, 1_000.0)?;
        within("event_capacity", self.event_capacity, 16, 65_536)
    }

    pub(crate) fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    pub(crate) fn store_deadline(&self) -> Duration {
        Duration::from_millis(self.store_deadline_ms)
    }

    pub(crate) fn drain_deadline(&self) -> Duration {
        Duration::from_millis(self.drain_deadline_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_limits() {
        assert_eq!(KernelSettings::default().check(), Ok(()));
    }

    #[test]
    fn says_which_limit_is_out_of_range() {
        let settings = KernelSettings { backoff_min_ms: 50, backoff_max_ms: 10, ..KernelSettings::default() };
        assert_eq!(settings.check().unwrap_err().to_string(), "backoff_max_ms: is 10; it must lie in [50, 3600000]");
    }
}
