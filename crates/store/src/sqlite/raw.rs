//! A thin layer over SQLite's own C interface for the two hot paths: appending and scanning.
//!
//! It links the very library diesel links. Why it exists, with numbers: `docs/adr/0003-raw-sqlite-on-hot-paths.md`.
//! All unsafe code of the crate is in this file; what leaves it is safe to use.

use std::ffi::{CStr, CString, c_int, c_void};
use std::marker::PhantomData;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, Ordering};

use libsqlite3_sys as ffi;
use souffleur_core::store::StoreError;

use crate::delta::Fields;
use crate::errors::{FULL, LOCKED};
use crate::table::Bind;

/// What SQLite said when it refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (sqlite code {code})")]
pub(crate) struct SqliteError {
    /// The extended result code.
    pub(crate) code: c_int,
    /// SQLite's own words.
    pub(crate) message: String,
}

impl From<SqliteError> for StoreError {
    fn from(error: SqliteError) -> Self {
        let advice = match error.code & 0xff {
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => LOCKED,
            ffi::SQLITE_FULL => FULL,
            _ => return Self::Database(error.to_string()),
        };
        Self::Database(format!("{error}: {advice}"))
    }
}

/// Whether a connection may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Write,
    ReadOnly,
}

/// Steps of SQLite's machine between two looks at whether to stop: well below a millisecond.
const STEPS_UNWATCHED: c_int = 1000;

/// A connection used by one thread at a time.
#[derive(Debug)]
pub(crate) struct Connection(NonNull<ffi::sqlite3>);

// SAFETY: SQLite is built threadsafe; a connection opened with SQLITE_OPEN_NOMUTEX may be used by any one
// thread at a time. `Connection` is Send but not Sync, so two threads can never use it at once.
unsafe impl Send for Connection {}

impl Connection {
    /// Opens the database file, which must exist.
    pub(crate) fn open(path: &Path, access: Access) -> Result<Self, SqliteError> {
        let shown = path.display().to_string();
        let c_path = CString::new(path.as_os_str().as_encoded_bytes()).map_err(|_| SqliteError {
            code: ffi::SQLITE_CANTOPEN,
            message: format!("the path {shown:?} contains a zero byte"),
        })?;
        let mode = match access {
            Access::Write => ffi::SQLITE_OPEN_READWRITE,
            Access::ReadOnly => ffi::SQLITE_OPEN_READONLY,
        };
        let mut handle = ptr::null_mut();
        // SAFETY: the path is a C string that outlives the call; `handle` is a valid place for the result.
        let code = unsafe {
            ffi::sqlite3_open_v2(c_path.as_ptr(), &raw mut handle, mode | ffi::SQLITE_OPEN_NOMUTEX, ptr::null())
        };
        let Some(handle) = NonNull::new(handle) else {
            return Err(SqliteError { code: ffi::SQLITE_NOMEM, message: "out of memory".into() });
        };
        let connection = Self(handle);
        connection.check(code)?;
        // SAFETY: the handle is open.
        unsafe { ffi::sqlite3_extended_result_codes(connection.0.as_ptr(), 1) };
        Ok(connection)
    }

    fn error(&self, code: c_int) -> SqliteError {
        // SAFETY: the handle is open; sqlite3_errmsg returns a C string valid until the next call on it, copied here.
        let message = unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(self.0.as_ptr())) };
        SqliteError { code, message: message.to_string_lossy().into_owned() }
    }

    fn check(&self, code: c_int) -> Result<(), SqliteError> {
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(self.error(code)) }
    }

    /// Runs statements whose rows nobody wants.
    pub(crate) fn execute(&self, sql: &CStr) -> Result<(), SqliteError> {
        // SAFETY: the handle is open, the text is a C string; no callback, no place for an error message.
        let code = unsafe { ffi::sqlite3_exec(self.0.as_ptr(), sql.as_ptr(), None, ptr::null_mut(), ptr::null_mut()) };
        self.check(code)
    }

    /// [`execute`](Self::execute) for a text made at run time, such as a pragma with a number in it.
    pub(crate) fn pragma(&self, name: &str, value: impl std::fmt::Display) -> Result<(), SqliteError> {
        let text = CString::new(format!("PRAGMA {name} = {value}"))
            .map_err(|_| SqliteError { code: ffi::SQLITE_MISUSE, message: format!("bad value for pragma {name}") })?;
        self.execute(&text)
    }

    /// Lets `work` run on this connection until it is done or `stop` is raised: then what runs fails as interrupted.
    pub(crate) fn until<T>(
        &self,
        stop: &AtomicBool,
        work: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        unsafe extern "C" fn is_raised(stop: *mut c_void) -> c_int {
            // SAFETY: the pointer is to the flag `until` was given, which outlives the handler.
            let stop = unsafe { &*stop.cast::<AtomicBool>() };
            c_int::from(stop.load(Ordering::Acquire))
        }
        /// Takes the handler away however the scope is left.
        struct Unwatched<'c>(&'c Connection);
        impl Drop for Unwatched<'_> {
            fn drop(&mut self) {
                // SAFETY: the handle is open.
                unsafe { ffi::sqlite3_progress_handler(self.0.0.as_ptr(), 0, None, ptr::null_mut()) };
            }
        }
        let flag = ptr::from_ref(stop).cast_mut().cast::<c_void>();
        // SAFETY: the handle is open; the flag is borrowed until this function returns, before which the handler is taken
        // away; the handler only reads it, atomically.
        unsafe { ffi::sqlite3_progress_handler(self.0.as_ptr(), STEPS_UNWATCHED, Some(is_raised), flag) };
        let _unwatched = Unwatched(self);
        work()
    }

    /// Whether no transaction is open. SQLite rolls one back by itself on some errors (a full disk, for one).
    pub(crate) fn is_autocommit(&self) -> bool {
        // SAFETY: the handle is open.
        unsafe { ffi::sqlite3_get_autocommit(self.0.as_ptr()) != 0 }
    }

    /// Compiles a statement to be run many times.
    pub(crate) fn prepare(&self, sql: &str) -> Result<Statement<'_>, SqliteError> {
        let length = c_int::try_from(sql.len())
            .map_err(|_| SqliteError { code: ffi::SQLITE_TOOBIG, message: "the statement is too long".into() })?;
        let mut handle = ptr::null_mut();
        // SAFETY: the handle is open; the text is `length` bytes long; `handle` is a valid place for the result.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(
                self.0.as_ptr(),
                sql.as_ptr().cast(),
                length,
                ffi::SQLITE_PREPARE_PERSISTENT,
                &raw mut handle,
                ptr::null_mut(),
            )
        };
        self.check(code)?;
        let handle = NonNull::new(handle)
            .ok_or_else(|| SqliteError { code: ffi::SQLITE_MISUSE, message: "the statement is empty".into() })?;
        // SAFETY: the statement was just compiled.
        let parameters = unsafe { ffi::sqlite3_bind_parameter_count(handle.as_ptr()) };
        // SAFETY: as above.
        let columns = unsafe { ffi::sqlite3_column_count(handle.as_ptr()) };
        Ok(Statement { handle, connection: self, parameters: usize::try_from(parameters).unwrap_or(0), columns })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the handle is open and not used again; statements borrow the connection, so none is left.
        unsafe { ffi::sqlite3_close(self.0.as_ptr()) };
    }
}

/// A compiled statement.
#[derive(Debug)]
pub(crate) struct Statement<'c> {
    handle: NonNull<ffi::sqlite3_stmt>,
    connection: &'c Connection,
    parameters: usize,
    columns: c_int,
}

/// Ends a statement's run however the scope is left.
struct Reset<'s>(&'s NonNull<ffi::sqlite3_stmt>);

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        // SAFETY: the statement is alive: it is borrowed. The code repeats the last step's, which was looked at.
        unsafe { ffi::sqlite3_reset(self.0.as_ptr()) };
    }
}

impl Statement<'_> {
    /// Binds every parameter, by place. The values stay bound, unread, until the next call binds them all anew.
    fn bind(&self, values: &[Bind<'_>]) -> Result<(), SqliteError> {
        if values.len() != self.parameters {
            let message = format!("{} values for {} parameters", values.len(), self.parameters);
            return Err(SqliteError { code: ffi::SQLITE_RANGE, message });
        }
        let statement = self.handle.as_ptr();
        for (place, value) in (1..).zip(values) {
            // SAFETY: the statement is alive and not running. Texts and blobs are given as SQLITE_STATIC: SQLite
            // reads them only in `step`, and every run of a statement goes through `bind` first, in a function that
            // holds the borrow of `values` until the run is over. A length is that of the slice.
            let code = unsafe {
                match *value {
                    Bind::Null => ffi::sqlite3_bind_null(statement, place),
                    Bind::Integer(v) => ffi::sqlite3_bind_int64(statement, place, v),
                    Bind::Real(v) => ffi::sqlite3_bind_double(statement, place, v),
                    Bind::Text(v) => {
                        let (at, length) = (v.as_ptr().cast(), v.len() as u64);
                        let encoding = ffi::SQLITE_UTF8 as u8;
                        ffi::sqlite3_bind_text64(statement, place, at, length, ffi::SQLITE_STATIC(), encoding)
                    }
                    Bind::Blob(v) => {
                        let (at, length) = (v.as_ptr().cast(), v.len() as u64);
                        ffi::sqlite3_bind_blob64(statement, place, at, length, ffi::SQLITE_STATIC())
                    }
                }
            };
            if code != ffi::SQLITE_OK {
                return Err(self.connection.error(code));
            }
        }
        Ok(())
    }

    /// Steps to the next row; `None` after the last.
    fn step(&self) -> Result<Option<Row<'_>>, SqliteError> {
        // SAFETY: the statement is alive and every parameter is bound to memory that lives through the run.
        match unsafe { ffi::sqlite3_step(self.handle.as_ptr()) } {
            ffi::SQLITE_ROW => Ok(Some(Row { statement: &self.handle, columns: self.columns, life: PhantomData })),
            ffi::SQLITE_DONE => Ok(None),
            code => Err(self.connection.error(code)),
        }
    }

    /// Runs the statement for its effect.
    pub(crate) fn run(&mut self, values: &[Bind<'_>]) -> Result<(), SqliteError> {
        self.for_each(values, |_| Ok(()))
    }

    /// Hands every row to `visit`.
    pub(crate) fn for_each<E: From<SqliteError>>(
        &mut self,
        values: &[Bind<'_>],
        mut visit: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.bind(values)?;
        let _reset = Reset(&self.handle);
        while let Some(row) = self.step()? {
            visit(&row)?;
        }
        Ok(())
    }

    /// Runs an insertion that may meet a row of the same name; says whether it inserted.
    pub(crate) fn insert_if_new(&mut self, values: &[Bind<'_>]) -> Result<bool, SqliteError> {
        self.run(values)?;
        // SAFETY: the connection is open.
        Ok(unsafe { ffi::sqlite3_changes64(self.connection.0.as_ptr()) } > 0)
    }

    /// Reads the first row, if there is one.
    pub(crate) fn first<T>(
        &mut self,
        values: &[Bind<'_>],
        read: impl FnOnce(&Row<'_>) -> T,
    ) -> Result<Option<T>, SqliteError> {
        self.bind(values)?;
        let _reset = Reset(&self.handle);
        Ok(self.step()?.map(|row| read(&row)))
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: the statement is alive and not used again; its connection outlives it.
        unsafe { ffi::sqlite3_finalize(self.handle.as_ptr()) };
    }
}

/// The row a statement stands on. What it lends is gone with the next step.
#[derive(Debug)]
pub(crate) struct Row<'s> {
    statement: &'s NonNull<ffi::sqlite3_stmt>,
    columns: c_int,
    life: PhantomData<&'s [u8]>,
}

impl Fields for Row<'_> {
    #[inline]
    fn integer(&self, column: c_int) -> i64 {
        // SAFETY: the statement stands on a row. SQLite answers a column out of range with null.
        unsafe { ffi::sqlite3_column_int64(self.statement.as_ptr(), column) }
    }

    #[inline]
    fn real_or_nan(&self, column: c_int) -> f32 {
        // SAFETY: as in `integer`.
        unsafe {
            let value = ffi::sqlite3_column_double(self.statement.as_ptr(), column);
            // A null reads as 0: only then is its type asked for.
            if value == 0.0 && ffi::sqlite3_column_type(self.statement.as_ptr(), column) == ffi::SQLITE_NULL {
                f32::NAN
            } else {
                value as f32
            }
        }
    }

    #[inline]
    fn bytes(&self, column: c_int) -> &[u8] {
        if column >= self.columns {
            return &[];
        }
        // SAFETY: the statement stands on a row; pointer and length describe SQLite's own buffer, which stays as it is
        // until the next step or reset; the borrow of `self` keeps both from happening.
        unsafe {
            let at = ffi::sqlite3_column_blob(self.statement.as_ptr(), column).cast::<u8>();
            let length = ffi::sqlite3_column_bytes(self.statement.as_ptr(), column);
            match usize::try_from(length) {
                Ok(length) if length > 0 && !at.is_null() => std::slice::from_raw_parts(at, length),
                _ => &[],
            }
        }
    }
}
