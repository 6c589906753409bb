//! Layouts over time, whichever the database.

use diesel::migration::{Migration, MigrationSource};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use souffleur_core::store::StoreError;

/// Brings the database to the newest layout.
pub(crate) fn bring_up_to_date<DB: diesel::backend::Backend>(
    connection: &mut impl MigrationHarness<DB>,
    known: EmbeddedMigrations,
) -> Result<(), StoreError> {
    connection.run_pending_migrations(known).map_err(failed)?;
    Ok(())
}

/// Refuses a database that has been through migrations this program does not know.
pub(crate) fn refuse_newer<DB: diesel::backend::Backend>(
    connection: &mut impl MigrationHarness<DB>,
    known: EmbeddedMigrations,
) -> Result<(), StoreError> {
    let applied = connection.applied_migrations().map_err(failed)?;
    let known = known_versions::<DB>(known)?;
    match applied.iter().map(ToString::to_string).find(|version| !known.contains(version)) {
        None => Ok(()),
        Some(version) => Err(StoreError::Incompatible(format!(
            "the database has layout {version}, which this version of souffleur does not know; use a newer one"
        ))),
    }
}

/// The layouts this program knows, oldest first.
pub(crate) fn known_versions<DB: diesel::backend::Backend>(
    known: EmbeddedMigrations,
) -> Result<Vec<String>, StoreError> {
    let known = MigrationSource::<DB>::migrations(&known).map_err(failed)?;
    let mut known: Vec<String> = known.iter().map(|m| m.name().version().to_string()).collect();
    known.sort_unstable();
    Ok(known)
}

fn failed(error: impl std::fmt::Display) -> StoreError {
    StoreError::Database(format!("cannot bring the database's layout up to date: {error}"))
}
