//! What a command asks of a runtime, wherever it runs.

use serde_json::Value;
use souffleur_core::query::Query;
use souffleur_core::store::VersionPage;

use super::exit::Outcome;
pub(crate) use crate::http::BatchFormat;

/// What can be asked of the registry of models.
#[derive(Debug)]
pub(crate) enum ModelsCall {
    /// A page of models.
    List(VersionPage),
    /// A model and its manifest.
    Show(String),
    /// Whether a model is what was committed.
    Verify(String),
    /// Make a model the live one.
    Promote(String),
    /// Go back to the model before the live one of a component.
    Rollback(String),
    /// Give a model another name.
    Alias(String, String),
    /// Make a model again from its manifest.
    Reproduce(String),
}

/// A runtime: in this process on a data directory, or a daemon's behind HTTP.
///
/// Documents are those of the HTTP interface, whichever side they come from.
pub(crate) trait Backend {
    /// The components, in catalogue order.
    fn components(&self) -> Outcome<Vec<Value>>;

    /// The health of the whole.
    fn health(&self) -> Outcome<Value>;

    /// The health of one component.
    fn component_health(&self, name: &str) -> Outcome<Value>;

    /// Trains a component on the newest data and waits. `progress` is told units done and units in all.
    fn train(&self, name: &str, progress: &dyn Fn(u64, u64)) -> Outcome<Value>;

    /// Asks a trained component.
    fn query(&self, name: &str, question: Value) -> Outcome<Value>;

    /// The answer to a question to the data hub, written as asked.
    fn batch(&self, query: &Query, format: BatchFormat) -> Outcome<Vec<u8>>;

    /// Asks the registry of models.
    fn models(&self, call: &ModelsCall) -> Outcome<Value>;

    /// What was made from sessions, and what quotes them. Changes nothing.
    fn traces(&self, session_ids: &[String]) -> Outcome<Value>;

    /// Erases sessions with everything made from them.
    fn erase(&self, session_ids: &[String], compact: bool) -> Outcome<Value>;

    /// Ends in order: what was begun is finished or cancelled, and committed.
    fn close(&self) -> Outcome;
}
