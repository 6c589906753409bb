//! Single flight: who misses the same key waits for one load.
//!
//! The load is a task of its own. Whoever began it may give up, and the others still get its result.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use crate::key::Key;

/// Why a load came to nothing, told to everyone who waited for it. It is not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError<E> {
    /// The load failed.
    #[error(transparent)]
    Failed(E),
    /// The load panicked.
    #[error("the load panicked: {0}")]
    Panicked(String),
    /// The load did not end in time.
    #[error("the load did not end in time")]
    DeadlineExceeded,
    /// Too many loads are under way.
    #[error("{0} loads are under way, which is the limit")]
    TooMany(usize),
    /// The runtime ended before the load did.
    #[error("the runtime ended before the load did")]
    Stopped,
}

/// What a load came to.
pub(crate) type Loaded<E> = Result<Arc<Value>, LoadError<E>>;

/// Somebody's place among those who wait.
pub(crate) type Seat<E> = watch::Receiver<Option<Loaded<E>>>;

/// The loads under way.
#[derive(Debug)]
pub(crate) struct Flights<E> {
    limit: usize,
    under_way: Mutex<HashMap<Key, Seat<E>>>,
}

/// What came of asking for a seat.
pub(crate) enum Boarding<E> {
    /// Somebody loads it already.
    Joined(Seat<E>),
    /// It was loaded in the meantime.
    Arrived(Arc<Value>),
    /// The caller is to load it, and to tell the others.
    First(Departure<E>, Seat<E>),
    /// There are too many.
    Refused,
}

/// The duty to load a key and to tell those who wait. Dropped before that, it tells them so.
pub(crate) struct Departure<E> {
    flights: Arc<Flights<E>>,
    key: Key,
    tell: watch::Sender<Option<Loaded<E>>>,
    /// Whether it left the list: its place may be another's by now.
    left: bool,
}

impl<E> Flights<E> {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, under_way: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Seat<E>>> {
        // No step under the lock leaves it half done.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Joins the load of `key` or becomes the one who does it. `look` looks again whether it is there: a load keeps its
    /// result before it leaves the list, so what is on neither is really to be loaded.
    pub(crate) fn board(self: &Arc<Self>, key: &Key, look: impl FnOnce() -> Option<Arc<Value>>) -> Boarding<E> {
        let mut under_way = self.lock();
        if let Some(seat) = under_way.get(key) {
            return Boarding::Joined(seat.clone());
        }
        if let Some(value) = look() {
            return Boarding::Arrived(value);
        }
        if under_way.len() >= self.limit {
            return Boarding::Refused;
        }
        let (tell, seat) = watch::channel(None);
        under_way.insert(key.clone(), seat.clone());
        Boarding::First(Departure { flights: Arc::clone(self), key: key.clone(), tell, left: false }, seat)
    }
}

impl<E> Departure<E> {
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Tells everyone who waits.
    pub(crate) fn land(mut self, result: Loaded<E>) {
        self.leave();
        // Nobody waiting any more is fine.
        let _ = self.tell.send(Some(result));
    }

    fn leave(&mut self) {
        if !std::mem::replace(&mut self.left, true) {
            self.flights.lock().remove(&self.key);
        }
    }
}

impl<E> Drop for Departure<E> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Waits for a load, at most so long.
pub(crate) async fn wait<E: Clone>(mut seat: Seat<E>, limit: Duration) -> Loaded<E> {
    let landed = tokio::time::timeout(limit, seat.wait_for(Option::is_some)).await;
    match landed {
        Err(_) => Err(LoadError::DeadlineExceeded),
        Ok(Err(_)) => Err(LoadError::Stopped),
        Ok(Ok(result)) => result.clone().unwrap_or(Err(LoadError::Stopped)),
    }
}
