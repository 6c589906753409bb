//! The two levels together.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::flight::{Boarding, Departure, Flights, LoadError, Loaded, wait};
use crate::key::Key;
use crate::level::{LevelStatus, SecondLevel};
use crate::{size, wire};

/// Loads under way at the same time.
const FLIGHTS_MAX: usize = 4_096;
/// Largest answer that is sent to the second level.
const SENT_BYTES_MAX: usize = 1 << 20;
/// What an entry costs beside its key and its answer.
const ENTRY_BYTES: usize = 256;

/// Limits of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// Most memory the answers in this process may take.
    pub capacity_bytes: u64,
    /// How long an answer is kept.
    pub ttl: Duration,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { capacity_bytes: 64 << 20, ttl: Duration::from_secs(3_600) }
    }
}

/// An answer and how often it was asked for.
#[derive(Debug)]
struct Entry {
    value: Arc<Value>,
    asked: AtomicU64,
    bytes: u32,
}

impl Entry {
    fn new(key: &Key, value: Value) -> Self {
        let bytes = ENTRY_BYTES + key.as_str().len() + size::bytes(&value);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Self { value: Arc::new(value), asked: AtomicU64::new(1), bytes }
    }
}

#[derive(Debug, Default)]
struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    joined: AtomicU64,
    found: AtomicU64,
    damaged: AtomicU64,
    loads: AtomicU64,
    failures: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// How a cache stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CacheStatus {
    /// Answers kept in this process.
    pub entries: u64,
    /// Memory they take, about.
    pub used_bytes: u64,
    /// Memory they may take.
    pub capacity_bytes: u64,
    /// Questions answered from memory.
    pub hits: u64,
    /// Questions that were not.
    pub misses: u64,
    /// Misses that waited for a load that was under way already.
    pub joined: u64,
    /// Answers found in the second level.
    pub second_level_hits: u64,
    /// Entries of the second level that were not what was put there; they were passed over.
    pub second_level_damaged: u64,
    /// Answers computed.
    pub loads: u64,
    /// Loads that came to nothing; nothing is kept of them.
    pub failures: u64,
    /// The second level.
    pub second_level: LevelStatus,
}

/// A question that is in the cache.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The scope of its key.
    pub scope: String,
    /// The question.
    pub question: Value,
    /// How often it was asked for since its answer is kept.
    pub asked: u64,
}

/// Answers by [`Key`]; loads fail with `E`.
pub struct Cache<E> {
    settings: CacheSettings,
    near: moka::sync::Cache<Key, Arc<Entry>>,
    far: Option<Arc<dyn SecondLevel>>,
    flights: Arc<Flights<E>>,
    counters: Counters,
}

impl<E: Clone + Send + Sync + 'static> Cache<E> {
    /// An empty cache, with a second level if there is one.
    #[must_use]
    pub fn new(settings: CacheSettings, second_level: Option<Arc<dyn SecondLevel>>) -> Arc<Self> {
        let near = moka::sync::Cache::builder()
            .max_capacity(settings.capacity_bytes)
            .weigher(|_, entry: &Arc<Entry>| entry.bytes)
            .time_to_live(settings.ttl)
            .build();
        let flights = Flights::new(FLIGHTS_MAX);
        Arc::new(Self { settings, near, far: second_level, flights, counters: Counters::default() })
    }

    /// The answer kept in this process. Waits for nobody.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<Arc<Value>> {
        let entry = self.near.get(key)?;
        count(&entry.asked);
        count(&self.counters.hits);
        Some(Arc::clone(&entry.value))
    }

    /// The answer kept under `key`, here or in the second level, or else what `load` brings, which is then kept. All who
    /// ask at the same time share one load. It runs as a task of the current tokio runtime: it goes on if the caller that
    /// began it gives up, for at most its `limit`.
    ///
    /// # Errors
    /// [`LoadError`]; errors are not kept.
    pub async fn get_or_load(
        self: &Arc<Self>,
        key: &Key,
        limit: Duration,
        load: impl Future<Output = Result<Value, E>> + Send + 'static,
    ) -> Loaded<E> {
        if let Some(value) = self.get(key) {
            return Ok(value);
        }
        match self.flights.board(key, || self.get(key)) {
            Boarding::Arrived(value) => Ok(value),
            Boarding::Refused => {
                count(&self.counters.misses);
                Err(LoadError::TooMany(self.flights.limit()))
            }
            Boarding::Joined(seat) => {
                count(&self.counters.misses);
                count(&self.counters.joined);
                wait(seat, limit).await
            }
            Boarding::First(departure, seat) => {
                count(&self.counters.misses);
                tokio::spawn(Arc::clone(self).fly(departure, limit, load));
                wait(seat, limit).await
            }
        }
    }

    async fn fly(
        self: Arc<Self>,
        departure: Departure<E>,
        limit: Duration,
        load: impl Future<Output = Result<Value, E>> + Send + 'static,
    ) {
        let fetched = tokio::time::timeout(limit, self.fetch(departure.key(), load));
        let result = match AssertUnwindSafe(fetched).catch_unwind().await {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(LoadError::Failed(error)),
            Ok(Err(_)) => Err(LoadError::DeadlineExceeded),
            Err(payload) => Err(LoadError::Panicked(words(&*payload))),
        };
        if result.is_err() {
            count(&self.counters.failures);
        }
        departure.land(result);
    }

    async fn fetch(&self, key: &Key, load: impl Future<Output = Result<Value, E>>) -> Result<Arc<Value>, E> {
        if let Some(far) = &self.far
            && let Some(bytes) = far.get(key).await
        {
            if let Some(value) = wire::decode(key, &bytes) {
                count(&self.counters.found);
                return Ok(self.keep(key, value));
            }
            count(&self.counters.damaged);
        }
        count(&self.counters.loads);
        let value = self.keep(key, load.await?);
        if let Some(far) = &self.far
            && let Some(bytes) = wire::encode(key, &value, SENT_BYTES_MAX)
        {
            far.put(key, bytes, self.settings.ttl);
        }
        Ok(value)
    }

    fn keep(&self, key: &Key, value: Value) -> Arc<Value> {
        let entry = Arc::new(Entry::new(key, value));
        let value = Arc::clone(&entry.value);
        self.near.insert(key.clone(), entry);
        // Now rather than at some later question, so that the figures are right.
        self.near.run_pending_tasks();
        value
    }

    /// The questions asked most that are kept here, most often first. O(entries).
    #[must_use]
    pub fn most_asked(&self, limit: usize) -> Vec<Asked> {
        self.top(limit, |_| true)
    }

    /// Lets go of every answer within `scope`: whoever answered there answers no more. What was asked most within it, at
    /// most `limit`, most often first. O(entries).
    #[must_use]
    pub fn retire(&self, scope: &str, limit: usize) -> Vec<Asked> {
        let within = |key: &Key| key.scope() == scope;
        let top = self.top(limit, within);
        for (key, _) in &self.near {
            if within(&key) {
                self.near.invalidate(&*key);
            }
        }
        self.near.run_pending_tasks();
        top
    }

    /// Lets go of every answer, here and in the second level. For a thread that may block, `limit` at most.
    ///
    /// # Errors
    /// Why some may still be in the second level, in words; they go by their age.
    pub fn clear(&self, limit: Duration) -> Result<(), String> {
        self.near.invalidate_all();
        self.near.run_pending_tasks();
        self.far.as_ref().map_or(Ok(()), |far| far.clear(limit))
    }

    /// Counts `key` as asked so many times more, if it is kept.
    pub fn credit(&self, key: &Key, times: u64) {
        if let Some(entry) = self.near.get(key) {
            entry.asked.fetch_add(times, Ordering::Relaxed);
        }
    }

    fn top(&self, limit: usize, keep: impl Fn(&Key) -> bool) -> Vec<Asked> {
        let kept = self.near.iter().filter(|(key, _)| keep(key));
        let mut all: Vec<_> = kept.map(|(key, entry)| (entry.asked.load(Ordering::Relaxed), key)).collect();
        // Equals in the order of their keys, so that the list does not jump about.
        all.sort_unstable_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.as_str().cmp(y.as_str())));
        let asked =
            |(asked, key): (u64, Arc<Key>)| Asked { scope: key.scope().to_owned(), question: key.question(), asked };
        all.into_iter().take(limit).map(asked).collect()
    }

    /// How it stands. Waits for nobody.
    #[must_use]
    pub fn status(&self) -> CacheStatus {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        CacheStatus {
            entries: self.near.entry_count(),
            used_bytes: self.near.weighted_size(),
            capacity_bytes: self.settings.capacity_bytes,
            hits: read(&counters.hits),
            misses: read(&counters.misses),
            joined: read(&counters.joined),
            second_level_hits: read(&counters.found),
            second_level_damaged: read(&counters.damaged),
            loads: read(&counters.loads),
            failures: read(&counters.failures),
            second_level: self.far.as_ref().map_or_else(LevelStatus::default, |far| far.status()),
        }
    }
}

/// What a panic said.
fn words(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it did not say why".to_owned())
}
