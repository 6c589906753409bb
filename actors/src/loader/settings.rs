//! The loader's limits.

use std::time::Duration;

use super::leases::LeaseLimits;
use crate::settings::KernelSettings;

/// Limits of the loader.
#[derive(Clone, Copy, Debug)]
pub struct LoaderSettings {
    /// Memory for the image and the batches kept, in bytes.
    pub memory_limit_bytes: usize,
    /// Most batches kept.
    pub cached_batches: usize,
    /// Most askers that wait.
    pub waiting: usize,
    /// When to come back if more come.
    pub retry_after_ms: u64,
    /// Longest an asker waits.
    pub batch_deadline: Duration,
    /// Longest the worker is at one piece of work before it is told to stop.
    pub work_deadline: Duration,
    /// How long it may take to stop before its thread is given up.
    pub grace: Duration,
    /// Work without a sign of life for this long is hung: its thread is given up.
    pub stall: Duration,
    /// Longest wait for a write.
    pub store_deadline: Duration,
    /// Pause before the first further attempt to read; it doubles with every failure.
    pub backoff_min: Duration,
    /// Longest pause.
    pub backoff_max: Duration,
    /// Most records in one call.
    pub records_per_call: usize,
    /// Limits on leases.
    pub leases: LeaseLimits,
}

/// How many deadlines of an asker one piece of work may take: a first load of a long history takes longer than
/// anyone waits, and the next asker profits from it.
const WORK_DEADLINES: u32 = 10;

impl From<&KernelSettings> for LoaderSettings {
    fn from(kernel: &KernelSettings) -> Self {
        let batch_deadline = Duration::from_millis(kernel.batch_deadline_ms);
        Self {
            memory_limit_bytes: kernel.loader_memory_bytes,
            cached_batches: 64,
            waiting: kernel.loader_queue,
            retry_after_ms: 100,
            batch_deadline,
            work_deadline: batch_deadline * WORK_DEADLINES,
            grace: Duration::from_millis(kernel.grace_ms),
            stall: Duration::from_millis(kernel.stall_ms),
            store_deadline: Duration::from_millis(kernel.store_deadline_ms),
            backoff_min: Duration::from_millis(kernel.backoff_min_ms),
            backoff_max: Duration::from_millis(kernel.backoff_max_ms),
            records_per_call: 10_000,
            leases: LeaseLimits::default(),
        }
    }
}

impl Default for LoaderSettings {
    fn default() -> Self {
        Self::from(&KernelSettings::default())
    }
}
