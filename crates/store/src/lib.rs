//! The SQLite store of the data hub.
//!
//! One thread writes: it commits what waits in one transaction and then answers. A few connections read; in WAL mode
//! neither waits for the other. Appending and scanning speak to SQLite directly (`raw.rs`), everything else goes through
//! diesel. The layout is described in `docs/storage.md`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use souffleur_core::document::{Document, DocumentKind};
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::records::{MetricPoint, Rule, Session};
use souffleur_core::store::{
    Append, Commit, Committed, Counts, Delta, Lease, ModelRow, Receipt, RunCommit, RunFailure, RunRow, Store,
    StoreError,
};
use souffleur_core::time::Timestamp;

mod delta;
mod errors;
mod lineage;
mod migrations;
mod queries;
mod raw;
mod reader;
mod rows;
mod schema;
mod settings;
mod writer;

pub use settings::{Durability, StoreSettings};

/// The data hub in one SQLite file.
pub struct SqliteStore {
    path: PathBuf,
    queue: Arc<writer::Queue>,
    readers: reader::Pool,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the store in the file at `path`; makes the file and its directory if they are not there.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] if the file is not ours or newer than this program; [`StoreError::Database`] if it
    /// cannot be opened.
    pub fn open(path: &Path, settings: StoreSettings) -> Result<Self, StoreError> {
        let failed = |error: std::io::Error| {
            StoreError::Database(format!("cannot make or reach the directory of {}: {error}", path.display()))
        };
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        let path = std::path::absolute(path).map_err(failed)?;
        let mut runs = reader::connect(&path, &settings)?;
        migrations::refuse_foreign(&mut runs)?;
        prepare_file(&mut runs, &settings)?;
        migrations::bring_up_to_date(&mut runs)?;
        let appends = raw::Connection::open(&path, raw::Access::Write)?;
        configure(&appends, &settings)?;
        let queue = Arc::new(writer::Queue::new(settings.clone()));
        let writer = start_writer(Arc::clone(&queue), appends, runs)?;
        let readers = reader::Pool::new(path.clone(), settings);
        Ok(Self { path, queue, readers, writer: Mutex::new(Some(writer)) })
    }

    /// The file the store is kept in.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read<T>(&self, question: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.readers.with(|reader| question(&mut reader.diesel))
    }
}

/// Settings that stay with the file, and those of diesel's writing connection.
fn prepare_file(connection: &mut SqliteConnection, settings: &StoreSettings) -> Result<(), StoreError> {
    let pragmas = format!(
        "PRAGMA page_size = {PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = {}; \
         PRAGMA max_page_count = {};",
        synchronous(settings.durability),
        pages_max(settings)
    );
    connection.batch_execute(&pragmas).map_err(errors::database)
}

/// Settings of the appending connection.
fn configure(connection: &raw::Connection, settings: &StoreSettings) -> Result<(), StoreError> {
    connection.pragma("busy_timeout", settings.busy_timeout_ms)?;
    connection.pragma("synchronous", synchronous(settings.durability))?;
    connection.pragma("wal_autocheckpoint", settings.checkpoint_pages)?;
    // KiB, negative by SQLite's convention.
    connection.pragma("cache_size", -65_536)?;
    // What a savepoint would restore is kept in memory, not in a file.
    connection.pragma("temp_store", "MEMORY")?;
    connection.pragma("max_page_count", pages_max(settings))?;
    Ok(())
}

/// Bytes of a page of a new file: large enough that a batch of texts touches few pages.
const PAGE_BYTES: u64 = 8192;

/// The limit on the file's size, in pages; SQLite's own is the upper bound.
fn pages_max(settings: &StoreSettings) -> u64 {
    (settings.file_bytes_max / PAGE_BYTES).clamp(1, 0xffff_fffe)
}

fn synchronous(durability: Durability) -> &'static str {
    match durability {
        Durability::Normal => "NORMAL",
        Durability::Full => "FULL",
    }
}

fn start_writer(
    queue: Arc<writer::Queue>,
    appends: raw::Connection,
    mut runs: SqliteConnection,
) -> Result<JoinHandle<()>, StoreError> {
    let (ready, is_ready) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new()
        .name("souffleur-store".into())
        .spawn(move || {
            writer::serve(&queue, &appends, &mut runs, |result| {
                // The opener waits for this; if it is gone, nobody needs to know.
                let _ = ready.send(result);
            });
        })
        .map_err(|error| StoreError::Database(format!("cannot start the writer: {error}")))?;
    is_ready.recv().unwrap_or(Err(StoreError::Closed))?;
    Ok(thread)
}

impl Store for SqliteStore {
    fn append(&self, records: Vec<Append>, now: Timestamp) -> Commit<Vec<Receipt>> {
        self.queue.submit(|reply| writer::Request::Append { records, now, reply })
    }

    fn watermark(&self) -> Result<Seq, StoreError> {
        self.readers.with(|reader| delta::watermark(&reader.raw))
    }

    fn delta(&self, after: Seq, limit: usize) -> Result<Delta, StoreError> {
        delta::read(&self.readers, after, limit)
    }

    fn session_seq(&self, session_id: &str) -> Result<Option<Seq>, StoreError> {
        self.read(|connection| queries::session_seq(connection, session_id))
    }

    fn sessions(&self, seqs: &[Seq]) -> Result<Vec<(Seq, Session)>, StoreError> {
        self.read(|connection| queries::sessions(connection, seqs))
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

    fn claim(&self, component: &str, run_id: &str, now: Timestamp, ttl_ms: u64) -> Commit<Lease> {
        let claim = writer::Claim { component: component.to_owned(), run_id: run_id.to_owned(), now, ttl_ms };
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
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.close();
    }
}
