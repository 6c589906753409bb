//! The hub in a PostgreSQL database, which several runtimes may share.
//!
//! Each has a number of its own, and as long as it lives an advisory lock of that number on the connection it writes
//! runs through: whoever can take the lock knows that its holder is gone. Why rows are numbered under a lock:
//! `docs/adr/0007-postgresql-numbers-under-one-row-lock.md`.

use std::sync::{Mutex, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::r2d2::R2D2Connection;
use diesel::sql_types::BigInt;
use souffleur_core::ids::Seq;
use souffleur_core::store::{Listener, ModelRow, StoreError};

use crate::database::{Database, Db, Reader};
use crate::errors;
use crate::inspect::{self, Inspection};
use crate::layout::refuse_incomplete;
use crate::settings::{Durability, StoreSettings};
use crate::store::SqlStore;
use crate::table::Bind;

mod copy;
mod ledger;
mod listen;
mod look_up;
mod migrations;
mod names;
mod row_types;
mod scan;
mod write;

pub(crate) use listen::{announce_model, announce_rows};
pub(crate) use migrations::MIGRATIONS;

/// The data hub in a PostgreSQL database (14 or newer, encoded in UTF-8). Several runtimes may share it.
pub type PostgresStore = SqlStore<Postgres>;

/// A PostgreSQL database.
pub struct Postgres {
    url: String,
    settings: StoreSettings,
    holder: i64,
    listening: Mutex<Option<listen::Listening>>,
}

impl PostgresStore {
    /// Connects to the database at `url`, as libpq reads it (`postgres://user@host/database`), and makes the hub's tables
    /// if they are not there. Where several do so at once, one does it and the others wait, at most `busy_timeout_ms`.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] if the tables are another program's or newer than this one;
    /// [`StoreError::Database`] if the server cannot be reached or the wait was too long.
    pub fn connect(url: &str, settings: StoreSettings) -> Result<Self, StoreError> {
        let mut postgres = Postgres {
            url: with_deadline(url, settings.busy_timeout_ms),
            settings,
            holder: 0,
            listening: Mutex::default(),
        };
        let mut first = postgres.open()?;
        // Whoever brings a large history to a new layout may take his time.
        first.batch_execute("SET statement_timeout = 0").map_err(errors::database)?;
        migrations::prepare(&mut first)?;
        let mut first = Db::Postgres(first);
        refuse_incomplete(&mut first)?;
        postgres.holder = next_holder(&mut first)?;
        let runs = postgres.runs()?;
        let appends = postgres.link()?;
        Self::start(postgres, appends, runs)
    }

    /// Looks at the database at `url` without opening it as a store: nothing is made, migrated or written. `decode` says what
    /// is wrong with the newest model of a component, beside its content.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] if the tables are not ours, [`StoreError::Database`] if the server cannot be reached.
    pub fn inspect(
        url: &str,
        settings: StoreSettings,
        mut decode: impl FnMut(&ModelRow) -> Option<String>,
    ) -> Result<Inspection, StoreError> {
        let url = with_deadline(url, settings.busy_timeout_ms);
        let mut connection = Postgres { url, settings, holder: 0, listening: Mutex::default() }.open()?;
        connection.batch_execute("SET default_transaction_read_only = on").map_err(errors::database)?;
        migrations::refuse_unmarked(&mut connection)?;
        inspect::look(&mut Db::Postgres(connection), &mut decode)
    }
}

/// How much longer than a lock may be waited for a statement may take.
const STATEMENT_FACTOR: u64 = 10;

/// The address with a limit on the time a connection may take, unless it names one.
fn with_deadline(url: &str, timeout_ms: u64) -> String {
    if url.contains("connect_timeout") {
        return url.to_owned();
    }
    let separator = match (url.contains("://"), url.contains('?')) {
        (true, false) => "?",
        (true, true) => "&",
        (false, _) => " ",
    };
    format!("{url}{separator}connect_timeout={}", timeout_ms.div_ceil(1000).max(2))
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// A number no other runtime has or will have.
fn next_holder(connection: &mut Db) -> Result<i64, StoreError> {
    let next: Number =
        diesel::sql_query("SELECT nextval('holders') AS number").get_result(connection).map_err(errors::database)?;
    Ok(next.number)
}

impl Postgres {
    /// A connection with the settings every connection has.
    fn open(&self) -> Result<PgConnection, StoreError> {
        // What libpq says names host and database, never the password.
        let mut connection = PgConnection::establish(&self.url)
            .map_err(|error| StoreError::Database(format!("cannot connect to PostgreSQL: {error}")))?;
        let durability = match self.settings.durability {
            Durability::Normal => "off",
            Durability::Full => "on",
        };
        let wait_ms = self.settings.busy_timeout_ms;
        let statement_ms = wait_ms.saturating_mul(STATEMENT_FACTOR).min(i32::MAX.unsigned_abs().into());
        // A runtime that stops in the middle of a transaction must not keep the others from writing.
        let settings = format!(
            "SET client_encoding = 'UTF8'; SET client_min_messages = 'error'; SET application_name = 'souffleur'; \
             SET synchronous_commit = {durability}; SET lock_timeout = {wait_ms}; \
             SET statement_timeout = {statement_ms}; SET idle_in_transaction_session_timeout = {wait_ms};"
        );
        connection.batch_execute(&settings).map_err(errors::database)?;
        Ok(connection)
    }

    /// A connection to append through. Its few statements are planned once: by their indexes, for a plan that reads
    /// small tables from end to end would still be followed when they have grown.
    fn link(&self) -> Result<Link, StoreError> {
        let mut connection = self.open()?;
        let planning = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off;";
        connection.batch_execute(planning).map_err(errors::database)?;
        let row_types = row_types::read(&mut connection)?;
        Ok(Link { connection, row_types, is_broken: false })
    }
}

/// The appending connection; opened anew where it is lost.
pub(crate) struct Link {
    connection: PgConnection,
    /// By the table's number.
    row_types: Vec<row_types::RowType>,
    is_broken: bool,
}

impl Database for Postgres {
    type Reader = PgReader;
    type Appends = Link;
    type Ledger<'c> = ledger::PgLedger<'c>;

    fn reader(&self) -> Result<PgReader, StoreError> {
        Ok(PgReader(Db::Postgres(self.open()?)))
    }

    fn ledger<'c>(&'c self, link: &'c mut Link) -> Result<Self::Ledger<'c>, StoreError> {
        Ok(ledger::PgLedger::new(self, link))
    }

    fn runs(&self) -> Result<Db, StoreError> {
        let mut connection = self.open()?;
        // After a lost connection the server may still hold the lock for it: it is waited for.
        diesel::sql_query("SELECT pg_advisory_lock($1)")
            .bind::<BigInt, _>(self.holder)
            .execute(&mut connection)
            .map_err(errors::database)?;
        Ok(Db::Postgres(connection))
    }

    fn is_usable(&self, runs: &mut Db) -> bool {
        is_usable(runs)
    }

    fn holder(&self) -> Option<i64> {
        Some(self.holder)
    }

    fn settings(&self) -> &StoreSettings {
        &self.settings
    }

    fn watch(&self, since: Seq, listener: Listener) {
        let listening = listen::start(self.url.clone(), self.holder, since, listener);
        *self.listening.lock().unwrap_or_else(PoisonError::into_inner) = listening;
    }

    fn close(&self) {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

fn is_usable(connection: &mut Db) -> bool {
    match connection {
        Db::Sqlite(_) => true,
        Db::Postgres(connection) => connection.ping().is_ok(),
    }
}

/// A connection that reads.
pub(crate) struct PgReader(Db);

impl Reader for PgReader {
    type Row<'r> = scan::Row;

    fn diesel(&mut self) -> &mut Db {
        &mut self.0
    }

    fn scan(
        &mut self,
        sql: &str,
        values: &[Bind<'_>],
        visit: impl FnMut(&scan::Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match &mut self.0 {
            Db::Postgres(connection) => scan::scan(connection, sql, values, visit),
            Db::Sqlite(_) => Err(StoreError::Closed),
        }
    }

    fn is_usable(&mut self) -> bool {
        is_usable(&mut self.0)
    }
}
