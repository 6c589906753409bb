//! Making a database file the hub's own, and refusing what is not.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use souffleur_core::store::StoreError;

use crate::errors::database;

/// Every version of the layout, oldest first.
pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// "Souf", the file's mark (`PRAGMA application_id`).
pub(crate) const APPLICATION_ID: i32 = 0x536f_7566;

#[derive(QueryableByName)]
struct Mark {
    #[diesel(sql_type = Integer)]
    application_id: i32,
}

#[derive(QueryableByName)]
struct Tables {
    #[diesel(sql_type = BigInt)]
    tables: i64,
}

/// Looks at the file before anything is written to it.
///
/// # Errors
/// [`StoreError::Incompatible`] for a database that is not ours, or newer than this program.
pub(crate) fn refuse_foreign(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let Mark { application_id } = diesel::sql_query("SELECT application_id FROM pragma_application_id")
        .get_result(connection)
        .map_err(database)?;
    let Tables { tables } = diesel::sql_query(
        "SELECT count(*) AS tables FROM sqlite_schema \
         WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_\\_diesel%' ESCAPE '\\'",
    )
    .get_result(connection)
    .map_err(database)?;
    if application_id != APPLICATION_ID && (application_id != 0 || tables > 0) {
        return Err(StoreError::Incompatible(format!(
            "the file holds another program's database (application id {application_id:#010x}, {tables} tables and \
             indices); name a new file or one of souffleur's"
        )));
    }
    if tables > 0 { refuse_newer(connection) } else { Ok(()) }
}

/// Brings the database to the newest layout.
pub(crate) fn bring_up_to_date(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    connection.run_pending_migrations(MIGRATIONS).map_err(migration)?;
    Ok(())
}

/// Refuses a database that has been through migrations this program does not know.
fn refuse_newer(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    use diesel::migration::{Migration, MigrationSource};

    let applied = connection.applied_migrations().map_err(migration)?;
    let known = MigrationSource::<diesel::sqlite::Sqlite>::migrations(&MIGRATIONS).map_err(migration)?;
    let known: Vec<_> = known.iter().map(|m| m.name().version().to_string()).collect();
    match applied.iter().map(ToString::to_string).find(|version| !known.contains(version)) {
        None => Ok(()),
        Some(version) => Err(StoreError::Incompatible(format!(
            "the database has layout {version}, which this version of souffleur does not know; use a newer one"
        ))),
    }
}

fn migration(error: impl std::fmt::Display) -> StoreError {
    StoreError::Database(format!("cannot bring the database's layout up to date: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(QueryableByName)]
    struct Definition {
        #[diesel(sql_type = diesel::sql_types::Text)]
        sql: String,
    }

    fn layout(connection: &mut SqliteConnection) -> Vec<String> {
        let definitions: Vec<Definition> = diesel::sql_query(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE '%diesel%' ORDER BY name",
        )
        .load(connection)
        .unwrap();
        definitions.into_iter().map(|definition| definition.sql).collect()
    }

    #[test]
    fn every_migration_can_be_undone_and_done_again() {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        refuse_foreign(&mut connection).unwrap();
        bring_up_to_date(&mut connection).unwrap();
        refuse_foreign(&mut connection).unwrap();
        let first = layout(&mut connection);
        assert!(first.iter().any(|sql| sql.contains("rule_applications")));
        connection.revert_all_migrations(MIGRATIONS).unwrap();
        assert_eq!(layout(&mut connection), [""; 0], "undoing leaves nothing behind");
        refuse_foreign(&mut connection).unwrap();
        bring_up_to_date(&mut connection).unwrap();
        assert_eq!(layout(&mut connection), first);
    }
}
