//! What the loader's worker does: reads what is new, builds a batch, and says how it went.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use souffleur_core::ids::Seq;
use souffleur_core::job::Job;
use souffleur_core::runner::panic_text;
use tokio::sync::oneshot;

use super::actor::BatchResult;
use super::engine::{Engine, ImageStatus};
use super::error::LoaderError;
use super::waiting::Question;
use crate::compute::{Compute, TaskId, Work};
use crate::error::CallError;

/// One piece of work.
pub(super) struct Task {
    pub(super) engine: Arc<Engine>,
    /// Whether to read what is new first.
    pub(super) refresh: bool,
    /// Whether the history was read before: if so its last state is good enough when reading fails.
    pub(super) loaded: bool,
    /// Why the last state is not the newest.
    pub(super) stale: Option<LoaderError>,
    /// The batch to build.
    pub(super) question: Option<Question>,
}

/// How it went.
pub(super) struct Done {
    pub(super) task: TaskId,
    pub(super) image: ImageStatus,
    /// How far the history was read, if it was.
    pub(super) refreshed: Option<Result<Seq, LoaderError>>,
    pub(super) built: Option<BatchResult>,
}

/// Hands the work to a compute slot. The future resolves in any case: a worker that dies counts as a failure.
pub(super) fn submit(
    compute: &dyn Compute,
    task: Task,
    job: Job,
) -> Result<(TaskId, impl Future<Output = Done> + use<>), LoaderError> {
    let (sender, receiver) = oneshot::channel();
    let asked = task.question.is_some();
    let run = Box::new(move || {
        let (image, refreshed, built) = task.run(&job);
        let _ = sender.send((image, refreshed, built));
    });
    let id = compute.submit(Work { started: Box::new(|| {}), run }).map_err(|error| match error {
        CallError::Busy { retry_after_ms } => LoaderError::Busy { retry_after_ms },
        _ => LoaderError::ShuttingDown,
    })?;
    let done = async move {
        let lost = || LoaderError::ShuttingDown;
        let (image, refreshed, built) =
            receiver.await.unwrap_or_else(|_| (ImageStatus::default(), Some(Err(lost())), asked.then(|| Err(lost()))));
        Done { task: id, image, refreshed, built }
    };
    Ok((id, done))
}

impl Task {
    fn run(self, job: &Job) -> (ImageStatus, Option<Result<Seq, LoaderError>>, Option<BatchResult>) {
        let refreshed = self.refresh.then(|| fenced(|| self.engine.refresh(job)));
        let built = self.question.as_ref().map(|question| self.build(question, &refreshed, job));
        // A panic may have cost the image; asking for its status repairs it.
        (self.engine.status(), refreshed, built)
    }

    fn build(&self, question: &Question, refreshed: &Option<Result<Seq, LoaderError>>, job: &Job) -> BatchResult {
        let failure = match refreshed {
            Some(Err(error)) => Some(error),
            Some(Ok(_)) => None,
            None => self.stale.as_ref(),
        };
        if let Some(error) = failure {
            let pinned = match question {
                Question::Query(query) => query.as_of.watermark,
                Question::Model(_) => None,
            };
            let beyond = pinned.is_some_and(|pinned| pinned > self.engine.status().watermark);
            if !self.loaded || beyond || matches!(error, LoaderError::Interrupted(_) | LoaderError::Panicked(_)) {
                return Err(error.clone());
            }
        }
        fenced(|| match question {
            Question::Query(query) => self.engine.build(query, job),
            Question::Model(model_id) => self.engine.build_model(model_id, job),
        })
    }
}

/// Turns a panic into an error.
pub(super) fn fenced<T>(work: impl FnOnce() -> Result<T, LoaderError>) -> Result<T, LoaderError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = panic_text(payload.as_ref());
        // Dropping a payload can panic again.
        std::mem::forget(payload);
        tracing::error!(panic = text, "the loader's worker panicked");
        Err(LoaderError::Panicked(text))
    })
}
