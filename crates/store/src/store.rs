//! The store, whichever database it stands on: a thread that writes, a few connections that read.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use souffleur_core::document::{Document, DocumentKind};
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::records::{MetricPoint, Rule, Session};
use souffleur_core::store::{
    Append, Claim, Commit, Committed, Counts, Delta, Erasure, Inventory, Lease, Listener, ModelRow, Receipt, Registry,
    RunCommit, RunFailure, RunRow, Store, StoreError, StoredSession, Survey,
};
use souffleur_core::time::Timestamp;

use crate::database::{Database, Db, Reader};
use crate::{delta, inventory, queries, reader, sessions, writer};

/// The data hub in a database.
#[expect(private_bounds, reason = "the databases are those of this crate")]
pub struct SqlStore<D: Database> {
    database: Arc<D>,
    queue: Arc<writer::Queue>,
    readers: reader::Pool<D>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl<D: Database> std::fmt::Debug for SqlStore<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlStore").field("settings", self.database.settings()).finish_non_exhaustive()
    }
}

#[expect(private_bounds, reason = "the databases are those of this crate")]
impl<D: Database> SqlStore<D> {
    /// Starts the writer on a database that is ready.
    pub(crate) fn start(database: D, appends: D::Appends, runs: Db) -> Result<Self, StoreError> {
        let database = Arc::new(database);
        let queue = Arc::new(writer::Queue::new(database.settings().clone()));
        let writer = start_writer(&database, &queue, appends, runs)?;
        let readers = reader::Pool::new(Arc::clone(&database));
        Ok(Self { database, queue, readers, writer: Mutex::new(Some(writer)) })
    }

    pub(crate) fn database(&self) -> &D {
        &self.database
    }

    pub(crate) fn queue(&self) -> &writer::Queue {
        &self.queue
    }

    pub(crate) fn readers(&self) -> &reader::Pool<D> {
        &self.readers
    }

    pub(crate) fn read<T>(&self, question: impl FnOnce(&mut Db) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.readers.with(|reader| question(reader.diesel()))
    }
}

fn start_writer<D: Database>(
    database: &Arc<D>,
    queue: &Arc<writer::Queue>,
    mut appends: D::Appends,
    runs: Db,
) -> Result<JoinHandle<()>, StoreError> {
    let (ready, is_ready) = mpsc::sync_channel(1);
    let (database, queue) = (Arc::clone(database), Arc::clone(queue));
    let thread = std::thread::Builder::new()
        .name("souffleur-store".into())
        .spawn(move || {
            writer::serve(&queue, database.as_ref(), &mut appends, runs, |result| {
                // The opener waits for this; if it is gone, nobody needs to know.
                let _ = ready.send(result);
            });
        })
        .map_err(|error| StoreError::Database(format!("cannot start the writer: {error}")))?;
    is_ready.recv().unwrap_or(Err(StoreError::Closed))?;
    Ok(thread)
}

impl<D: Database> Store for SqlStore<D> {
    fn append(&self, records: Vec<Append>, now: Timestamp) -> Commit<Vec<Receipt>> {
        self.queue.submit(|reply| writer::Request::Append { records, now, reply })
    }

    fn watermark(&self) -> Result<Seq, StoreError> {
        self.readers.with(delta::watermark)
    }

    fn delta(&self, after: Seq, limit: usize) -> Result<Delta, StoreError> {
        delta::read(&self.readers, after, limit)
    }

    fn session_seq(&self, session_id: &str) -> Result<Option<Seq>, StoreError> {
        self.read(|connection| sessions::session_seq(connection, session_id))
    }

    fn sessions(&self, seqs: &[Seq]) -> Result<Vec<(Seq, Session)>, StoreError> {
        self.read(|connection| sessions::sessions(connection, seqs))
    }

    fn stored_sessions(&self, after: Seq, until: Seq, limit: usize) -> Result<Vec<StoredSession>, StoreError> {
        self.read(|connection| sessions::stored_sessions(connection, after, until, limit))
    }

    fn documents(
        &self,
        kind: DocumentKind,
        subject: Option<&str>,
        until: Seq,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        self.read(|connection| queries::documents(connection, kind, subject, until, limit))
    }

    fn metrics(&self, subject: Option<&str>, until: Seq, limit: usize) -> Result<Vec<(Seq, MetricPoint)>, StoreError> {
        self.read(|connection| queries::metrics(connection, subject, until, limit))
    }

    fn rules(&self) -> Result<Vec<Rule>, StoreError> {
        self.read(queries::rules)
    }

    fn counts(&self) -> Result<Counts, StoreError> {
        self.read(queries::counts)
    }

    fn inventory(&self) -> Result<Inventory, StoreError> {
        self.read(inventory::take)
    }

    fn survey(&self, after: Seq, limit: usize) -> Result<Survey, StoreError> {
        delta::survey(&self.readers, after, limit)
    }

    fn claim(&self, claim: Claim) -> Commit<Lease> {
        self.queue.submit(|reply| writer::Request::Claim { claim, reply })
    }

    fn commit_run(&self, run: RunCommit) -> Commit<Committed> {
        self.queue.submit(|reply| writer::Request::Commit { run: Box::new(run), reply })
    }

    fn fail_run(&self, failure: RunFailure) -> Commit<()> {
        self.queue.submit(|reply| writer::Request::Fail { failure, reply })
    }

    fn unfinished_runs(&self) -> Result<Vec<RunRow>, StoreError> {
        self.read(queries::unfinished_runs)
    }

    fn runs(&self, component: &str, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        self.read(|connection| queries::runs(connection, component, limit))
    }

    fn latest_model(&self, component: &str) -> Result<Option<ModelRow>, StoreError> {
        self.read(|connection| queries::latest_model(connection, component))
    }

    fn model_rows(&self, model_id: &str) -> Result<(DataVersion, Vec<Seq>), StoreError> {
        self.read(|connection| queries::model_rows(connection, model_id))
    }

    fn registry(&self) -> Option<&dyn Registry> {
        Some(self)
    }

    fn erasure(&self) -> Option<&dyn Erasure> {
        Some(self)
    }

    fn watch(&self, since: Seq, listener: Listener) {
        self.database.watch(since, listener);
    }

    fn close(&self) {
        // Readers first: the last connection to close tidies the log away, and must be one that may write.
        self.readers.close();
        self.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = writer
            && thread.join().is_err()
        {
            tracing::error!("the store's writer had died; what it had answered is kept");
        }
        self.database.close();
    }
}

impl<D: Database> Drop for SqlStore<D> {
    fn drop(&mut self) {
        self.close();
    }
}
