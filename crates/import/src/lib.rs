//! Reads prompt histories: JSON lines and CSV, gzip-compressed or not, in our own shape or through a [`Mapping`]; Parquet
//! and Arrow IPC in our own columns; spans of generative AI in OTLP/JSON.
//!
//! An [`Importer`] streams: one thread decompresses and splits, others parse, validate and featurise, the caller's
//! thread hands finished batches to a sink in file order. What is in flight is bounded, so memory does not grow with
//! the file. A bad line is reported with file, line and what would be right, and costs nothing else. A file that carries a
//! checksum, or has one beside it, is checked before anything of it is handed on.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod checksum;
mod csv;
mod error;
mod featurise;
mod importer;
mod mapping;
mod node;
mod otlp;
mod parts;
mod pipeline;
mod record;
mod source;
mod split;
mod table;

pub use error::{ImportError, LineError, MappingError};
pub use importer::{ImportProgress, ImportSettings, ImportSummary, Importer, OnError};
pub use mapping::Mapping;
pub use source::{Format, Source};
pub use split::RECORD_BYTES;
