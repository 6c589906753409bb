//! What there is in a store, and rows as they are found, for whoever checks them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Delta;
use crate::ids::{DataVersion, Seq};
use crate::time::Timestamp;

/// What there is. Linear in what is stored: every table is read once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inventory {
    /// What it is kept in: `sqlite`, `postgresql`, `memory`.
    pub database: String,
    /// The newest layout it has been brought to; `None` where there is none.
    pub layout: Option<String>,
    /// The newest row's place in the global order.
    pub watermark: Seq,
    /// Bytes it takes altogether, indices and free pages included; `None` where that is not known.
    pub size_bytes: Option<u64>,
    /// The tables, in order of their names.
    pub tables: Vec<TableInventory>,
    /// Under which feature schemas sessions were encoded, in order of their first row.
    pub schemas: Vec<SchemaRows>,
    /// The newest model of every component that has one, in order of names.
    pub models: Vec<ModelInventory>,
}

impl Inventory {
    /// A table by name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&TableInventory> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// What there is in one table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TableInventory {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Bytes it takes, its indices included; `None` where that is not known.
    pub size_bytes: Option<u64>,
    /// When its first row happened, by event time; for runs when they started, for models when they were made.
    pub first_event: Option<Timestamp>,
    /// When its last row happened.
    pub last_event: Option<Timestamp>,
    /// Its newest row's place in the global order.
    pub newest: Option<Seq>,
    /// When the hub learnt its newest row.
    pub last_known: Option<Timestamp>,
    /// How far the fields that may be unknown are known.
    pub coverage: Vec<FieldCoverage>,
}

/// How far a field is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldCoverage {
    /// The column.
    pub column: String,
    /// Rows in which it is known.
    pub known: u64,
    /// Their share of all rows, in [0, 1]; 0 for an empty table.
    pub share: f64,
}

impl FieldCoverage {
    /// A column that is known in `known` of `rows` rows.
    #[must_use]
    pub fn new(column: impl Into<String>, known: u64, rows: u64) -> Self {
        let share = if rows == 0 { 0.0 } else { known as f64 / rows as f64 };
        Self { column: column.into(), known, share }
    }
}

/// Sessions encoded under one feature schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SchemaRows {
    /// The schema's hash, in hexadecimal.
    pub schema_hash: String,
    /// Whether it is the one this program computes.
    pub current: bool,
    /// Sessions, real and made up.
    pub rows: u64,
    /// The first one's place in the global order.
    pub first: Seq,
    /// The last one's.
    pub last: Seq,
}

/// The newest model of a component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelInventory {
    /// Whose.
    pub component: String,
    /// Models it has altogether.
    pub models: u64,
    /// The newest one's name.
    pub model_id: String,
    /// When it was made.
    pub created: Timestamp,
    /// The data it was trained on.
    pub version: DataVersion,
    /// Bytes of its snapshot.
    pub snapshot_bytes: u64,
}

/// One stretch of the global order as it is found: rows no batch can use are told of, not refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Survey {
    /// The rows a batch can use.
    pub delta: Delta,
    /// Sessions whose features are not those this program computes.
    pub foreign: Vec<ForeignRow>,
}

/// A session whose features this program cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignRow {
    /// Its place in the global order.
    pub seq: i64,
    /// Hash of the schema its features were computed under.
    pub schema_hash: u64,
    /// Bytes of its features.
    pub feature_bytes: usize,
}
