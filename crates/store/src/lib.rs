//! The SQL stores of the data hub: SQLite, and with the feature `postgres` PostgreSQL.
//!
//! One thread writes: it commits what waits in one transaction and then answers. A few connections read and do not wait
//! for it. Appending and scanning are close to the database (`sqlite`, `postgres`), every other question is written once,
//! in diesel, for both. The layout is described in `docs/storage.md`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod backup;
mod content;
mod database;
mod delta;
mod erasure;
mod errors;
mod inspect;
mod inventory;
mod layout;
mod lineage;
mod manifest;
mod migrations;
#[cfg(feature = "postgres")]
mod postgres;
mod queries;
mod reader;
mod registry;
mod rows;
mod schema;
mod sessions;
mod settings;
mod sqlite;
mod store;
mod table;
mod traces;
mod writer;

pub use inspect::{DamagedModel, Inspection};
pub use layout::Layouts;
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresStore};
pub use settings::{Durability, SigningKey, StoreSettings};
pub use sqlite::{Sqlite, SqliteStore};
pub use store::SqlStore;
