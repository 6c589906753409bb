//! Making a database file the hub's own, and refusing what is not.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use souffleur_core::store::StoreError;

use crate::errors::database;
use crate::migrations::refuse_newer;

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
    if tables > 0 { refuse_newer(connection, MIGRATIONS) } else { Ok(()) }
}

/// Refuses a file without our mark, an empty one included. Writes nothing.
pub(crate) fn refuse_unmarked(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let Mark { application_id } = diesel::sql_query("SELECT application_id FROM pragma_application_id")
        .get_result(connection)
        .map_err(database)?;
    if application_id == APPLICATION_ID {
        return Ok(());
    }
    Err(StoreError::Incompatible(format!(
        "the file is not a hub of souffleur's (application id {application_id:#010x})"
    )))
}

#[cfg(test)]
mod tests {
    use diesel_migrations::MigrationHarness;

    use super::*;
    use crate::migrations::bring_up_to_date;

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
        bring_up_to_date(&mut connection, MIGRATIONS).unwrap();
        refuse_foreign(&mut connection).unwrap();
        let first = layout(&mut connection);
        assert!(first.iter().any(|sql| sql.contains("rule_applications")));
        connection.revert_all_migrations(MIGRATIONS).unwrap();
        assert_eq!(layout(&mut connection), [""; 0], "undoing leaves nothing behind");
        refuse_foreign(&mut connection).unwrap();
        bring_up_to_date(&mut connection, MIGRATIONS).unwrap();
        assert_eq!(layout(&mut connection), first);
    }
}
