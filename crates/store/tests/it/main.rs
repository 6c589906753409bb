//! The store under test: its contract, and what SQLite adds to it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod records;
mod suite;
