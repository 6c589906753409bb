//! Finished batches, handed out on the caller's own thread.
//!
//! A question to the loader's mailbox costs two thread switches, tens of microseconds where the cores sleep. Most
//! questions have been answered before, on the same data: those need no switch.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use souffleur_core::batch::TrainingBatch;
use souffleur_core::ids::Seq;
use souffleur_core::query::Query;

use super::cache::BatchCache;
use super::execute::version_of;
use super::messages::LoaderStatus;

/// The loader's finished batches, for any thread.
#[derive(Clone, Debug)]
pub struct WarmBatches {
    cache: Arc<Mutex<BatchCache>>,
    board: Arc<ArcSwap<LoaderStatus>>,
    announced: Arc<AtomicI64>,
}

impl WarmBatches {
    pub(crate) fn new(cache: Arc<Mutex<BatchCache>>, board: Arc<ArcSwap<LoaderStatus>>) -> Self {
        Self { cache, board, announced: Arc::default() }
    }

    /// Rows were committed up to `watermark`: older batches no longer answer an open question.
    pub fn data_changed(&self, watermark: Seq) {
        self.announced.fetch_max(watermark.0, Ordering::AcqRel);
    }

    /// The batch that answers `query` on everything committed so far, if it is there.
    #[must_use]
    pub fn get(&self, query: &Query) -> Option<Arc<TrainingBatch>> {
        let newest = Seq(self.announced.load(Ordering::Acquire)).max(self.board.load().watermark);
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(query, version_of(query.as_of, newest))
    }
}
