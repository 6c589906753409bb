//! Keys, loads and a second level that does what it is told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use souffleur_cache::{Cache, CacheSettings, Found, Key, LevelStatus, SecondLevel};

/// Why a load of the tests fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong(pub(crate) &'static str);

/// More than any load of the tests takes.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn key(question: usize) -> Key {
    Key::new("scope", &json!({ "prompt": question })).unwrap()
}

pub(crate) fn cache() -> Arc<Cache<Wrong>> {
    Cache::new(CacheSettings::default(), None)
}

/// Counts how often it is loaded.
#[derive(Clone, Default)]
pub(crate) struct Source(Arc<AtomicUsize>);

impl Source {
    pub(crate) fn load(&self, value: Value) -> impl Future<Output = Result<Value, Wrong>> + Send + 'static {
        let loads = Arc::clone(&self.0);
        async move {
            loads.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(value)
        }
    }

    pub(crate) fn loads(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A second level in memory.
#[derive(Default)]
pub(crate) struct Shelf(pub(crate) Mutex<HashMap<String, Vec<u8>>>);

impl SecondLevel for Shelf {
    fn get(&self, key: &Key) -> Found {
        let found = self.0.lock().unwrap().get(key.as_str()).cloned();
        Box::pin(std::future::ready(found))
    }

    fn put(&self, key: &Key, value: Vec<u8>, _: Duration) {
        self.0.lock().unwrap().insert(key.as_str().to_owned(), value);
    }

    fn clear(&self, _: Duration) -> Result<(), String> {
        self.0.lock().unwrap().clear();
        Ok(())
    }

    fn status(&self) -> LevelStatus {
        LevelStatus::default()
    }
}
