//! Whether a database has the layout its migrations make.
//!
//! A migration runs in one transaction with the note that it ran: killed in the middle it leaves nothing. What is checked
//! here is what no transaction guards against: tables changed by hand, or a migration applied by halves with other tools.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::Text;
use souffleur_core::store::StoreError;

use crate::database::{Db, Dialect, dialect, file};
use crate::errors::database;
use crate::migrations::{bring_up_to_date, known_versions};
use crate::sqlite::MIGRATIONS;

/// The layouts a database went through, against those this program knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Layouts {
    /// Those it went through, oldest first.
    pub applied: Vec<String>,
    /// Those this program will bring it to when it is opened next.
    pub pending: Vec<String>,
    /// Those this program does not know: a newer one made them.
    pub unknown: Vec<String>,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(connection: &mut Db, sql: &str) -> Result<Vec<String>, StoreError> {
    let lines: Vec<Line> = diesel::sql_query(sql).load(connection).map_err(database)?;
    Ok(lines.into_iter().map(|Line { line }| line).collect())
}

/// Compares without writing anything.
pub(crate) fn layouts(connection: &mut Db) -> Result<Layouts, StoreError> {
    let known = match dialect(connection) {
        Dialect::Sqlite => known_versions::<diesel::sqlite::Sqlite>(MIGRATIONS)?,
        #[cfg(feature = "postgres")]
        Dialect::Postgres => known_versions::<diesel::pg::Pg>(crate::postgres::MIGRATIONS)?,
    };
    let applied = lines(connection, "SELECT version AS line FROM __diesel_schema_migrations ORDER BY version")?;
    let missing = |from: &[String], of: &[String]| of.iter().filter(|v| !from.contains(v)).cloned().collect();
    Ok(Layouts { pending: missing(&applied, &known), unknown: missing(&known, &applied), applied })
}

/// Every column and every index, a line each.
fn parts(connection: &mut Db) -> Result<BTreeSet<String>, StoreError> {
    let (columns, indices) = match dialect(connection) {
        Dialect::Sqlite => (
            "SELECT 'column ' || t.name || '.' || c.name AS line FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c \
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
            "SELECT 'index ' || name AS line FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
        ),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => (
            "SELECT 'column ' || table_name || '.' || column_name AS line FROM information_schema.columns \
             WHERE table_schema = current_schema()",
            "SELECT 'index ' || indexname AS line FROM pg_indexes WHERE schemaname = current_schema()",
        ),
    };
    let mut parts: BTreeSet<String> = lines(connection, columns)?.into_iter().collect();
    parts.extend(lines(connection, indices)?);
    Ok(parts)
}

/// What a database of the newest layout lacks. Both databases have the same tables, columns and indices.
pub(crate) fn lacking(connection: &mut Db) -> Result<Vec<String>, StoreError> {
    let memory = SqliteConnection::establish(":memory:")
        .map_err(|error| StoreError::Database(format!("cannot open a database in memory: {error}")))?;
    let mut model = file(memory);
    #[cfg(not(feature = "postgres"))]
    bring_up_to_date(&mut model, MIGRATIONS)?;
    #[cfg(feature = "postgres")]
    if let Db::Sqlite(model) = &mut model {
        bring_up_to_date(model, MIGRATIONS)?;
    }
    let wanted = parts(&mut model)?;
    let there = parts(connection)?;
    Ok(wanted.difference(&there).cloned().collect())
}

/// Refuses a database of the newest layout that lacks a part of it.
pub(crate) fn refuse_incomplete(connection: &mut Db) -> Result<(), StoreError> {
    let lacking = lacking(connection)?;
    if lacking.is_empty() {
        return Ok(());
    }
    let shown = lacking.iter().take(5).map(|part| format!("`{part}`")).collect::<Vec<_>>().join(", ");
    Err(StoreError::Incompatible(format!(
        "the database says it has the newest layout and lacks {} parts of it: {shown}; it was changed by hand or migrated \
         by halves, so restore a backup",
        lacking.len()
    )))
}
