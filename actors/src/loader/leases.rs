//! Who works on which data. A pure state machine: the time is passed in.
//!
//! A component holds at most one lease. Until it is acknowledged, asking again gives the same data again, also to a
//! newer incarnation of the component; an older one is turned away. A lease whose time is over counts as a failed
//! attempt; after too many the data is given up and the newest is handed out instead.

use std::collections::BTreeMap;
use std::sync::Arc;

use souffleur_core::ids::{DataVersion, Epoch};
use souffleur_core::query::Query;
use souffleur_core::time::Timestamp;

use super::error::LoaderError;

/// Limits on leases.
#[derive(Clone, Copy, Debug)]
pub struct LeaseLimits {
    /// Most leases at a time.
    pub leases: usize,
    /// How long a lease is good for.
    pub ttl_ms: u64,
    /// How often the same data is served before it is given up.
    pub attempts: u32,
    /// When to ask again if there are too many.
    pub retry_after_ms: u64,
}

impl Default for LeaseLimits {
    fn default() -> Self {
        Self { leases: 1024, ttl_ms: 15 * 60 * 1000, attempts: 3, retry_after_ms: 1000 }
    }
}

/// The right of a component's incarnation to work on a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchLease {
    /// Its number; never given twice.
    pub id: u64,
    /// Who holds it.
    pub component: Arc<str>,
    /// The incarnation that holds it.
    pub epoch: Epoch,
    /// The question.
    pub query: Query,
    /// The data, the same however often it is served.
    pub version: DataVersion,
    /// When it lapses.
    pub expires: Timestamp,
    /// How often the data was served, this time included.
    pub attempt: u32,
}

/// All leases.
#[derive(Debug, Default)]
pub struct Leases {
    limits: LeaseLimits,
    held: BTreeMap<Arc<str>, BatchLease>,
    last_id: u64,
}

impl Leases {
    /// No leases yet.
    #[must_use]
    pub fn new(limits: LeaseLimits) -> Self {
        Self { limits, held: BTreeMap::new(), last_id: 0 }
    }

    /// The lease of `component` for `query`: the one not yet acknowledged, or a new one on the data of `newest`.
    ///
    /// # Errors
    /// [`LoaderError::Fenced`] if a newer incarnation holds it, [`LoaderError::Busy`] if there are too many.
    pub fn request(
        &mut self,
        component: &Arc<str>,
        epoch: Epoch,
        query: &Query,
        newest: DataVersion,
        now: Timestamp,
    ) -> Result<BatchLease, LoaderError> {
        let expires = Timestamp(now.0.saturating_add_unsigned(self.limits.ttl_ms.saturating_mul(1000)));
        let next_id = self.last_id + 1;
        if let Some(held) = self.held.get_mut(component) {
            if epoch < held.epoch {
                return Err(fenced(component, epoch, held.epoch));
            }
            let same = held.query == *query && held.version.schema_hash == newest.schema_hash;
            let lapsed = now >= held.expires || epoch > held.epoch;
            if same && !lapsed {
                return Ok(held.clone());
            }
            if same && held.attempt < self.limits.attempts {
                self.last_id = next_id;
                (held.id, held.epoch, held.expires, held.attempt) = (next_id, epoch, expires, held.attempt + 1);
                return Ok(held.clone());
            }
        } else if self.held.len() >= self.limits.leases && !self.drop_lapsed(now) {
            return Err(LoaderError::Busy { retry_after_ms: self.limits.retry_after_ms });
        }
        self.last_id = next_id;
        let component = Arc::clone(component);
        let lease =
            BatchLease { id: next_id, component, epoch, query: query.clone(), version: newest, expires, attempt: 1 };
        self.held.insert(Arc::clone(&lease.component), lease.clone());
        Ok(lease)
    }

    /// The work is done. A lapsed lease may still be acknowledged as long as nobody else was served.
    ///
    /// # Errors
    /// [`LoaderError::Fenced`] for an older incarnation, [`LoaderError::UnknownLease`] for any other than the current.
    pub fn acknowledge(&mut self, component: &str, epoch: Epoch, id: u64) -> Result<(), LoaderError> {
        match self.held.get(component) {
            Some(held) if epoch < held.epoch => Err(fenced(component, epoch, held.epoch)),
            Some(held) if held.id == id && held.epoch == epoch => {
                self.held.remove(component);
                Ok(())
            }
            _ => Err(LoaderError::UnknownLease { component: component.to_owned(), lease: id }),
        }
    }

    /// Takes a lease back because its batch could not be served.
    pub fn revoke(&mut self, component: &str, id: u64) {
        if self.held.get(component).is_some_and(|held| held.id == id) {
            self.held.remove(component);
        }
    }

    /// Number of leases held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether nobody holds one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes all leases back.
    pub fn release_all(&mut self) {
        self.held.clear();
    }

    /// Forgets leases that lapsed a whole term ago. Says whether there were any.
    fn drop_lapsed(&mut self, now: Timestamp) -> bool {
        let before = self.held.len();
        let term_us = self.limits.ttl_ms.saturating_mul(1000);
        self.held.retain(|_, held| now < Timestamp(held.expires.0.saturating_add_unsigned(term_us)));
        self.held.len() < before
    }
}

fn fenced(component: &str, have: Epoch, current: Epoch) -> LoaderError {
    LoaderError::Fenced { component: component.to_owned(), have, current }
}

#[cfg(test)]
mod tests;
