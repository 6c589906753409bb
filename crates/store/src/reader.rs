//! Connections for reading. They never wait for the writer, nor it for them.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use souffleur_core::store::StoreError;

use crate::database::{Database, Reader};

struct Idle<R> {
    readers: Vec<R>,
    open: usize,
    closed: bool,
}

/// A bounded pool of readers, opened as they are needed.
pub(crate) struct Pool<D: Database> {
    database: Arc<D>,
    idle: Mutex<Idle<D::Reader>>,
    returned: Condvar,
}

impl<D: Database> Pool<D> {
    pub(crate) fn new(database: Arc<D>) -> Self {
        let idle = Idle { readers: Vec::new(), open: 0, closed: false };
        Self { database, idle: Mutex::new(idle), returned: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Idle<D::Reader>> {
        // A panic elsewhere leaves the pool as it was: nothing under the lock can panic halfway.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends a reader to `read`, waiting for one for a bounded time.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&mut D::Reader) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut lent = self.lend(true)?;
        lent.with(read)
    }

    /// A reader if one is free right now.
    pub(crate) fn spare(&self) -> Option<Lent<'_, D>> {
        self.lend(false).ok()
    }

    fn lend(&self, wait: bool) -> Result<Lent<'_, D>, StoreError> {
        let settings = self.database.settings();
        let most = settings.readers.max(1);
        let longest = Duration::from_millis(if wait { settings.busy_timeout_ms } else { 0 });
        let none = |idle: &mut Idle<D::Reader>| !idle.closed && idle.readers.is_empty() && idle.open >= most;
        let (mut idle, timeout) =
            self.returned.wait_timeout_while(self.lock(), longest, none).unwrap_or_else(PoisonError::into_inner);
        if idle.closed {
            return Err(StoreError::Closed);
        }
        if timeout.timed_out() {
            return Err(StoreError::Busy { retry_after_ms: settings.retry_after_ms });
        }
        let mut lent = Lent { pool: self, reader: idle.readers.pop() };
        if lent.reader.is_none() {
            idle.open += 1;
            drop(idle);
            // Should opening fail, dropping `lent` gives the place back.
            lent.reader = Some(self.database.reader()?);
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
pub(crate) struct Lent<'p, D: Database> {
    pool: &'p Pool<D>,
    reader: Option<D::Reader>,
}

impl<D: Database> Lent<'_, D> {
    /// Reads. A reader whose user panics, or whose connection is lost, is closed rather than put back.
    pub(crate) fn with<T>(
        &mut self,
        read: impl FnOnce(&mut D::Reader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut reader = self.reader.take().ok_or(StoreError::Closed)?;
        let result = read(&mut reader);
        if !matches!(result, Err(StoreError::Database(_))) || reader.is_usable() {
            self.reader = Some(reader);
        }
        result
    }
}

impl<D: Database> Drop for Lent<'_, D> {
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
