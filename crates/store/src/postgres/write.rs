//! Few rows, of whichever tables, written by one statement. With the counter and the notification they are one message to
//! the server and one back.

use diesel::pg::{Pg, PgConnection, PgTypeMetadata};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Array, BigInt, HasSqlType, Text};

use super::copy::Rows;
use super::listen::CHANNEL;
use super::look_up::New;
use super::row_types::RowType;
use crate::table::Table;

/// The statement. It writes all rows or, where `before` is not the last number or a name is not new, none.
///
/// It takes the row of `hub_state` as `SELECT ... FOR UPDATE` does and holds it until its transaction ends, which is at
/// once unless one is open. It does not wait for it: where another transaction has it, that is what `before` does not
/// outlive either.
pub(super) struct Write<'r> {
    /// The last number before its rows.
    pub(super) before: i64,
    /// And with them.
    pub(super) last_seq: i64,
    /// Names that must not be stored.
    pub(super) new: &'r New,
    /// Told to other runtimes.
    pub(super) news: String,
    pub(super) rows: Vec<Values>,
}

/// Rows of one table, as an array of its row type.
pub(super) struct Values {
    table: Table,
    array: Vec<u8>,
}

impl Values {
    /// From rows on their way to `COPY`.
    ///
    /// The formats are those of PostgreSQL's functions `array_recv` and `record_recv`. An array: how many dimensions, no
    /// nulls, the type of its elements, how many there are, the first one's number; for each its length. An element: how many
    /// columns, for each its type, its length (-1 for null) and its bytes. All numbers are big-endian.
    pub(super) fn new(table: Table, rows: &Rows, of: &RowType) -> Self {
        let oid = |oid: i64| u32::try_from(oid).unwrap_or(0).to_be_bytes();
        let columns: Vec<_> = of.columns.iter().map(|column| oid(*column)).collect();
        let mut array = Vec::with_capacity(rows.bytes() + rows.bytes() / 2 + 64);
        for number in [1i32, 0] {
            array.extend_from_slice(&number.to_be_bytes());
        }
        array.extend_from_slice(&oid(of.of_rows));
        // A transaction has fewer rows than an integer can count.
        for number in [rows.len() as i32, 1] {
            array.extend_from_slice(&number.to_be_bytes());
        }
        for row in rows.iter() {
            let start = array.len();
            array.extend_from_slice(&[0; 4]);
            array.extend_from_slice(&(columns.len() as i32).to_be_bytes());
            for (column, value) in columns.iter().zip(row) {
                array.extend_from_slice(column);
                array.extend_from_slice(value);
            }
            let length = (array.len() - start - 4) as i32;
            array[start..start + 4].copy_from_slice(&length.to_be_bytes());
        }
        Self { table, array }
    }
}

/// The type of [`Values`]; which one it is the statement says.
struct OfTable;

impl HasSqlType<OfTable> for Pg {
    fn metadata(_: &mut Self::MetadataLookup) -> PgTypeMetadata {
        PgTypeMetadata::new(0, 0)
    }
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Values({:?}, {} bytes)", self.table, self.array.len())
    }
}

impl ToSql<OfTable, Pg> for Values {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        std::io::Write::write_all(out, &self.array)?;
        Ok(IsNull::No)
    }
}

impl QueryId for Write<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<PgConnection> for Write<'_> {}

impl QueryFragment<Pg> for Write<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH state AS (UPDATE hub_state SET last_seq = ");
        out.push_bind_param::<BigInt, _>(&self.last_seq)?;
        out.push_sql(" WHERE id = (SELECT id FROM hub_state WHERE id = 1 FOR UPDATE SKIP LOCKED) AND last_seq = ");
        out.push_bind_param::<BigInt, _>(&self.before)?;
        for table in ["prompt_sessions", "training_prompts"] {
            out.push_sql(" AND NOT EXISTS (SELECT FROM ");
            out.push_sql(table);
            out.push_sql(" WHERE session_id = ANY (");
            out.push_bind_param::<Array<Text>, _>(&self.new.sessions)?;
            out.push_sql("))");
        }
        out.push_sql(" AND NOT EXISTS (SELECT FROM idempotency_keys WHERE key = ANY (");
        out.push_bind_param::<Array<Text>, _>(&self.new.keys)?;
        out.push_sql(")) RETURNING id)");
        for values in &self.rows {
            let (name, _) = values.table.shape();
            for text in [", ", name, "_rows AS (INSERT INTO ", name, " SELECT new.* FROM state CROSS JOIN unnest("] {
                out.push_sql(text);
            }
            out.push_bind_param::<OfTable, _>(values)?;
            for text in ["::", name, "[]) AS new)"] {
                out.push_sql(text);
            }
        }
        out.push_sql(" SELECT pg_notify(");
        out.push_bind_param::<Text, _>(CHANNEL)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.news)?;
        out.push_sql(") FROM state");
        Ok(())
    }
}
