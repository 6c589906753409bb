//! Scans: rows as the server sends them, in its binary format, without a type for each query.

use std::ops::Range as Span;

use diesel::deserialize::{self, QueryableByName};
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::row::{Field, NamedRow, Row as RowIndex};
use diesel::sql_types::BigInt;
use souffleur_core::store::StoreError;

use crate::delta::{Fields, Range};
use crate::errors::database;

/// Columns a scan may have.
const COLUMNS_MAX: usize = 9;

/// A row's bytes, one column after the other. Integers are all BIGINT, numbers all DOUBLE PRECISION.
pub(crate) struct Row {
    bytes: Vec<u8>,
    /// Where each column lies in `bytes`; `None` for null.
    columns: [Option<Span<usize>>; COLUMNS_MAX],
}

impl QueryableByName<Pg> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        let mut built = Self { bytes: Vec::with_capacity(192), columns: Default::default() };
        for (i, place) in built.columns.iter_mut().enumerate().take(row.field_count()) {
            let field = RowIndex::get(row, i).ok_or("a column is missing")?;
            if let Some(value) = field.value() {
                let start = built.bytes.len();
                built.bytes.extend_from_slice(value.as_bytes());
                *place = Some(start..built.bytes.len());
            }
        }
        Ok(built)
    }
}

impl Row {
    fn eight(&self, column: i32) -> Option<[u8; 8]> {
        self.bytes(column).try_into().ok()
    }
}

impl Fields for Row {
    fn integer(&self, column: i32) -> i64 {
        self.eight(column).map_or(0, i64::from_be_bytes)
    }

    fn real_or_nan(&self, column: i32) -> f32 {
        self.eight(column).map_or(f32::NAN, |bytes| f64::from_be_bytes(bytes) as f32)
    }

    fn bytes(&self, column: i32) -> &[u8] {
        let column = usize::try_from(column).ok().and_then(|column| self.columns.get(column)?.clone());
        column.and_then(|span| self.bytes.get(span)).unwrap_or_default()
    }
}

/// Hands every row of a query over a range of `seq` to `visit`.
pub(super) fn scan(
    connection: &mut PgConnection,
    sql: &str,
    range: Range,
    mut visit: impl FnMut(&Row) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let query = diesel::sql_query(sql).bind::<BigInt, _>(range.after).bind::<BigInt, _>(range.until);
    let rows = query.load_iter::<Row, diesel::connection::DefaultLoadingMode>(connection).map_err(database)?;
    for row in rows {
        visit(&row.map_err(database)?)?;
    }
    Ok(())
}
