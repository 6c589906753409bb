//! The hub's records as Apache Arrow columns, in Parquet files, Arrow IPC files and Arrow IPC streams.
//!
//! [`TableWriter`] and [`TableReader`] carry sessions with all their parts; [`BatchStream`] writes the batches a component is
//! trained on. A file of ours is [sealed](seal): one checksum over all its bytes stands inside it, so that a flipped bit
//! or a missing end is found before the first row is read. Files of other programs have no seal and are read all the same.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something fails"))]

mod batch;
mod cells;
mod decode;
mod encode;
mod error;
mod format;
mod frames;
mod read;
mod schema;
pub mod seal;
mod write;

pub use batch::BatchStream;
pub use decode::{Decoded, SessionRows};
pub use error::ColumnarError;
pub use format::ColumnarFormat;
pub use read::TableReader;
pub use schema::session_schema;
pub use write::TableWriter;

#[cfg(test)]
mod tests;
