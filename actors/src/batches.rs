//! Where batches come from, as the rest of the runtime sees it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use souffleur_core::batch::TrainingBatch;
use souffleur_core::ids::Seq;
use souffleur_core::query::Query;

use crate::error::CallError;

/// Something to come, from whatever source.
pub type Coming<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Answers queries with batches and is told of new rows.
pub trait BatchSource: Send + Sync + 'static {
    /// Asks for a batch on behalf of `asker`.
    fn batch(&self, asker: Arc<str>, query: Query) -> Coming<Result<Arc<TrainingBatch>, CallError>>;

    /// Says that rows were committed up to `watermark`.
    fn data_changed(&self, watermark: Seq);

    /// Ends once a batch can hold every row up to `watermark`.
    fn reaches(&self, watermark: Seq) -> Coming<()>;

    /// What keeps it from working, if anything does.
    fn trouble(&self) -> Option<String>;

    /// Takes no more requests and lets go of what it holds.
    fn drain(&self) -> Coming<()>;
}
