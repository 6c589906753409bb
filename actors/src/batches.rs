//! Where batches come from, as the rest of the runtime sees it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use souffleur_core::batch::TrainingBatch;
use souffleur_core::error::Invalid;
use souffleur_core::ids::Seq;
use souffleur_core::query::Query;
use souffleur_core::store::StoreError;

use crate::error::CallError;
use crate::loader::{
    DataChanged, DrainLoader, FrequentlyAccessed, GetLoaderStatus, GetTrainingBatch, LoaderActor, LoaderError,
    LoaderStatus, ModelTrainingData, WarmBatches,
};
use crate::port::Port;

/// Something to come, from whatever source.
pub type Coming<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Answers queries with batches and is told of new rows.
pub trait BatchSource: Send + Sync + 'static {
    /// Asks for a batch on behalf of `asker`.
    fn batch(&self, asker: Arc<str>, query: Query) -> Coming<Result<Arc<TrainingBatch>, CallError>>;

    /// The batch, if it is there already; nothing is waited for.
    fn warm(&self, query: &Query) -> Option<Arc<TrainingBatch>> {
        let _ = query;
        None
    }

    /// The rows a model was trained on, with what was known of them then.
    fn model_data(&self, model_id: String) -> Coming<Result<Arc<TrainingBatch>, CallError>> {
        Box::pin(async move { Err(StoreError::Unknown { what: "model", name: model_id }.into()) })
    }

    /// The queries asked most, with how often, most often first.
    fn frequent(&self, limit: usize) -> Coming<Result<Vec<(Query, u64)>, CallError>> {
        let _ = limit;
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Says that rows were committed up to `watermark`.
    fn data_changed(&self, watermark: Seq);

    /// Ends once a batch can hold every row up to `watermark`.
    fn reaches(&self, watermark: Seq) -> Coming<()>;

    /// Ends once it has answered a question that takes it no time: it lives.
    fn pulse(&self) -> Coming<()>;

    /// What keeps it from working, if anything does.
    fn trouble(&self) -> Option<String>;

    /// Takes no more requests and lets go of what it holds.
    fn drain(&self) -> Coming<()>;
}

/// How often a waiter looks whether the image has caught up.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// The loader as a source of batches.
pub(crate) struct LoaderSource {
    port: Port<LoaderActor>,
    board: Arc<ArcSwap<LoaderStatus>>,
    warm: WarmBatches,
    deadline: Duration,
}

impl LoaderSource {
    pub(crate) fn new(
        port: Port<LoaderActor>,
        board: Arc<ArcSwap<LoaderStatus>>,
        warm: WarmBatches,
        deadline: Duration,
    ) -> Self {
        Self { port, board, warm, deadline }
    }
}

impl BatchSource for LoaderSource {
    fn batch(&self, asker: Arc<str>, query: Query) -> Coming<Result<Arc<TrainingBatch>, CallError>> {
        let asked = self.port.ask(GetTrainingBatch::new(asker, query));
        let deadline = self.deadline;
        Box::pin(async move { Ok(asked?.within(deadline).await??) })
    }

    fn warm(&self, query: &Query) -> Option<Arc<TrainingBatch>> {
        self.warm.get(query)
    }

    fn model_data(&self, model_id: String) -> Coming<Result<Arc<TrainingBatch>, CallError>> {
        let asked = self.port.ask(ModelTrainingData { model_id });
        let deadline = self.deadline;
        Box::pin(async move { Ok(asked?.within(deadline).await??) })
    }

    fn frequent(&self, limit: usize) -> Coming<Result<Vec<(Query, u64)>, CallError>> {
        let asked = self.port.ask(FrequentlyAccessed { limit });
        let deadline = self.deadline;
        Box::pin(async move { asked?.within(deadline).await })
    }

    fn data_changed(&self, watermark: Seq) {
        self.warm.data_changed(watermark);
        self.port.address().do_send(DataChanged { watermark });
    }

    fn reaches(&self, watermark: Seq) -> Coming<()> {
        let board = Arc::clone(&self.board);
        Box::pin(async move {
            while board.load().watermark < watermark {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        })
    }

    fn pulse(&self) -> Coming<()> {
        let answer = self.port.control(GetLoaderStatus);
        Box::pin(async move {
            if answer.await.is_err() {
                // A loader that dropped the question is being restarted: no sign of life.
                std::future::pending().await
            }
        })
    }

    fn trouble(&self) -> Option<String> {
        self.board.load().last_error.clone()
    }

    fn drain(&self) -> Coming<()> {
        self.port.close();
        let drained = self.port.control(DrainLoader);
        // A loader that is gone has nothing left to drain.
        Box::pin(async move { drop(drained.await) })
    }
}

impl From<LoaderError> for CallError {
    fn from(error: LoaderError) -> Self {
        let text = error.to_string();
        match error {
            LoaderError::Invalid(invalid) => Self::Invalid(invalid),
            LoaderError::Busy { retry_after_ms } => Self::Busy { retry_after_ms },
            LoaderError::DeadlineExceeded => Self::DeadlineExceeded,
            LoaderError::Store(error) => Self::Store(error),
            LoaderError::Interrupted(interrupted) => Self::Component(interrupted.into()),
            LoaderError::ShuttingDown => Self::ShuttingDown,
            LoaderError::MemoryLimit { .. } => {
                Self::Invalid(Invalid::new("query", text, "ask for fewer rows or fewer features"))
            }
            LoaderError::UnknownLease { .. } => Self::Invalid(Invalid::new("lease", text, "ask for a new one")),
            // What the hub holds could not be turned into a batch: no fault of the component that asked.
            LoaderError::BadDelta(_) | LoaderError::Panicked(_) => Self::Store(StoreError::Database(text)),
            LoaderError::Fenced { component, have, current } => {
                Self::Store(StoreError::Fenced { component, have, current })
            }
        }
    }
}
