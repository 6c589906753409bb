//! Appending records and spreading the word.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use souffleur_core::ids::Seq;
use souffleur_core::store::{Append, Receipt};

use crate::environment::{Environment, learnable_rows};
use crate::error::CallError;
use crate::events::RuntimeEvent;

/// Whether the way of a row from its commit into the image is being timed. One at a time is enough.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch(AtomicBool);

/// Appends records in one transaction; once committed, the loader is told and listeners hear of it.
pub(crate) async fn append(env: &Arc<Environment>, records: Vec<Append>) -> Result<Vec<Receipt>, CallError> {
    let (count, learnable) = (records.len(), learnable_rows(&records));
    let before = env.clock.monotonic();
    let receipts = env.committed(env.store.append(records, env.clock.now())).await?;
    env.board.append_latency.record(env.clock.monotonic().saturating_sub(before));
    env.board.records_appended.fetch_add(count as u64, Ordering::Relaxed);
    let newest = receipts.iter().filter(|receipt| !receipt.duplicate).map(|receipt| receipt.seq).max();
    if let Some(watermark) = newest {
        env.note_rows(watermark, learnable);
        announce(env, watermark);
        let at = env.clock.now();
        env.emit(RuntimeEvent::RowsAppended { watermark, records: count, at });
    }
    Ok(receipts)
}

/// Tells the loader, and times now and then how long a row takes to become usable.
fn announce(env: &Arc<Environment>, watermark: Seq) {
    env.batches.data_changed(watermark);
    if env.stopwatch.0.swap(true, Ordering::AcqRel) {
        return;
    }
    let env = Arc::clone(env);
    let committed = env.clock.monotonic();
    tokio::spawn(async move {
        let limit = std::time::Duration::from_millis(env.settings.batch_deadline_ms);
        if tokio::time::timeout(limit, env.batches.reaches(watermark)).await.is_ok() {
            env.board.feedback_latency.record(env.clock.monotonic().saturating_sub(committed));
        }
        env.stopwatch.0.store(false, Ordering::Release);
    });
}
