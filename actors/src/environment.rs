//! What every actor of the kernel works with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use souffleur_core::clock::Clock;
use souffleur_core::ids::Seq;
use souffleur_core::store::{Append, Record, Store};
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::append::Stopwatch;
use crate::batches::BatchSource;
use crate::compute::Compute;
use crate::error::CallError;
use crate::events::RuntimeEvent;
use crate::health::board::HealthBoard;
use crate::policy::Time;
use crate::repeated::AnswerCache;
use crate::settings::KernelSettings;

/// Ports, pools, limits and the boards everybody writes to.
pub(crate) struct Environment {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) settings: KernelSettings,
    /// Slots for starting, training and probing.
    pub(crate) compute: Arc<dyn Compute>,
    /// Slots for answers.
    pub(crate) answers: Arc<dyn Compute>,
    pub(crate) batches: Arc<dyn BatchSource>,
    /// Answers to questions that were asked before, if they are kept.
    pub(crate) cache: Option<Arc<AnswerCache>>,
    pub(crate) events: broadcast::Sender<RuntimeEvent>,
    pub(crate) board: Arc<HealthBoard>,
    /// Rows a component can learn from: sessions, rule applications, feedback. The runtime's own records do not
    /// count, or writing them would be a reason to train.
    pub(crate) learnable_rows: AtomicU64,
    pub(crate) stopwatch: Stopwatch,
    /// Where the time of the policies begins.
    pub(crate) epoch: Instant,
}

impl Environment {
    /// The time as the policies count it.
    pub(crate) fn elapsed(&self) -> Time {
        self.epoch.elapsed()
    }

    /// Tells whoever listens. Nobody listening is fine.
    pub(crate) fn emit(&self, event: RuntimeEvent) {
        let _ = self.events.send(event);
    }

    /// Waits for a write, at most as long as a write may take.
    pub(crate) async fn committed<T>(&self, commit: souffleur_core::store::Commit<T>) -> Result<T, CallError> {
        let limit = Duration::from_millis(self.settings.store_deadline_ms);
        let result = tokio::time::timeout(limit, commit).await.map_err(|_| CallError::DeadlineExceeded)?;
        self.board.store_answered(result.as_ref().err());
        Ok(result?)
    }

    /// Notes that rows were committed.
    pub(crate) fn note_rows(&self, watermark: Seq, learnable: u64) -> u64 {
        self.board.raise_watermark(watermark);
        self.learnable_rows.fetch_add(learnable, Ordering::AcqRel) + learnable
    }
}

/// How many rows of these records a component can learn from.
pub(crate) fn learnable_rows(records: &[Append]) -> u64 {
    let rows = records.iter().map(|append| match &append.record {
        Record::Session(featured) => 1 + featured.session.rules.len() + featured.session.feedback.len(),
        Record::Feedback(_) | Record::Application { .. } => 1,
        Record::Rule(_) | Record::Metric(_) | Record::Document(..) => 0,
    });
    rows.sum::<usize>() as u64
}
