//! The hub in one SQLite file: made and refused (`migrations.rs`), appended to (`ledger.rs`), scanned (`raw.rs`).

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use souffleur_core::store::StoreError;

use crate::database::{self, Database, Db, Reader};
use crate::errors;
use crate::layout::refuse_incomplete;
use crate::migrations::bring_up_to_date;
use crate::settings::{Durability, StoreSettings};
use crate::store::SqlStore;
use crate::table::Bind;

mod ledger;
mod migrations;
mod outside;
pub(crate) mod raw;

pub(crate) use migrations::MIGRATIONS;
pub(crate) use outside::{copy_into, settle};

/// The data hub in one SQLite file. One thread writes, a few connections read; in WAL mode neither waits for the other.
pub type SqliteStore = SqlStore<Sqlite>;

/// An SQLite file.
pub struct Sqlite {
    path: PathBuf,
    settings: StoreSettings,
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
        let sqlite = Sqlite { path, settings };
        let mut first = sqlite.connect()?;
        migrations::refuse_foreign(&mut first)?;
        prepare_file(&mut first, &sqlite.settings)?;
        bring_up_to_date(&mut first, migrations::MIGRATIONS)?;
        let mut first = database::file(first);
        refuse_incomplete(&mut first)?;
        let appends = raw::Connection::open(&sqlite.path, raw::Access::Write)?;
        configure(&appends, &sqlite.settings)?;
        Self::start(sqlite, appends, first)
    }

    /// The file the store is kept in.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.database().path
    }
}

impl Sqlite {
    /// A connection through diesel, with the settings every connection has.
    fn connect(&self) -> Result<SqliteConnection, StoreError> {
        let text = self.path.to_str().ok_or_else(|| {
            StoreError::Incompatible(format!("the path {} is not UTF-8, which SQLite needs", self.path.display()))
        })?;
        let mut connection = SqliteConnection::establish(text)
            .map_err(|error| StoreError::Database(format!("cannot open {text}: {error}")))?;
        diesel::sql_query(format!("PRAGMA busy_timeout = {}", self.settings.busy_timeout_ms))
            .execute(&mut connection)
            .map_err(errors::database)?;
        Ok(connection)
    }
}

impl Database for Sqlite {
    type Reader = SqliteReader;
    type Appends = raw::Connection;
    type Ledger<'c> = ledger::SqliteLedger<'c>;

    fn reader(&self) -> Result<SqliteReader, StoreError> {
        let mut diesel = self.connect()?;
        diesel::sql_query("PRAGMA query_only = ON").execute(&mut diesel).map_err(errors::database)?;
        let raw = raw::Connection::open(&self.path, raw::Access::ReadOnly)?;
        raw.pragma("busy_timeout", self.settings.busy_timeout_ms)?;
        Ok(SqliteReader { diesel: database::file(diesel), raw })
    }

    fn ledger<'c>(&'c self, appends: &'c mut raw::Connection) -> Result<Self::Ledger<'c>, StoreError> {
        Ok(ledger::SqliteLedger::prepare(appends)?)
    }

    fn runs(&self) -> Result<Db, StoreError> {
        let mut connection = self.connect()?;
        prepare_file(&mut connection, &self.settings)?;
        Ok(database::file(connection))
    }

    fn is_usable(&self, _: &mut Db) -> bool {
        true
    }

    fn holder(&self) -> Option<i64> {
        None
    }

    fn settings(&self) -> &StoreSettings {
        &self.settings
    }
}

/// A connection through diesel, and a raw one for scans.
pub(crate) struct SqliteReader {
    diesel: Db,
    raw: raw::Connection,
}

impl Reader for SqliteReader {
    type Row<'r> = raw::Row<'r>;

    fn diesel(&mut self) -> &mut Db {
        &mut self.diesel
    }

    fn scan(
        &mut self,
        sql: &str,
        values: &[Bind<'_>],
        visit: impl FnMut(&raw::Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.raw.prepare(sql)?.for_each(values, visit)
    }

    fn is_usable(&mut self) -> bool {
        true
    }
}

/// Settings that stay with the file, and those of diesel's writing connection.
fn prepare_file(connection: &mut SqliteConnection, settings: &StoreSettings) -> Result<(), StoreError> {
    let pragmas = format!(
        "PRAGMA page_size = {PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = {}; \
         PRAGMA max_page_count = {}; PRAGMA secure_delete = ON;",
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
