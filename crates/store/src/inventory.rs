//! What there is: every table read once, in one transaction.
//!
//! Rows come as JSON arrays, which both databases can make: so that one shape fits questions of any width.

use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::Value;
use souffleur_core::features::FeatureSchema;
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::store::{FieldCoverage, Inventory, ModelInventory, SchemaRows, StoreError, TableInventory};
use souffleur_core::time::Timestamp;

use crate::database::{Db, Dialect, dialect};
use crate::errors::{database, unreadable};
use crate::schema::hub_state;
use crate::table::Table;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// A table to be counted: the column of its time, if it has one, and the columns that may be unknown.
struct Look {
    name: &'static str,
    time: Option<&'static str>,
    has_known_time: bool,
    may_be_unknown: &'static [&'static str],
}

const SESSION: &[&str] = &[
    "project_type",
    "domain",
    "complexity",
    "team_size",
    "before_overall_score",
    "before_clarity",
    "before_completeness",
    "before_actionability",
    "before_effectiveness",
    "quality_score",
    "improvement_score",
    "tags",
    "improved_prompt",
];

/// Every table, in order of names.
fn looks() -> Vec<Look> {
    let recorded = Table::ALL.into_iter().map(|table| {
        let may_be_unknown: &[&str] = match table {
            Table::PromptSessions | Table::TrainingPrompts => SESSION,
            Table::SessionFeatures => &["quality_score", "improvement_score"],
            Table::RuleApplications => {
                &["improvement_score", "confidence", "execution_time_ms", "propensity", "parameters"]
            }
            Table::UserFeedback => &["text", "areas"],
            Table::Rules => &["description", "category", "default_parameters"],
            _ => &[],
        };
        let timed = table != Table::IdempotencyKeys;
        Look { name: table.shape().0, time: timed.then_some("event_time"), has_known_time: timed, may_be_unknown }
    });
    let own = [("runs", Some("started")), ("models", Some("created")), ("lineage", None)];
    let own = own.map(|(name, time)| Look { name, time, has_known_time: false, may_be_unknown: &[] });
    let mut looks: Vec<Look> = recorded.chain(own).collect();
    looks.sort_by_key(|look| look.name);
    looks
}

/// Takes stock.
pub(crate) fn take(connection: &mut Db) -> Result<Inventory, StoreError> {
    // Rows up to the watermark never change, so that the moments at which tables are read need not be the same; but
    // what is said of them is to fit.
    connection
        .transaction(|connection| {
            let words = dialect(connection);
            #[cfg(feature = "postgres")]
            if words == Dialect::Postgres {
                diesel::sql_query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    .execute(connection)
                    .map_err(Stop::from)?;
            }
            taken(connection, words)
        })
        .map_err(|Stop(error)| error)
}

/// Ends the transaction.
struct Stop(StoreError);

impl From<diesel::result::Error> for Stop {
    fn from(error: diesel::result::Error) -> Self {
        Self(database(error))
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

fn taken(connection: &mut Db, words: Dialect) -> Result<Inventory, Stop> {
    let watermark: Option<i64> = hub_state::table.select(hub_state::last_seq).first(connection).optional()?;
    let sizes = sizes(connection, words)?;
    let size_of = |name: &str| sizes.iter().find(|(table, _)| table == name).map(|(_, bytes)| *bytes);
    let mut tables = Vec::new();
    for look in looks() {
        let mut table = count(connection, words, &look)?;
        table.size_bytes = size_of(look.name);
        tables.push(table);
    }
    Ok(Inventory {
        database: match words {
            Dialect::Sqlite => "sqlite".to_owned(),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => "postgresql".to_owned(),
        },
        layout: layout(connection)?,
        watermark: Seq(watermark.unwrap_or(0)),
        size_bytes: Some(whole(connection, words)?),
        tables,
        schemas: schemas(connection, words)?,
        models: models(connection, words)?,
    })
}

/// The lines of a question whose answer is a JSON array a row.
fn lines(connection: &mut Db, words: Dialect, row: &str, from: &str) -> Result<Vec<Vec<Value>>, Stop> {
    let sql = match words {
        Dialect::Sqlite => format!("SELECT json_array({row}) AS line FROM {from}"),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => format!("SELECT json_build_array({row})::text AS line FROM {from}"),
    };
    let lines: Vec<Line> = diesel::sql_query(sql).load(connection)?;
    let read = |Line { line }| serde_json::from_str(&line).map_err(|e| unreadable("row", e).into());
    lines.into_iter().map(read).collect()
}

fn integer(row: &[Value], place: usize) -> Option<i64> {
    row.get(place).and_then(Value::as_i64)
}

fn unsigned(row: &[Value], place: usize) -> u64 {
    integer(row, place).and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
}

fn text(row: &[Value], place: usize) -> String {
    row.get(place).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// One pass over a table.
fn count(connection: &mut Db, words: Dialect, look: &Look) -> Result<TableInventory, Stop> {
    let mut row = "count(*)".to_owned();
    for of_time in ["min", "max"] {
        row += &look.time.map_or(", NULL".to_owned(), |time| format!(", {of_time}({time})"));
    }
    row += ", max(seq)";
    row += if look.has_known_time { ", max(known_time)" } else { ", NULL" };
    for column in look.may_be_unknown {
        // Asked so, a long text is not read to see whether it is there.
        row += &format!(", count(*) FILTER (WHERE {column} IS NOT NULL)");
    }
    let counted = lines(connection, words, &row, look.name)?;
    let counted = counted.first().map(Vec::as_slice).unwrap_or_default();
    let rows = unsigned(counted, 0);
    let coverage = (5..).zip(look.may_be_unknown);
    Ok(TableInventory {
        name: look.name.to_owned(),
        rows,
        size_bytes: None,
        first_event: integer(counted, 1).map(Timestamp),
        last_event: integer(counted, 2).map(Timestamp),
        newest: integer(counted, 3).map(Seq),
        last_known: integer(counted, 4).map(Timestamp),
        coverage: coverage.map(|(place, name)| FieldCoverage::new(*name, unsigned(counted, place), rows)).collect(),
    })
}

/// Bytes of each table with its indices.
fn sizes(connection: &mut Db, words: Dialect) -> Result<Vec<(String, u64)>, Stop> {
    let (row, from) = match words {
        Dialect::Sqlite => (
            "tables.tbl_name, sum(pages.pgsize)",
            "dbstat AS pages JOIN sqlite_schema AS tables ON tables.name = pages.name WHERE pages.aggregate = 1 \
             GROUP BY tables.tbl_name",
        ),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => (
            "relname, pg_total_relation_size(oid)",
            "pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace",
        ),
    };
    let sizes = lines(connection, words, row, from)?;
    Ok(sizes.iter().map(|row| (text(row, 0), unsigned(row, 1))).collect())
}

/// Bytes altogether: of the file, or of everything in the schema.
fn whole(connection: &mut Db, words: Dialect) -> Result<u64, Stop> {
    let (row, from) = match words {
        Dialect::Sqlite => ("page_count * page_size", "pragma_page_count, pragma_page_size"),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => (
            "coalesce(sum(pg_total_relation_size(oid)), 0)::bigint",
            "pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace",
        ),
    };
    let bytes = lines(connection, words, row, from)?;
    Ok(bytes.first().map_or(0, |row| unsigned(row, 0)))
}

/// The newest layout the database went through.
fn layout(connection: &mut Db) -> Result<Option<String>, Stop> {
    let newest = "SELECT version AS line FROM __diesel_schema_migrations ORDER BY version DESC LIMIT 1";
    let newest: Option<Line> = diesel::sql_query(newest).get_result(connection).optional()?;
    Ok(newest.map(|Line { line }| line))
}

fn schemas(connection: &mut Db, words: Dialect) -> Result<Vec<SchemaRows>, Stop> {
    let row = "schema_hash, count(*), min(seq), max(seq)";
    let from = "session_features GROUP BY schema_hash ORDER BY min(seq)";
    let current = FeatureSchema::current().hash;
    let read = |row: &Vec<Value>| {
        let hash = integer(row, 0).unwrap_or(0).cast_unsigned();
        SchemaRows {
            schema_hash: format!("{hash:016x}"),
            current: hash == current,
            rows: unsigned(row, 1),
            first: Seq(integer(row, 2).unwrap_or(0)),
            last: Seq(integer(row, 3).unwrap_or(0)),
        }
    };
    Ok(lines(connection, words, row, from)?.iter().map(read).collect())
}

fn models(connection: &mut Db, words: Dialect) -> Result<Vec<ModelInventory>, Stop> {
    let row = "m.component, newest.models, m.model_id, m.created, m.watermark, m.schema_hash, length(m.snapshot)";
    let from = "models AS m JOIN (SELECT max(seq) AS seq, count(*) AS models FROM models GROUP BY component) AS newest \
                ON newest.seq = m.seq ORDER BY m.component";
    let read = |row: &Vec<Value>| ModelInventory {
        component: text(row, 0),
        models: unsigned(row, 1),
        model_id: text(row, 2),
        created: Timestamp(integer(row, 3).unwrap_or(0)),
        version: DataVersion {
            watermark: Seq(integer(row, 4).unwrap_or(0)),
            schema_hash: integer(row, 5).unwrap_or(0).cast_unsigned(),
        },
        snapshot_bytes: unsigned(row, 6),
    };
    Ok(lines(connection, words, row, from)?.iter().map(read).collect())
}
