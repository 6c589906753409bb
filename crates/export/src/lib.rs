//! Writes the sessions of the hub to a file other programs read: Parquet, Arrow IPC, CSV or JSON lines.
//!
//! An [`Export`] is of one moment: the sessions up to a watermark, with the rules and the feedback recorded by then, in
//! recorded order. The same watermark gives the same bytes. One thread reads the store page by page while another writes, so
//! memory does not grow with the history. A file appears under its name only when it is complete and on the disk, and
//! carries a checksum by which an import finds whatever happened to it since.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something fails"))]

mod error;
mod export;
mod format;
mod pages;
mod place;
mod text;

pub use error::ExportError;
pub use export::{Export, ExportProgress, Written};
pub use format::{ExportFormat, Shape};
pub use pages::StorePages;
