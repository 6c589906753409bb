//! What the settings mean to the layers below.

use std::time::Duration;

use souffleur_actors::KernelSettings;
use souffleur_cache::CacheSettings;
use souffleur_contracts::ContractSettings;
use souffleur_store::StoreSettings;

use super::{Durability, Retention, Settings};
use crate::retention::RetentionPolicy;

impl Settings {
    /// The kernel's limits.
    #[must_use]
    pub fn kernel(&self) -> KernelSettings {
        let Settings { supervision, loader, store, registry, health, analytics, .. } = self;
        let automatic = KernelSettings::default();
        let or = |slots: usize, automatic: usize| if slots == 0 { automatic } else { slots };
        KernelSettings {
            compute_slots: or(supervision.compute_slots, automatic.compute_slots),
            answer_slots: or(supervision.answer_slots, automatic.answer_slots),
            answer_queue: supervision.answer_queue,
            port_capacity: supervision.component_queue,
            max_abandoned: supervision.abandoned_max,
            restart_intensity: supervision.restart_intensity,
            restart_period_ms: supervision.restart_period_ms,
            backoff_min_ms: supervision.backoff_min_ms,
            backoff_max_ms: supervision.backoff_max_ms,
            backoff_jitter_percent: supervision.backoff_jitter_percent,
            healthy_after_ms: supervision.healthy_after_ms,
            quarantine_retry_ms: supervision.quarantine_retry_ms,
            max_attempts: supervision.attempts_max,
            start_deadline_ms: supervision.start_deadline_ms,
            grace_ms: supervision.grace_ms,
            stall_ms: supervision.stall_ms,
            watch_interval_ms: supervision.watch_interval_ms,
            store_deadline_ms: store.write_deadline_ms,
            batch_deadline_ms: loader.batch_deadline_ms,
            probe_interval_ms: health.probe_interval_ms,
            probe_deadline_ms: health.probe_deadline_ms,
            analytics_interval_ms: analytics.interval_ms,
            health_flush_ms: health.flush_ms,
            loader_memory_bytes: loader.memory_limit_bytes,
            loader_queue: loader.queue_capacity,
            drain_deadline_ms: supervision.drain_deadline_ms,
            event_capacity: supervision.event_capacity,
            train_unasked: supervision.train_unasked,
            promote_unasked: registry.promote_unasked,
            gate_tolerance: registry.gate_tolerance,
            seed: u64::from(supervision.seed),
        }
    }

    /// The cache's limits.
    #[must_use]
    pub fn answers(&self) -> CacheSettings {
        let cache = &self.cache;
        CacheSettings { capacity_bytes: cache.capacity_bytes, ttl: Duration::from_millis(cache.ttl_ms) }
    }

    /// The database's limits.
    #[must_use]
    pub fn database(&self) -> StoreSettings {
        let store = &self.store;
        StoreSettings {
            queue_capacity: store.queue_capacity,
            queue_rows: store.queue_rows,
            group_commit_rows: store.group_commit_rows,
            readers: store.readers,
            busy_timeout_ms: store.busy_timeout_ms,
            retry_after_ms: store.retry_after_ms,
            durability: match store.durability {
                Durability::Normal => souffleur_store::Durability::Normal,
                Durability::Full => souffleur_store::Durability::Full,
            },
            file_bytes_max: store.file_bytes_max,
            checkpoint_pages: store.checkpoint_pages,
            keep_models: self.registry.keep_models,
            signing_key: None,
        }
    }

    /// What the recorded data is held to.
    #[must_use]
    pub fn contract(&self) -> ContractSettings {
        let contract = &self.contract;
        ContractSettings {
            recent_share: contract.recent_share,
            rows_min: contract.rows_min,
            sample_rows: contract.sample_rows,
            drift_from: contract.drift_from,
            drift_severe_from: contract.drift_severe_from,
            fdr: contract.fdr,
            duplicates_from: contract.duplicates_from,
            label_noise_from: contract.label_noise_from,
            leak_from: contract.leak_from,
            leak_suspected_from: contract.leak_suspected_from,
            stale_after_hours: contract.stale_after_hours,
        }
    }

    /// How much history is kept.
    #[must_use]
    pub fn retention(&self) -> RetentionPolicy {
        let Retention { age_days, used_bytes_max, .. } = self.retention;
        RetentionPolicy {
            age: (age_days > 0).then(|| Duration::from_secs(u64::from(age_days) * 24 * 60 * 60)),
            used_bytes: (used_bytes_max > 0).then_some(used_bytes_max),
        }
    }
}

/// The key of a setting the kernel knows under another name.
pub(super) fn key(kernel: &str) -> String {
    let renamed = [
        ("port_capacity", "supervision.component_queue"),
        ("max_abandoned", "supervision.abandoned_max"),
        ("max_attempts", "supervision.attempts_max"),
        ("store_deadline_ms", "store.write_deadline_ms"),
        ("batch_deadline_ms", "loader.batch_deadline_ms"),
        ("probe_interval_ms", "health.probe_interval_ms"),
        ("probe_deadline_ms", "health.probe_deadline_ms"),
        ("analytics_interval_ms", "analytics.interval_ms"),
        ("health_flush_ms", "health.flush_ms"),
        ("loader_memory_bytes", "loader.memory_limit_bytes"),
        ("loader_queue", "loader.queue_capacity"),
        ("promote_unasked", "registry.promote_unasked"),
        ("gate_tolerance", "registry.gate_tolerance"),
    ];
    let found = renamed.iter().find(|(theirs, _)| *theirs == kernel);
    found.map_or_else(|| format!("supervision.{kernel}"), |(_, ours)| (*ours).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_defaults_are_those_of_the_layers_below() {
        assert_eq!(Settings::default().kernel(), KernelSettings::default());
        assert_eq!(Settings::default().database(), StoreSettings::default());
        assert_eq!(Settings::default().answers(), CacheSettings::default());
        assert_eq!(Settings::default().contract(), ContractSettings::default());
    }

    #[test]
    fn every_key_of_the_kernel_has_a_key_here() {
        let schema = crate::settings::schema(&[]);
        let kernel = serde_json::to_value(KernelSettings::default()).unwrap();
        for name in kernel.as_object().unwrap().keys() {
            let pointer = format!("/properties/{}", key(name).replace('.', "/properties/"));
            assert!(schema.pointer(&pointer).is_some(), "{name} would be reported as {}", key(name));
        }
    }
}
