//! What a command asks of a runtime, wherever it runs.

use serde_json::Value;
use souffleur_core::query::View;
use souffleur_core::store::{Append, Receipt};

use super::exit::Outcome;

/// Which batch is wanted.
#[derive(Clone, Debug)]
pub(crate) struct BatchRequest {
    /// Whose question to the data it answers.
    pub(crate) component: String,
    /// At most this many rows, the newest.
    pub(crate) size: Option<usize>,
    /// Another view than the component's own.
    pub(crate) view: Option<View>,
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

    /// A batch as a component would get it.
    fn batch(&self, request: &BatchRequest) -> Outcome<Value>;

    /// Appends records; answered after the commit.
    fn append(&self, records: Vec<Append>) -> Outcome<Vec<Receipt>>;

    /// Ends in order: what was begun is finished or cancelled, and committed.
    fn close(&self) -> Outcome;
}
