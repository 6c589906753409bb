//! The types of the tables' rows and columns, by which the server knows rows that come as values.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use souffleur_core::store::StoreError;

use crate::errors::database;
use crate::table::Table;

/// The type of a table's rows, and those of its columns, in their order.
#[derive(Clone, Debug, QueryableByName)]
pub(super) struct RowType {
    #[diesel(sql_type = BigInt)]
    pub(super) of_rows: i64,
    #[diesel(sql_type = Array<BigInt>)]
    pub(super) columns: Vec<i64>,
}

const READ: &str = "SELECT reltype::BIGINT AS of_rows, \
     ARRAY(SELECT atttypid::BIGINT FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped \
     ORDER BY attnum) AS columns \
     FROM unnest($1) WITH ORDINALITY AS named (name, place) JOIN pg_class ON pg_class.oid = to_regclass(name) \
     ORDER BY place";

/// Reads them for every table, by the table's number. They differ from database to database.
pub(super) fn read(connection: &mut PgConnection) -> Result<Vec<RowType>, StoreError> {
    let names = Table::ALL.map(|table| table.shape().0);
    let types: Vec<RowType> =
        diesel::sql_query(READ).bind::<Array<Text>, _>(&names[..]).load(connection).map_err(database)?;
    let is_as_expected = |(row, table): (&RowType, Table)| row.columns.len() == table.shape().1;
    if types.len() == Table::ALL.len() && types.iter().zip(Table::ALL).all(is_as_expected) {
        return Ok(types);
    }
    Err(StoreError::Incompatible("a table is missing, or has other columns than this program writes".into()))
}
