//! The embeddable runtime: one process, one database, all components, reachable from any thread.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use souffleur_actors::{CallError, Handle, StartError};
use souffleur_contracts::ContractSettings;
use souffleur_core::catalogue::Entry;
use souffleur_core::clock::Clock;
use souffleur_core::document::{Document, DocumentKind, NewDocument};
use souffleur_core::error::Invalid;
use souffleur_core::features::extract;
use souffleur_core::ids::Seq;
use souffleur_core::records::{Feedback, Rule, Session, Validate, limits};
use souffleur_core::store::{Append, FeaturedSession, Receipt, Record, RunRow, Store, StoreError};
use souffleur_core::time::Timestamp;

use crate::app;
use crate::offload::Offload;
use crate::settings::Settings;

pub(crate) mod inspection;

/// Sessions whose features are computed in one go, so that a large request does not keep others waiting.
const CHUNK: usize = 64;

/// A running Souffleur. Clones are cheap and share it; when the last is dropped it shuts down by itself, without
/// being waited for.
///
/// It is a [`Handle`] with what an application needs around it: records are checked and turned into features here.
/// Starting one installs no signal handler, no panic hook and no logger: those belong to the program.
#[derive(Clone)]
pub struct Runtime {
    handle: Handle,
    offload: Offload,
    looks: inspection::Looks,
    retrain_erased: bool,
    contract: Arc<ContractSettings>,
}

/// A record with the key that makes its repetition harmless.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyed<T> {
    /// The key; a repetition under the same key is answered with the first receipt.
    pub key: Option<String>,
    /// The record.
    pub record: T,
}

impl<T> From<T> for Keyed<T> {
    fn from(record: T) -> Self {
        Self { key: None, record }
    }
}

/// Results of a component.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// Whose results they are.
    pub component: String,
    /// The results.
    pub results: Value,
    /// What is to be kept beside them.
    #[serde(default)]
    pub metadata: Value,
}

impl Validate for Results {
    fn validate(&self) -> Result<(), Invalid> {
        let bytes = self.component.len();
        if self.component.trim().is_empty() || bytes > limits::NAME_BYTES {
            let expected = format!("write a name of 1 to {} bytes", limits::NAME_BYTES);
            return Err(Invalid::new("component", format!("has {bytes} bytes"), expected));
        }
        Ok(())
    }
}

/// Why records were not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    /// Some of them are wrong; nothing was kept.
    #[error("{} of the records were refused, nothing was kept: {}", .0.len(), first(.0))]
    Refused(Vec<Refused>),
    /// The runtime could not take them.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// A record that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Its place among the records given, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub invalid: Invalid,
}

fn first(refused: &[Refused]) -> String {
    refused.first().map_or_else(String::new, |r| format!("record {}: {}", r.index, r.invalid))
}

/// Why the runtime could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The store cannot be opened.
    #[error("the store cannot be opened: {0}")]
    Store(#[from] StoreError),
    /// The cache cannot be set up.
    #[error("the cache cannot be set up: {0}")]
    Cache(String),
    /// The kernel cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The operating system refused a thread.
    #[error("a thread could not be started: {0}")]
    Thread(std::io::Error),
}

/// Says how a [`Runtime`] is to be started.
#[must_use]
pub struct RuntimeBuilder {
    settings: Settings,
    components: Vec<Entry>,
    clock: Option<Arc<dyn Clock>>,
    store: Option<Arc<dyn Store>>,
}

impl RuntimeBuilder {
    /// The directory of the database; the settings' own if not said.
    pub fn data_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.settings.data.dir = dir.into();
        self
    }

    /// The settings; the defaults if not said. Call it before [`data_dir`](Self::data_dir).
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The components to run; the whole catalogue if not said.
    pub fn components(mut self, components: impl IntoIterator<Item = Entry>) -> Self {
        self.components = components.into_iter().collect();
        self
    }

    /// The clock; the system's if not said.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The store; an SQLite database in the data directory if not said.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Opens the store and starts every component. Works on any async runtime.
    ///
    /// # Errors
    /// [`RuntimeError`]; nothing is left running then.
    pub async fn start(self) -> Result<Runtime, RuntimeError> {
        let (reply, started) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new().name("souffleur-start".to_owned());
        // Opening a database blocks, and an async thread must not.
        let opened = thread.spawn(move || reply.send(self.start_blocking()));
        drop(opened.map_err(RuntimeError::Thread)?);
        let stopped = |_| RuntimeError::Start(StartError::Kernel);
        started.await.map_err(stopped)?
    }

    /// [`start`](Self::start) for a thread that may block.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_blocking(self) -> Result<Runtime, RuntimeError> {
        let clock = self.clock.unwrap_or_else(app::clock);
        let store = match self.store {
            Some(store) => store,
            None => app::open_store(&self.settings)?,
        };
        let kernel = self.settings.kernel();
        let (retrain_erased, contract) = (self.settings.registry.retrain_erased, Arc::new(self.settings.contract()));
        let cache = app::open_cache(&self.settings).map_err(RuntimeError::Cache)?;
        let sections = self.settings.components;
        let handle = souffleur_actors::start(self.components, sections, store, clock, kernel, cache)?;
        let offload = Offload::start(app::OFFLOAD_THREADS).map_err(RuntimeError::Thread)?;
        Ok(Runtime { handle, offload, looks: inspection::Looks::default(), retrain_erased, contract })
    }
}

impl Deref for Runtime {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Runtime {
    /// Begins to say how to start one.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder {
            settings: Settings::default(),
            components: app::catalogue().to_vec(),
            clock: None,
            store: None,
        }
    }

    /// Takes in sessions: all of them or, if one is wrong, none. Those without a name are given one.
    ///
    /// # Errors
    /// [`IngestError::Refused`] lists every session that is wrong.
    pub async fn ingest(&self, sessions: Vec<Session>) -> Result<Vec<Receipt>, IngestError> {
        self.ingest_keyed(sessions.into_iter().map(Keyed::from).collect()).await
    }

    /// [`ingest`](Self::ingest) with a key for each session.
    ///
    /// # Errors
    /// As [`ingest`](Self::ingest).
    pub async fn ingest_keyed(&self, sessions: Vec<Keyed<Session>>) -> Result<Vec<Receipt>, IngestError> {
        refuse_invalid(&sessions)?;
        let now = self.handle.clock().now();
        let mut records = Vec::with_capacity(sessions.len());
        let mut rest = sessions.into_iter();
        loop {
            let chunk: Vec<_> = rest.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                break;
            }
            records.extend(self.offload.run(move || featured(chunk, now)).await?);
        }
        Ok(self.handle.append(records).await?)
    }

    /// Takes in opinions on stored sessions, all or none.
    ///
    /// # Errors
    /// As [`ingest`](Self::ingest); an unknown session is a [`StoreError::Unknown`].
    pub async fn feedback(&self, feedback: Vec<Keyed<Feedback>>) -> Result<Vec<Receipt>, IngestError> {
        refuse_invalid(&feedback)?;
        Ok(self.handle.append(feedback.into_iter().map(|f| append(f, Record::Feedback)).collect()).await?)
    }

    /// Defines rules, all or none. A rule of the same name is replaced.
    ///
    /// # Errors
    /// As [`ingest`](Self::ingest).
    pub async fn define_rules(&self, rules: Vec<Keyed<Rule>>) -> Result<Vec<Receipt>, IngestError> {
        refuse_invalid(&rules)?;
        Ok(self.handle.append(rules.into_iter().map(|rule| append(rule, Record::Rule)).collect()).await?)
    }

    /// The rules, as last defined, in order of their names.
    ///
    /// # Errors
    /// [`CallError::Store`], [`CallError::Busy`].
    pub async fn rules(&self) -> Result<Vec<Rule>, CallError> {
        self.read(|store| store.rules()).await
    }

    /// Takes in what a component, or a user in its name, found.
    ///
    /// # Errors
    /// As [`ingest`](Self::ingest).
    pub async fn submit_results(&self, results: Keyed<Results>) -> Result<Vec<Receipt>, IngestError> {
        let results = vec![results];
        refuse_invalid(&results)?;
        let document = |Results { component, results, metadata }| {
            let body = serde_json::json!({ "results": results, "metadata": metadata });
            let document = NewDocument { subject: component, event_time: None, body };
            Record::Document(DocumentKind::Results, document)
        };
        Ok(self.handle.append(results.into_iter().map(|results| append(results, document)).collect()).await?)
    }

    /// The newest `limit` results of one component or of all, oldest first.
    ///
    /// # Errors
    /// [`CallError::Store`], [`CallError::Busy`].
    pub async fn results(&self, component: Option<&str>, limit: usize) -> Result<Vec<Document>, CallError> {
        let component = component.map(str::to_owned);
        self.read(move |store| store.documents(DocumentKind::Results, component.as_deref(), Seq(i64::MAX), limit)).await
    }

    /// The newest `limit` training runs of a component, newest first.
    ///
    /// # Errors
    /// [`CallError::Store`], [`CallError::Busy`].
    pub async fn runs(&self, component: &str, limit: usize) -> Result<Vec<RunRow>, CallError> {
        let component = component.to_owned();
        self.read(move |store| store.runs(&component, limit)).await
    }

    /// Reads from the store without blocking the caller's thread.
    ///
    /// # Errors
    /// [`CallError::Store`], [`CallError::Busy`] if too many reads wait.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, CallError> {
        let store = Arc::clone(self.handle.store());
        Ok(self.offloaded(move || read(store.as_ref())).await??)
    }

    /// Whether what contained erased data is trained anew at once.
    pub(crate) fn retrains_erased(&self) -> bool {
        self.retrain_erased
    }

    /// Runs short work away from the caller's thread.
    pub(crate) async fn offloaded<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, CallError> {
        self.offload.run(work).await
    }

    /// The handle inside.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

fn refuse_invalid<T: Validate>(records: &[Keyed<T>]) -> Result<(), IngestError> {
    let check =
        |(index, keyed): (usize, &Keyed<T>)| keyed.record.validate().err().map(|invalid| Refused { index, invalid });
    let refused: Vec<_> = records.iter().enumerate().filter_map(check).collect();
    if refused.is_empty() { Ok(()) } else { Err(IngestError::Refused(refused)) }
}

fn append<T>(keyed: Keyed<T>, record: impl FnOnce(T) -> Record) -> Append {
    Append { idempotency_key: keyed.key, record: record(keyed.record) }
}

fn featured(sessions: Vec<Keyed<Session>>, now: Timestamp) -> Vec<Append> {
    let featured = |mut session: Session| {
        session.session_id.get_or_insert_with(|| app::session_id(now));
        let features = extract(&session);
        Record::Session(Box::new(FeaturedSession { session, features, provenance: None }))
    };
    sessions.into_iter().map(|keyed| append(keyed, featured)).collect()
}
