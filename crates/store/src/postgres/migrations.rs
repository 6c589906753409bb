//! Making a PostgreSQL schema the hub's own, one runtime at a time, and refusing what is not.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use souffleur_core::store::StoreError;

use crate::errors::database;
use crate::migrations::{bring_up_to_date, refuse_newer};

/// Every version of the layout, oldest first.
pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// The advisory lock whoever migrates holds: "Souf" in the upper four bytes.
const MIGRATING: i64 = 0x536f_7566 << 32;

#[derive(QueryableByName)]
struct State {
    #[diesel(sql_type = Text)]
    encoding: String,
    #[diesel(sql_type = Bool)]
    is_ours: bool,
    #[diesel(sql_type = BigInt)]
    tables: i64,
}

/// Brings the schema to the newest layout. While one does so, others wait here, as long as a lock may be waited for.
///
/// # Errors
/// [`StoreError::Incompatible`] for a schema that is not ours, or newer than this program.
pub(super) fn prepare(connection: &mut PgConnection) -> Result<(), StoreError> {
    diesel::sql_query("SELECT pg_advisory_lock($1)")
        .bind::<BigInt, _>(MIGRATING)
        .execute(connection)
        .map_err(database)?;
    let prepared = look(connection).and_then(|is_ours| {
        if is_ours {
            refuse_newer(connection, MIGRATIONS)?;
        }
        bring_up_to_date(connection, MIGRATIONS)
    });
    let unlocked = diesel::sql_query("SELECT pg_advisory_unlock($1)").bind::<BigInt, _>(MIGRATING).execute(connection);
    prepared?;
    unlocked.map_err(database)?;
    Ok(())
}

/// Refuses a schema without our mark, an empty one included. Writes nothing.
pub(super) fn refuse_unmarked(connection: &mut PgConnection) -> Result<(), StoreError> {
    if look(connection)? {
        return Ok(());
    }
    Err(StoreError::Incompatible("the schema is empty: no runtime has been started on it yet".to_owned()))
}

/// Looks at the schema before anything is written to it: whether it is ours rather than new.
fn look(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let state: State = diesel::sql_query(
        "SELECT current_setting('server_encoding') AS encoding, \
         coalesce(obj_description(to_regclass('hub_state'), 'pg_class') = 'souffleur', false) AS is_ours, \
         (SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE '\\_\\_diesel%') \
         AS tables",
    )
    .get_result(connection)
    .map_err(database)?;
    if state.encoding != "UTF8" {
        return Err(StoreError::Incompatible(format!(
            "the database is encoded in {}; make one with ENCODING 'UTF8'",
            state.encoding
        )));
    }
    if !state.is_ours && state.tables > 0 {
        return Err(StoreError::Incompatible(format!(
            "the schema holds another program's {} tables; name an empty database or one of souffleur's",
            state.tables
        )));
    }
    Ok(state.is_ours)
}
