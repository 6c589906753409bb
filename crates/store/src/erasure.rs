//! Erasing, and looking first: the store's side of it.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use souffleur_core::ids::Seq;
use souffleur_core::store::{Commit, Erase, Erased, Erasure, StoreError, Traces};
use souffleur_core::time::Timestamp;

use crate::database::{Database, Db};
use crate::errors::database;
use crate::schema::{session_features, tombstones};
use crate::store::SqlStore;
use crate::traces::traces;
use crate::writer::erase;

#[derive(QueryableByName)]
struct Checkpoint {
    #[diesel(sql_type = Integer)]
    busy: i32,
}

/// The sessions that happened longest ago. Equal times in the order of their names, so that the same ones are named again.
const OLDEST: &str = "SELECT session_id FROM (\
     SELECT session_id, event_time FROM prompt_sessions WHERE event_time < $1 \
     UNION ALL SELECT session_id, event_time FROM training_prompts WHERE event_time < $2) AS sessions \
     ORDER BY event_time, session_id LIMIT $3";

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    session_id: String,
}

#[derive(QueryableByName)]
struct Bytes {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// Bytes of the pages that are in use. A server's tables give nothing back until they are rewritten: nothing is told of it.
fn used_bytes(connection: &mut Db) -> Result<Option<u64>, StoreError> {
    const PAGES: &str = "SELECT (page_count - freelist_count) * page_size AS bytes \
         FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()";
    let connection = match connection {
        #[cfg(not(feature = "postgres"))]
        connection => connection,
        #[cfg(feature = "postgres")]
        Db::Sqlite(connection) => connection,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => return Ok(None),
    };
    let found: Bytes = diesel::sql_query(PAGES).get_result(connection).map_err(database)?;
    Ok(u64::try_from(found.bytes).ok())
}

/// Moves the whole log into the file and empties it. `false` if a reader was in the way for too long.
fn empty_log(connection: &mut SqliteConnection) -> QueryResult<bool> {
    let result: Checkpoint = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(connection)?;
    Ok(result.busy == 0)
}

/// Rewrites an SQLite file: pages keep pieces of rows they once held, however carefully rows are deleted.
fn rewrite(connection: &mut SqliteConnection) -> QueryResult<bool> {
    empty_log(connection)?;
    connection.batch_execute("VACUUM")?;
    empty_log(connection)
}

/// Gives the room of erased rows back. Says whether not a byte of them is left in the database's own files, or why not.
fn compact(connection: &mut Db) -> Result<(), String> {
    let done = match connection {
        #[cfg(not(feature = "postgres"))]
        connection => rewrite(connection),
        #[cfg(feature = "postgres")]
        Db::Sqlite(connection) => rewrite(connection),
        #[cfg(feature = "postgres")]
        Db::Postgres(connection) => {
            connection.batch_execute("VACUUM").map_err(|error| error.to_string())?;
            return Err(
                "the rows are gone; when the server overwrites their room and its log is for its administrator".into(),
            );
        }
    };
    match done {
        Ok(true) => Ok(()),
        Ok(false) => Err("a reader kept the log from being emptied; erase again, or restart".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

impl<D: Database> Erasure for SqlStore<D> {
    fn traces(&self, session_ids: &[String]) -> Result<Traces, StoreError> {
        // In one transaction: what is said was so at one moment.
        self.read(|connection| {
            let mut found = Err(StoreError::Closed);
            let read = connection.transaction(|connection| {
                found = traces(connection, session_ids);
                Ok::<_, diesel::result::Error>(())
            });
            read.map_err(database)?;
            found
        })
    }

    fn erase(&self, order: Erase) -> Commit<Erased> {
        self.queue().errand(move |connection, site| erase::erase(connection, site, &order))
    }

    fn compact(&self) -> Commit<Option<String>> {
        self.queue().errand_then(|_, _| Ok(None), |connection, remark| *remark = compact(connection).err())
    }

    fn oldest(&self, before: Option<Timestamp>, limit: usize) -> Result<Vec<String>, StoreError> {
        let (before, limit) = (before.map_or(i64::MAX, |before| before.0), i64::try_from(limit).unwrap_or(i64::MAX));
        self.read(|connection| {
            let found: Vec<Named> = diesel::sql_query(OLDEST)
                .bind::<BigInt, _>(before)
                .bind::<BigInt, _>(before)
                .bind::<BigInt, _>(limit)
                .load(connection)
                .map_err(database)?;
            Ok(found.into_iter().map(|named| named.session_id).collect())
        })
    }

    fn older(&self, than: Timestamp) -> Result<u64, StoreError> {
        let count: i64 = self.read(|connection| {
            session_features::table
                .filter(session_features::event_time.lt(than.0))
                .count()
                .get_result(connection)
                .map_err(database)
        })?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn used_bytes(&self) -> Result<Option<u64>, StoreError> {
        self.read(used_bytes)
    }

    fn tombstones(&self, after: Seq, until: Seq) -> Result<Vec<(Seq, Seq)>, StoreError> {
        let stretches: Vec<(i64, i64)> = self.read(|connection| {
            tombstones::table
                .filter(tombstones::last_seq.gt(after.0))
                .filter(tombstones::first_seq.le(until.0))
                .order(tombstones::first_seq)
                .select((tombstones::first_seq, tombstones::last_seq))
                .load(connection)
                .map_err(database)
        })?;
        let clipped = |(first, last): (i64, i64)| (Seq(first.max(after.0 + 1)), Seq(last.min(until.0)));
        Ok(stretches.into_iter().map(clipped).collect())
    }
}
