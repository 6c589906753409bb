//! Connections for reading. In WAL mode they never wait for the writer, nor it for them.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diesel::prelude::*;
use souffleur_core::store::StoreError;

use crate::errors::database;
use crate::raw::{self, Access};
use crate::settings::StoreSettings;

/// One reader: a connection through diesel, and a raw one for scans.
pub(crate) struct Reader {
    pub(crate) diesel: SqliteConnection,
    pub(crate) raw: raw::Connection,
}

impl Reader {
    fn open(path: &Path, settings: &StoreSettings) -> Result<Self, StoreError> {
        let mut diesel = connect(path, settings)?;
        diesel::sql_query("PRAGMA query_only = ON").execute(&mut diesel).map_err(database)?;
        let raw = raw::Connection::open(path, Access::ReadOnly)?;
        raw.pragma("busy_timeout", settings.busy_timeout_ms)?;
        Ok(Self { diesel, raw })
    }
}

/// A connection through diesel, with the settings every connection has.
pub(crate) fn connect(path: &Path, settings: &StoreSettings) -> Result<SqliteConnection, StoreError> {
    let text = path.to_str().ok_or_else(|| {
        StoreError::Incompatible(format!("the path {} is not UTF-8, which SQLite needs", path.display()))
    })?;
    let mut connection = SqliteConnection::establish(text)
        .map_err(|error| StoreError::Database(format!("cannot open {text}: {error}")))?;
    diesel::sql_query(format!("PRAGMA busy_timeout = {}", settings.busy_timeout_ms))
        .execute(&mut connection)
        .map_err(database)?;
    Ok(connection)
}

#[derive(Default)]
struct Idle {
    readers: Vec<Reader>,
    open: usize,
    closed: bool,
}

/// A bounded pool of readers, opened as they are needed.
pub(crate) struct Pool {
    path: PathBuf,
    settings: StoreSettings,
    idle: Mutex<Idle>,
    returned: Condvar,
}

impl Pool {
    pub(crate) fn new(path: PathBuf, settings: StoreSettings) -> Self {
        Self { path, settings, idle: Mutex::default(), returned: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        // A panic elsewhere leaves the pool as it was: nothing under the lock can panic halfway.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends a reader to `read`, waiting for one for a bounded time.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&mut Reader) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut lent = self.lend(true)?;
        lent.with(read)
    }

    /// A reader if one is free right now.
    pub(crate) fn spare(&self) -> Option<Lent<'_>> {
        self.lend(false).ok()
    }

    fn lend(&self, wait: bool) -> Result<Lent<'_>, StoreError> {
        let most = self.settings.readers.max(1);
        let longest = Duration::from_millis(if wait { self.settings.busy_timeout_ms } else { 0 });
        let none = |idle: &mut Idle| !idle.closed && idle.readers.is_empty() && idle.open >= most;
        let (mut idle, timeout) =
            self.returned.wait_timeout_while(self.lock(), longest, none).unwrap_or_else(PoisonError::into_inner);
        if idle.closed {
            return Err(StoreError::Closed);
        }
        if timeout.timed_out() {
            return Err(StoreError::Busy { retry_after_ms: self.settings.retry_after_ms });
        }
        let mut lent = Lent { pool: self, reader: idle.readers.pop() };
        if lent.reader.is_none() {
            idle.open += 1;
            drop(idle);
            // Should opening fail, dropping `lent` gives the place back.
            lent.reader = Some(Reader::open(&self.path, &self.settings)?);
        }
        Ok(lent)
    }

    /// Closes the idle readers; those lent out close when they come back.
    pub(crate) fn close(&self) {
        let mut idle = self.lock();
        idle.closed = true;
        idle.open -= idle.readers.len();
        idle.readers.clear();
        self.returned.notify_all();
    }
}

/// A reader on loan.
pub(crate) struct Lent<'p> {
    pool: &'p Pool,
    reader: Option<Reader>,
}

impl Lent<'_> {
    /// Reads. A reader whose user panics is closed rather than put back.
    pub(crate) fn with<T>(&mut self, read: impl FnOnce(&mut Reader) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut reader = self.reader.take().ok_or(StoreError::Closed)?;
        let result = read(&mut reader);
        self.reader = Some(reader);
        result
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut idle = self.pool.lock();
        match self.reader.take() {
            Some(reader) if !idle.closed => idle.readers.push(reader),
            _ => idle.open = idle.open.saturating_sub(1),
        }
        drop(idle);
        self.pool.returned.notify_one();
    }
}
