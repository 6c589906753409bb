//! Reads prompt histories: JSON lines, gzip-compressed or not, and CSV, in our own shape or through a [`Mapping`].
//!
//! An [`Importer`] streams: one thread decompresses and splits, others parse, validate and featurise, the caller's
//! thread hands finished batches to a sink in file order. What is in flight is bounded, so memory does not grow with
//! the file. A bad line is reported with file, line and what would be right, and costs nothing else.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod csv;
mod error;
mod featurise;
mod importer;
mod mapping;
mod node;
mod pipeline;
mod record;
mod source;
mod split;

pub use error::{ImportError, LineError, MappingError};
pub use importer::{ImportProgress, ImportSettings, ImportSummary, Importer, OnError};
pub use mapping::Mapping;
pub use source::{Format, Source};
pub use split::RECORD_BYTES;
