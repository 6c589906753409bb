//! A running kernel on a store in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use souffleur_actors::health::State;
use souffleur_actors::{AnswerCache, Handle, KernelSettings, StartError};
use souffleur_cache::CacheSettings;
use souffleur_core::catalogue::Entry;
use souffleur_core::clock::Clock;
use souffleur_core::features;
use souffleur_core::records::Session;
use souffleur_core::store::memory::MemoryStore;
use souffleur_core::store::{Append, FeaturedSession, Record, Store};
use souffleur_core::time::Timestamp;

use crate::components::{Answer, Script};

/// Longest any test waits for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// The machine's clock.
pub(crate) struct SystemClock(Instant);

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "a test's edge")]
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "a test's edge")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(since.as_micros()).unwrap())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Limits that make tests quick.
pub(crate) fn quick() -> KernelSettings {
    KernelSettings {
        compute_slots: 2,
        answer_slots: 2,
        restart_intensity: 3,
        restart_period_ms: 60_000,
        backoff_min_ms: 5,
        backoff_max_ms: 20,
        quarantine_retry_ms: 0,
        grace_ms: 50,
        stall_ms: 200,
        watch_interval_ms: 5,
        probe_interval_ms: 3_600_000,
        analytics_interval_ms: 0,
        health_flush_ms: 20,
        drain_deadline_ms: 500,
        store_deadline_ms: 1_000,
        ..KernelSettings::default()
    }
}

/// Sections for components by name.
pub(crate) fn params(scripts: &[(&str, Script)]) -> BTreeMap<String, Value> {
    scripts.iter().map(|(name, script)| ((*name).to_owned(), json!(script))).collect()
}

/// So many sessions, none of which was there before.
pub(crate) fn sessions(prefix: &str, count: usize) -> Vec<Append> {
    let session = |i| {
        let json =
            json!({ "session_id": format!("{prefix}-{i}"), "original_prompt": "Write it.", "quality_score": 0.5 });
        let session: Session = serde_json::from_value(json).unwrap();
        let features = features::extract(&session);
        Record::Session(Box::new(FeaturedSession { session, features, provenance: None })).into()
    };
    (0..count).map(session).collect()
}

/// A kernel that runs, and its store.
pub(crate) struct World {
    pub(crate) handle: Handle,
    pub(crate) store: Arc<MemoryStore>,
}

impl World {
    /// Starts a kernel on a store that holds five sessions, and waits until it is ready.
    pub(crate) async fn start(entries: Vec<Entry>, scripts: &[(&str, Script)], settings: KernelSettings) -> Self {
        let store = Arc::new(MemoryStore::default());
        store.append(sessions("first", 5), Timestamp(1)).await.unwrap();
        let world = Self::on(store, entries, scripts, settings).unwrap();
        world.until("the kernel is ready", Handle::is_ready).await;
        world
    }

    /// As [`start`](Self::start), with a cache for answers.
    pub(crate) async fn caching(entries: Vec<Entry>, scripts: &[(&str, Script)], settings: KernelSettings) -> Self {
        let store = Arc::new(MemoryStore::default());
        store.append(sessions("first", 5), Timestamp(1)).await.unwrap();
        let cache = AnswerCache::new(CacheSettings::default(), None);
        let world = Self::with(store, entries, scripts, settings, Some(cache)).unwrap();
        world.until("the kernel is ready", Handle::is_ready).await;
        world
    }

    /// Starts a kernel on a store and does not wait.
    pub(crate) fn on(
        store: Arc<MemoryStore>,
        entries: Vec<Entry>,
        scripts: &[(&str, Script)],
        settings: KernelSettings,
    ) -> Result<Self, StartError> {
        Self::with(store, entries, scripts, settings, None)
    }

    fn with(
        store: Arc<MemoryStore>,
        entries: Vec<Entry>,
        scripts: &[(&str, Script)],
        settings: KernelSettings,
        cache: Option<Arc<AnswerCache>>,
    ) -> Result<Self, StartError> {
        let clock = Arc::new(SystemClock::default());
        let port: Arc<dyn Store> = Arc::clone(&store) as _;
        let handle = souffleur_actors::start(entries, params(scripts), port, clock, settings, cache)?;
        Ok(Self { handle, store })
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, what: &str, so: impl Fn(&Handle) -> bool) {
        let waited = tokio::time::timeout(LIMIT, async {
            while !so(&self.handle) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        assert!(waited.await.is_ok(), "it never came that {what}: {:#?}", self.handle.health());
    }

    /// Waits until a component is in a state.
    pub(crate) async fn until_state(&self, component: &str, state: State) {
        let so = |handle: &Handle| handle.component_health(component).unwrap().state == state;
        self.until(&format!("{component} is {}", state.name()), so).await;
    }

    /// Trains and expects a model.
    pub(crate) async fn train(&self, component: &str) -> souffleur_actors::TrainOutcome {
        self.handle.train(component, LIMIT).await.unwrap()
    }

    /// Asks and expects an answer.
    pub(crate) async fn ask(&self, component: &str, echo: u64) -> Answer {
        let answer = self.handle.query(component, json!({ "echo": echo })).await.unwrap();
        serde_json::from_value(Arc::unwrap_or_clone(answer)).unwrap()
    }
}
