//! Threads for what computes or blocks for a short time, away from those that serve requests.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use souffleur_actors::CallError;
use souffleur_core::error::ComponentError;
use souffleur_core::runner::panic_text;
use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

/// Pieces of work that may wait.
const QUEUE: usize = 256;
/// What a caller who found the queue full is told to wait.
const RETRY_AFTER_MS: u64 = 50;

/// A few threads with a bounded queue. They end when the last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Offload {
    queue: SyncSender<Work>,
}

impl Offload {
    /// Starts `threads` threads.
    pub(crate) fn start(threads: usize) -> std::io::Result<Self> {
        let (queue, work) = sync_channel::<Work>(QUEUE);
        let work = Arc::new(Mutex::new(work));
        for i in 0..threads.max(1) {
            let work = Arc::clone(&work);
            std::thread::Builder::new().name(format!("souffleur-io-{i}")).spawn(move || serve(&work))?;
        }
        Ok(Self { queue })
    }

    /// Runs `work` on one of the threads. A caller that goes away meanwhile costs nothing but the work.
    ///
    /// # Errors
    /// [`CallError::Busy`] if the queue is full, [`ComponentError::Panicked`] if the work panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, CallError> {
        let (reply, answer) = oneshot::channel();
        let work = Box::new(move || {
            if reply.is_closed() {
                return;
            }
            let result = catch_unwind(AssertUnwindSafe(work)).map_err(|payload| panic_text(payload.as_ref()));
            let _ = reply.send(result);
        });
        self.queue.try_send(work).map_err(|e| match e {
            TrySendError::Full(_) => CallError::Busy { retry_after_ms: RETRY_AFTER_MS },
            TrySendError::Disconnected(_) => CallError::Stopped,
        })?;
        let result = answer.await.map_err(|_| CallError::Stopped)?;
        result.map_err(|text| CallError::Component(ComponentError::Panicked(text)))
    }
}

fn serve(work: &Mutex<Receiver<Work>>) {
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = next else { return };
        // Dropping what the work captured can panic as well; the thread must outlive it.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
            std::mem::forget(payload);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn a_panic_is_an_error_and_the_thread_lives_on() {
        let offload = Offload::start(1).unwrap();
        let error = block_on(offload.run(|| panic!("boom"))).map(|(): ()| ()).unwrap_err();
        assert_eq!(error, CallError::Component(ComponentError::Panicked("boom".to_owned())));
        assert_eq!(block_on(offload.run(|| 7)), Ok(7));
    }

    #[test]
    fn a_full_queue_says_when_to_come_back() {
        let offload = Offload::start(1).unwrap();
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let (started, running) = std::sync::mpsc::channel();
        offload
            .queue
            .send(Box::new(move || {
                started.send(()).unwrap();
                let _ = blocked.recv();
            }))
            .unwrap();
        running.recv().unwrap();
        (0..QUEUE).for_each(|_| offload.queue.try_send(Box::new(|| ())).unwrap());
        assert_eq!(block_on(offload.run(|| ())), Err(CallError::Busy { retry_after_ms: RETRY_AFTER_MS }));
        release.send(()).unwrap();
    }
}
