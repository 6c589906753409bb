//! Erasing, and looking first: the store's side of it.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use souffleur_core::ids::Seq;
use souffleur_core::store::{Commit, Erase, Erased, Erasure, StoreError, Traces};

use crate::database::{Database, Db};
use crate::errors::database;
use crate::schema::tombstones;
use crate::store::SqlStore;
use crate::traces::traces;
use crate::writer::erase;

#[derive(QueryableByName)]
struct Checkpoint {
    #[diesel(sql_type = Integer)]
    busy: i32,
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
