//! A database file seen from outside: copied, inspected, settled, without a store on it.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use diesel::prelude::*;
use diesel::sql_types::Text;
use souffleur_core::ids::Seq;
use souffleur_core::store::{ModelRow, StoreError};

use super::{Sqlite, SqliteStore, migrations, raw};
use crate::database;
use crate::errors;
use crate::inspect::{self, Inspection};
use crate::schema::hub_state;
use crate::settings::StoreSettings;
use crate::table::Bind;

/// Copies a consistent moment of the database at `from` into the new file at `to`, packed, while others read and write.
pub(crate) fn copy_into(from: &Path, to: &Path, stop: &AtomicBool) -> Result<(), StoreError> {
    drop(reading(from)?);
    let target = to.to_str().ok_or_else(|| {
        StoreError::Incompatible(format!("the path {} is not UTF-8, which SQLite needs", to.display()))
    })?;
    // Whoever reads a log that nobody has open must be allowed to write.
    let source = raw::Connection::open(from, raw::Access::Write)?;
    source.pragma("busy_timeout", StoreSettings::default().busy_timeout_ms)?;
    source.until(stop, || Ok(source.prepare("VACUUM INTO ?1")?.run(&[Bind::Text(target)])?))
}

/// Moves what the log holds into the file, and the log away. Nobody else may have the file open.
pub(crate) fn settle(path: &Path) -> Result<(), StoreError> {
    let connection = raw::Connection::open(path, raw::Access::Write)?;
    connection.pragma("journal_mode", "DELETE")?;
    Ok(())
}

/// A connection that reads a file that must be there and ours.
fn reading(path: &Path) -> Result<SqliteConnection, StoreError> {
    if !path.is_file() {
        return Err(StoreError::Database(format!("there is no database at {}", path.display())));
    }
    let path = std::path::absolute(path)
        .map_err(|error| StoreError::Database(format!("cannot reach {}: {error}", path.display())))?;
    let mut connection = Sqlite { path, settings: StoreSettings::default() }.connect()?;
    diesel::sql_query("PRAGMA query_only = ON").execute(&mut connection).map_err(errors::database)?;
    migrations::refuse_unmarked(&mut connection)?;
    Ok(connection)
}

#[derive(QueryableByName)]
struct Newest {
    #[diesel(sql_type = Text)]
    version: String,
}

impl SqliteStore {
    /// Looks at the file at `path` without opening it as a store: nothing is made, migrated or written. `decode` says what is
    /// wrong with the newest model of a component, beside its content. Others may use the file.
    ///
    /// # Errors
    /// [`StoreError::Incompatible`] if the file is not ours, [`StoreError::Database`] if it cannot be read.
    pub fn inspect(path: &Path, mut decode: impl FnMut(&ModelRow) -> Option<String>) -> Result<Inspection, StoreError> {
        inspect::look(&mut database::file(reading(path)?), &mut decode)
    }

    /// The newest layout of the file at `path`, and its newest row.
    pub(crate) fn layout_and_watermark(path: &Path) -> Result<(String, Seq), StoreError> {
        let mut connection = reading(path)?;
        let newest = "SELECT max(version) AS version FROM __diesel_schema_migrations";
        let newest: Newest = diesel::sql_query(newest).get_result(&mut connection).map_err(errors::database)?;
        let last = hub_state::table.select(hub_state::last_seq).first(&mut connection).map_err(errors::database)?;
        Ok((newest.version, Seq(last)))
    }
}
