//! What differs between the databases: how one connects, how rows are appended and scanned, how a lease is locked.
//! Every other question and every other write is written once, in diesel, for [`Db`].

use diesel::QueryResult;
use souffleur_core::ids::Seq;
use souffleur_core::store::{Listener, StoreError};

use crate::delta::Fields;
use crate::settings::StoreSettings;
use crate::table::Bind;
use crate::writer::ledger::Ledger;

/// A connection through diesel, to whichever database.
#[cfg(not(feature = "postgres"))]
pub(crate) type Db = diesel::sqlite::SqliteConnection;

/// A connection through diesel, to whichever database.
#[cfg(feature = "postgres")]
#[derive(diesel::MultiConnection)]
pub(crate) enum Db {
    /// To a file.
    Sqlite(diesel::sqlite::SqliteConnection),
    /// To a server.
    Postgres(diesel::pg::PgConnection),
}

/// A connection to a file as one to whichever database.
#[cfg(not(feature = "postgres"))]
pub(crate) fn file(connection: diesel::sqlite::SqliteConnection) -> Db {
    connection
}

/// A connection to a file as one to whichever database.
#[cfg(feature = "postgres")]
pub(crate) fn file(connection: diesel::sqlite::SqliteConnection) -> Db {
    Db::Sqlite(connection)
}

/// What the two databases call differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// SQLite's.
    Sqlite,
    /// PostgreSQL's.
    #[cfg(feature = "postgres")]
    Postgres,
}

/// Whose words a connection understands.
#[cfg(not(feature = "postgres"))]
pub(crate) fn dialect(_: &Db) -> Dialect {
    Dialect::Sqlite
}

/// Whose words a connection understands.
#[cfg(feature = "postgres")]
pub(crate) fn dialect(connection: &Db) -> Dialect {
    match connection {
        Db::Sqlite(_) => Dialect::Sqlite,
        Db::Postgres(_) => Dialect::Postgres,
    }
}

/// What leases ask beyond diesel's common words.
pub(crate) trait Leasing {
    /// What makes a query pass over rows that others have locked.
    fn skip_locked(&self) -> &'static str;

    /// Tells other runtimes, once the transaction is committed, of a model `holder` made.
    fn announce_model(&mut self, holder: i64, component: &str) -> QueryResult<()>;

    /// Moves the counter to `last_seq` and tells other runtimes, once the transaction is committed, of the rows up to it.
    fn announce_rows(&mut self, holder: i64, last_seq: i64, learnable: u64) -> QueryResult<()>;
}

/// SQLite has one writer and nobody to tell.
#[cfg(not(feature = "postgres"))]
impl Leasing for Db {
    fn skip_locked(&self) -> &'static str {
        ""
    }

    fn announce_model(&mut self, _: i64, _: &str) -> QueryResult<()> {
        Ok(())
    }

    fn announce_rows(&mut self, _: i64, _: i64, _: u64) -> QueryResult<()> {
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl Leasing for Db {
    fn skip_locked(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR UPDATE SKIP LOCKED",
        }
    }

    fn announce_model(&mut self, holder: i64, component: &str) -> QueryResult<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(connection) => crate::postgres::announce_model(connection, holder, component),
        }
    }

    fn announce_rows(&mut self, holder: i64, last_seq: i64, learnable: u64) -> QueryResult<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(connection) => crate::postgres::announce_rows(connection, holder, last_seq, learnable),
        }
    }
}

/// One reader's connections, used by one thread at a time.
pub(crate) trait Reader: Send {
    /// A row of a scan.
    type Row<'r>: Fields;

    /// The connection for questions in diesel's words.
    fn diesel(&mut self) -> &mut Db;

    /// Hands every row of a query with these values (`$1`, `$2` ...) to `visit`.
    fn scan(
        &mut self,
        sql: &str,
        values: &[Bind<'_>],
        visit: impl FnMut(&Self::Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Whether it is worth keeping after an error.
    fn is_usable(&mut self) -> bool;
}

/// A database the hub can be kept in.
pub(crate) trait Database: Send + Sync + 'static {
    /// What reads.
    type Reader: Reader;
    /// What the writer's thread appends through.
    type Appends: Send;
    /// The appending connection at work.
    type Ledger<'c>: Ledger;

    /// Opens connections for reading.
    fn reader(&self) -> Result<Self::Reader, StoreError>;

    /// Gets the appending connection to work.
    fn ledger<'c>(&'c self, appends: &'c mut Self::Appends) -> Result<Self::Ledger<'c>, StoreError>;

    /// Opens the connection runs and leases are written through.
    fn runs(&self) -> Result<Db, StoreError>;

    /// Whether the connection for runs is worth keeping after an error.
    fn is_usable(&self, runs: &mut Db) -> bool;

    /// Who this store is among those that share the database; `None` where none can.
    fn holder(&self) -> Option<i64>;

    /// Limits and habits.
    fn settings(&self) -> &StoreSettings;

    /// Has `listener` told what others commit after `since`.
    fn watch(&self, _since: Seq, _listener: Listener) {}

    /// Told once the store is closed.
    fn close(&self) {}
}
