//! Finished batches, one per query: all who ask the same get the same one.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use souffleur_core::batch::TrainingBatch;
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::query::Query;

use super::memory::BatchMemory;

/// A batch and the memory it stands for.
#[derive(Clone, Debug)]
pub(crate) struct Cached {
    pub(crate) batch: Arc<TrainingBatch>,
    pub(crate) memory: BatchMemory,
}

#[derive(Debug)]
struct Entry {
    cached: Cached,
    used: u64,
    asked: u64,
}

/// Batches by query. Bounded in number here, in memory by the tickets they hold.
#[derive(Debug)]
pub(crate) struct BatchCache {
    capacity: usize,
    entries: HashMap<Query, Entry>,
    /// Batches no longer kept but still in somebody's hands: their memory is still taken.
    lent: Vec<(Weak<TrainingBatch>, BatchMemory)>,
    clock: u64,
    /// The newest erasure that was heard of.
    erased: Seq,
}

impl BatchCache {
    /// A cache of up to `capacity` batches.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), entries: HashMap::new(), lent: Vec::new(), clock: 0, erased: Seq::ZERO }
    }

    /// The batch that answers `query` at exactly this version.
    pub(crate) fn get(&mut self, query: &Query, version: DataVersion) -> Option<Arc<TrainingBatch>> {
        let entry = self.entries.get_mut(query).filter(|entry| entry.cached.batch.version == version)?;
        self.clock += 1;
        entry.used = self.clock;
        entry.asked += 1;
        Some(Arc::clone(&entry.cached.batch))
    }

    /// The batch that answered `query` last, whatever its version.
    pub(crate) fn last(&self, query: &Query) -> Option<Cached> {
        self.entries.get(query).map(|entry| entry.cached.clone())
    }

    /// Keeps a batch. It takes the place of the one that answered the same query before; what had to go is returned
    /// so that it can be dropped outside a lock.
    pub(crate) fn insert(&mut self, cached: Cached) -> Vec<Cached> {
        let mut gone = Vec::new();
        while self.entries.len() >= self.capacity && !self.entries.contains_key(&cached.batch.query) {
            gone.extend(self.evict());
        }
        self.clock += 1;
        let query = cached.batch.query.clone();
        let asked = self.entries.get(&query).map_or(1, |entry| entry.asked + 1);
        let entry = Entry { cached, used: self.clock, asked };
        if let Some(old) = self.entries.insert(query, entry) {
            self.lend(&old.cached);
            gone.push(old.cached);
        }
        gone
    }

    /// Forgets every batch unless this erasure was heard of before: any of them may hold what was erased. What had to go is
    /// returned so that it can be dropped outside a lock.
    pub(crate) fn hear_of_erasure(&mut self, at: Seq) -> Vec<Cached> {
        if at <= self.erased {
            return Vec::new();
        }
        self.erased = at;
        let gone: Vec<Cached> = self.entries.drain().map(|(_, entry)| entry.cached).collect();
        gone.iter().for_each(|cached| self.lend(cached));
        gone
    }

    /// Gives up one batch: of the oldest data first, then the one not asked for longest.
    pub(crate) fn evict(&mut self) -> Option<Cached> {
        let oldest = |(_, entry): &(&Query, &Entry)| (entry.cached.batch.version.watermark, entry.used);
        let query = self.entries.iter().min_by_key(oldest)?.0.clone();
        let entry = self.entries.remove(&query)?;
        self.lend(&entry.cached);
        Some(entry.cached)
    }

    /// Remembers the memory of a batch that is not kept until nobody holds it any more.
    pub(crate) fn lend(&mut self, cached: &Cached) {
        self.lent.push((Arc::downgrade(&cached.batch), cached.memory.clone()));
    }

    /// Gives back the memory of batches that nobody holds any more.
    pub(crate) fn settle(&mut self) {
        self.lent.retain(|(batch, _)| batch.strong_count() > 0);
    }

    /// Number of batches kept.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The queries asked most, with how often, most often first; equals in order of last use.
    pub(crate) fn most_asked(&self, limit: usize) -> Vec<(Query, u64)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_unstable_by_key(|(_, entry)| std::cmp::Reverse((entry.asked, entry.used)));
        entries.into_iter().take(limit).map(|(query, entry)| (query.clone(), entry.asked)).collect()
    }
}

#[cfg(test)]
mod tests;
