//! Scans: rows as the server sends them, in its binary format, without a type for each query.

use std::ops::Range as Span;

use diesel::deserialize::{self, QueryableByName};
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::row::{Field, NamedRow, Row as RowIndex};
use diesel::sql_types::{BigInt, Binary, Double, Nullable, Text};
use souffleur_core::store::StoreError;

use crate::delta::Fields;
use crate::errors::database;
use crate::table::Bind;

/// Columns a scan may have.
const COLUMNS_MAX: usize = 12;

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

/// Hands every row of a query with these values to `visit`.
pub(super) fn scan(
    connection: &mut PgConnection,
    sql: &str,
    values: &[Bind<'_>],
    mut visit: impl FnMut(&Row) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let query = values.iter().fold(diesel::sql_query(sql).into_boxed::<Pg>(), |query, value| match *value {
        Bind::Null => query.bind::<Nullable<Text>, _>(None::<&str>),
        Bind::Integer(value) => query.bind::<BigInt, _>(value),
        Bind::Real(value) => query.bind::<Double, _>(value),
        Bind::Text(value) => query.bind::<Text, _>(value),
        Bind::Blob(value) => query.bind::<Binary, _>(value),
    });
    let rows = query.load_iter::<Row, diesel::connection::DefaultLoadingMode>(connection).map_err(database)?;
    for row in rows {
        visit(&row.map_err(database)?)?;
    }
    Ok(())
}
