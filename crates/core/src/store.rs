//! The store port: what the runtime asks of a database, whichever it is.
//!
//! Writes are answered after their commit. Reads see a prefix of the global order without gaps.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde::Serialize;
use tokio::sync::oneshot;

use crate::component::Measurement;
use crate::document::{Document, DocumentKind, NewDocument};
use crate::features::FeatureVector;
use crate::ids::{DataVersion, Epoch, Seq};
use crate::records::{Feedback, MetricPoint, Rule, RuleApplication, Session};
use crate::time::Timestamp;

mod columns;
mod erasure;
mod inventory;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
mod registry;
mod runs;
mod validate;

pub use columns::{ApplicationColumns, Delta, FeedbackColumns, SessionColumns};
pub use erasure::{Erase, Erased, Erasure, Tie, TouchedDocument, TouchedModel, Traces};
pub use inventory::{FieldCoverage, ForeignRow, Inventory, ModelInventory, SchemaRows, Survey, TableInventory};
pub use registry::{Manifest, Origin, Registry, Stage, StoredModel, Verdict, VersionPage, VersionRow};
pub use runs::{Basis, Claim, Committed, Lease, ModelRow, RunCommit, RunFailure, RunRow, RunState};
pub use validate::validate_all;

/// Why the store could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Its queue is full.
    #[error("the store is busy; try again in {retry_after_ms} ms")]
    Busy {
        /// When to try again.
        retry_after_ms: u64,
    },
    /// A commit carried an epoch that is no longer current.
    #[error("epoch {have} of {component} is over, {current} is current; the result was discarded")]
    Fenced {
        /// Whose commit it was.
        component: String,
        /// The epoch it carried.
        have: Epoch,
        /// The epoch in force.
        current: Epoch,
    },
    /// Another runtime is training the component.
    #[error("{component} is being trained by another runtime, in run {run_id}; try again in {retry_after_ms} ms")]
    Held {
        /// Whose training it is.
        component: String,
        /// The run it is.
        run_id: String,
        /// When to try again.
        retry_after_ms: u64,
    },
    /// A claim's basis does not hold (any more): a newer model was committed meanwhile, or fewer rows are new.
    #[error(
        "{component} is not to be trained now: {new_rows} rows are new since {}",
        model_id.as_deref().map_or_else(|| "the beginning".to_owned(), |id| format!("its newest model, {id}"))
    )]
    NotDue {
        /// Whose training it is.
        component: String,
        /// Its newest model.
        model_id: Option<String>,
        /// Rows it can learn from that are new since.
        new_rows: u64,
    },
    /// A record points to something that is not there.
    #[error("unknown {what} `{name}`")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// It can be asked, and the answer is no.
    #[error("{0}")]
    Refused(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The data on disk is newer than this program, or not its own.
    #[error("incompatible store: {0}")]
    Incompatible(String),
    /// The database failed: disk full, locked, damaged. Nothing of the request was kept.
    #[error("the database failed: {0}")]
    Database(String),
}

/// Something to be appended, with its idempotency key.
#[derive(Clone, Debug)]
pub struct Append {
    /// Makes a repetition harmless: a key seen before is answered with the first receipt.
    /// Sessions and rules have their own names as natural keys beside it.
    pub idempotency_key: Option<String>,
    /// What to append.
    pub record: Record,
}

impl From<Record> for Append {
    fn from(record: Record) -> Self {
        Self { idempotency_key: None, record }
    }
}

/// Anything that can be appended.
#[derive(Clone, Debug)]
pub enum Record {
    /// A session; its rules and feedback are rows of their own.
    Session(Box<FeaturedSession>),
    /// Feedback on a stored session.
    Feedback(Feedback),
    /// A rule applied to a stored session afterwards.
    Application {
        /// The session it was applied in.
        session_id: String,
        /// What was applied.
        application: RuleApplication,
        /// When; the time of arrival if absent.
        event_time: Option<Timestamp>,
    },
    /// A rule's definition; a later one under the same name replaces what is shown of it.
    Rule(Rule),
    /// A measurement.
    Metric(MetricPoint),
    /// A document of some kind.
    Document(DocumentKind, NewDocument),
}

/// A session with its features, as it is stored.
#[derive(Clone, Debug)]
pub struct FeaturedSession {
    /// The session. Its `session_id` must be present.
    pub session: Session,
    /// Its features under the current schema.
    pub features: FeatureVector,
    /// Which generator made it up; `None` for a real session. Made-up ones go to `training_prompts`.
    pub provenance: Option<String>,
}

/// A session as the store holds it, with all that was recorded of it by some moment.
///
/// Rules and feedback stand in recorded order. One that happened when the session did has no `event_time` of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSession {
    /// Its place in the global order.
    pub seq: Seq,
    /// The session.
    pub session: Session,
    /// Which generator made it up; `None` for a real session.
    pub provenance: Option<String>,
}

/// The store's word that a record is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Receipt {
    /// Its place in the global order.
    pub seq: Seq,
    /// Its name: the session's, the rule's, or the sequence number as text.
    pub id: String,
    /// Whether it was there already.
    pub duplicate: bool,
}

/// The future of a write: await it, or [`wait`](Self::wait) on a thread that may block.
#[derive(Debug)]
pub struct Commit<T>(oneshot::Receiver<Result<T, StoreError>>);

/// The store's side of a [`Commit`].
#[derive(Debug)]
pub struct CommitSender<T>(oneshot::Sender<Result<T, StoreError>>);

impl<T> Commit<T> {
    /// A commit and the side that completes it.
    #[must_use]
    pub fn channel() -> (CommitSender<T>, Self) {
        let (sender, receiver) = oneshot::channel();
        (CommitSender(sender), Self(receiver))
    }

    /// A commit that is already decided.
    #[must_use]
    pub fn ready(result: Result<T, StoreError>) -> Self {
        let (sender, commit) = Self::channel();
        sender.complete(result);
        commit
    }

    /// Blocks until the write is decided. Not for asynchronous code.
    ///
    /// # Errors
    /// Those of the write; [`StoreError::Closed`] if the store went away.
    pub fn wait(self) -> Result<T, StoreError> {
        self.0.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }
}

impl<T> CommitSender<T> {
    /// Tells the waiting side. Nobody waiting any more is fine.
    pub fn complete(self, result: Result<T, StoreError>) {
        let _ = self.0.send(result);
    }
}

impl<T> Future for Commit<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|result| result.unwrap_or(Err(StoreError::Closed)))
    }
}

/// How much of everything there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Counts {
    /// Real sessions.
    pub sessions: u64,
    /// Made-up sessions.
    pub training_prompts: u64,
    /// Rule applications.
    pub rule_applications: u64,
    /// Feedback rows.
    pub feedback: u64,
    /// Rules.
    pub rules: u64,
    /// Training runs.
    pub runs: u64,
    /// Models.
    pub models: u64,
}

/// What another runtime committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Rows.
    Rows {
        /// The newest one's place in the global order.
        watermark: Seq,
        /// At most how many of them a component can learn from.
        learnable: u64,
    },
    /// A model.
    Model {
        /// Whose; `None` if news were missed and it may be anybody's.
        component: Option<String>,
    },
}

/// Whoever is told of changes.
pub type Listener = Box<dyn Fn(Change) + Send + Sync>;

/// The data hub's durable side.
///
/// Every method may be called from any thread. Those that return a plain `Result` block for a short,
/// bounded time; those that return a [`Commit`] do not block.
pub trait Store: Send + Sync + 'static {
    /// Appends records in one transaction: all or none. `now` becomes their `known_time`.
    fn append(&self, records: Vec<Append>, now: Timestamp) -> Commit<Vec<Receipt>>;

    /// The newest row's place in the global order.
    ///
    /// # Errors
    /// If the database fails.
    fn watermark(&self) -> Result<Seq, StoreError>;

    /// The rows after `after`, up to `limit` of them, as columns; `watermark` in the answer says how far it reaches.
    ///
    /// # Errors
    /// If the database fails.
    fn delta(&self, after: Seq, limit: usize) -> Result<Delta, StoreError>;

    /// The place of a session in the global order.
    ///
    /// # Errors
    /// If the database fails.
    fn session_seq(&self, session_id: &str) -> Result<Option<Seq>, StoreError>;

    /// The sessions at these places, with their names; places that hold no session are left out.
    ///
    /// # Errors
    /// If the database fails.
    fn sessions(&self, seqs: &[Seq]) -> Result<Vec<(Seq, Session)>, StoreError>;

    /// The first `limit` sessions after `after` in the global order, real ones and made-up ones, none beyond `until`,
    /// with the rules and the feedback recorded by `until`. Fewer than `limit` mean that there are no more.
    ///
    /// # Errors
    /// If the database fails.
    fn stored_sessions(&self, after: Seq, until: Seq, limit: usize) -> Result<Vec<StoredSession>, StoreError>;

    /// The newest `limit` documents of a kind up to `until`, oldest first, of one subject or of all.
    ///
    /// # Errors
    /// If the database fails.
    fn documents(
        &self,
        kind: DocumentKind,
        subject: Option<&str>,
        until: Seq,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError>;

    /// The newest `limit` metric points up to `until`, oldest first, of one subject or of all.
    ///
    /// # Errors
    /// If the database fails.
    fn metrics(&self, subject: Option<&str>, until: Seq, limit: usize) -> Result<Vec<(Seq, MetricPoint)>, StoreError>;

    /// The rules, as last defined, in order of their names.
    ///
    /// # Errors
    /// If the database fails.
    fn rules(&self) -> Result<Vec<Rule>, StoreError>;

    /// How much of everything there is.
    ///
    /// # Errors
    /// If the database fails.
    fn counts(&self) -> Result<Counts, StoreError>;

    /// What there is, table by table. Reads every table once: seconds for millions of rows.
    ///
    /// # Errors
    /// If the database fails.
    fn inventory(&self) -> Result<Inventory, StoreError>;

    /// As [`delta`](Self::delta), but sessions under another feature schema are told of instead of refused.
    ///
    /// # Errors
    /// If the database fails.
    fn survey(&self, after: Seq, limit: usize) -> Result<Survey, StoreError>;

    /// Takes the exclusive right to commit for a component: a new epoch, valid until its run has ended, until it has
    /// expired, or until it is taken over. One's own right is taken over at once, that of another runtime
    /// ([`StoreError::Held`]) once that has died or the right has expired. Also records the run as started.
    fn claim(&self, claim: Claim) -> Commit<Lease>;

    /// Commits a finished run: run, model, report and lineage in one transaction, if its epoch is still current.
    fn commit_run(&self, run: RunCommit) -> Commit<Committed>;

    /// Records that a run ended without a model, if its epoch is still current.
    fn fail_run(&self, failure: RunFailure) -> Commit<()>;

    /// Runs that were started and neither committed nor failed: pending work after a crash.
    ///
    /// # Errors
    /// If the database fails.
    fn unfinished_runs(&self) -> Result<Vec<RunRow>, StoreError>;

    /// The newest `limit` runs of a component, newest first.
    ///
    /// # Errors
    /// If the database fails.
    fn runs(&self, component: &str, limit: usize) -> Result<Vec<RunRow>, StoreError>;

    /// The newest model of a component.
    ///
    /// # Errors
    /// If the database fails.
    fn latest_model(&self, component: &str) -> Result<Option<ModelRow>, StoreError>;

    /// The rows a model was trained on.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is no such model, or if the database fails.
    fn model_rows(&self, model_id: &str) -> Result<(DataVersion, Vec<Seq>), StoreError>;

    /// The registry of its models, where it keeps one.
    fn registry(&self) -> Option<&dyn Registry> {
        None
    }

    /// Where sessions can be traced and erased, if that is possible here.
    fn erasure(&self) -> Option<&dyn Erasure> {
        None
    }

    /// Has `listener` told, on a thread of the store's, what other runtimes on the same database commit after `since`. It
    /// must not block. The last listener counts. Does nothing where the database belongs to one runtime alone.
    fn watch(&self, _since: Seq, _listener: Listener) {}

    /// Finishes what is queued, then closes. Calls after that answer [`StoreError::Closed`]. Idempotent.
    fn close(&self);
}

/// Figures of a run, kept with it.
pub type Metrics = Vec<Measurement>;
