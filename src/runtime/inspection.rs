//! Long looks at the data: what there is, and whether it keeps its contract. One at a time, on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use souffleur_actors::CallError;
use souffleur_contracts::{Checker, ContractSettings, Report};
use souffleur_core::error::ComponentError;
use souffleur_core::ids::Seq;
use souffleur_core::job::{CancelToken, Interrupted, Job};
use souffleur_core::runner::panic_text;
use souffleur_core::store::{Inventory, Store};
use souffleur_core::time::Timestamp;
use tokio::sync::{Semaphore, oneshot};

use super::Runtime;

/// What a caller is told to wait while another look is taken.
const RETRY_AFTER_MS: u64 = 1_000;

/// The right to take a long look at the data. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Looks(Arc<Semaphore>);

impl Default for Looks {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

/// Cancels the look when its caller is gone.
struct CancelOnDrop(CancelToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Looks {
    /// Lets `look` run. When the caller goes away its job is cancelled.
    async fn take<T: Send + 'static>(
        &self,
        job: Job,
        look: impl FnOnce(&Job) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, CallError> {
        let busy = |_| CallError::Busy { retry_after_ms: RETRY_AFTER_MS };
        let permit = Arc::clone(&self.0).try_acquire_owned().map_err(busy)?;
        let _cancel = CancelOnDrop(job.cancel_token());
        let (reply, answer) = oneshot::channel();
        let thread = std::thread::Builder::new().name("souffleur-look".to_owned());
        let spawned = thread.spawn(move || {
            let looked = catch_unwind(AssertUnwindSafe(|| look(&job)));
            drop(permit);
            let _ = reply.send(looked.map_err(|payload| panic_text(payload.as_ref())));
        });
        spawned.map_err(|_| CallError::Busy { retry_after_ms: RETRY_AFTER_MS })?;
        let looked = answer.await.map_err(|_| CallError::Stopped)?;
        looked.unwrap_or_else(|text| Err(CallError::Component(ComponentError::Panicked(text))))
    }
}

/// Places of the global order that are looked at in one go.
const STRETCH: i64 = 20_000;

/// Checks what the store holds by now; what is recorded meanwhile is left for the next time.
pub(crate) fn check(
    store: &dyn Store,
    settings: ContractSettings,
    now: Timestamp,
    job: &Job,
) -> Result<Report, CallError> {
    let interrupted = |why: Interrupted| CallError::Component(ComponentError::Interrupted(why));
    let inventory = store.inventory()?;
    let sessions = inventory.table("prompt_sessions").map_or(0, |table| table.rows);
    let mut checker = Checker::new(settings, sessions, now, job)?;
    let (mut after, last) = (Seq::ZERO, inventory.watermark);
    while after < last {
        let stretch = (last.0 - after.0).min(STRETCH);
        let survey = store.survey(after, usize::try_from(stretch).unwrap_or(1))?;
        checker.take(&survey).map_err(interrupted)?;
        after = survey.delta.watermark;
        let place = |seq: Seq| u64::try_from(seq.0).unwrap_or(0);
        job.tick(place(after), place(last)).map_err(interrupted)?;
    }
    checker.finish(&inventory).map_err(interrupted)
}

impl Runtime {
    /// What there is: rows, bytes, time spans, coverage, the newest models. Reads every table once.
    ///
    /// # Errors
    /// [`CallError::Store`]; [`CallError::Busy`] while another look is taken.
    pub async fn data_stats(&self) -> Result<Inventory, CallError> {
        let store = Arc::clone(self.handle.store());
        self.looks.take(self.job(), move |_| Ok(store.inventory()?)).await
    }

    /// Whether the recorded data keeps its contract (the settings' section `contract`). Reads every row once; dropping the
    /// future ends it.
    ///
    /// # Errors
    /// [`CallError::Invalid`] for limits out of range, [`CallError::Store`]; [`CallError::Busy`] while another look is taken.
    pub async fn data_check(&self) -> Result<Report, CallError> {
        let (store, settings) = (Arc::clone(self.handle.store()), *self.contract);
        let now = self.handle.clock().now();
        self.looks.take(self.job(), move |job| check(store.as_ref(), settings, now, job)).await
    }

    fn job(&self) -> Job {
        Job::new(Arc::clone(self.handle.clock()), 0)
    }
}
