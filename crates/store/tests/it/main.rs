//! The store under test: its contract (`suite`), and what SQLite adds to it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod backup;
mod crash;
mod faults;
mod files;
mod layouts;
#[cfg(feature = "postgres")]
mod postgres;
mod records;
mod remains;
mod round_trip;
mod sqlite;
mod suite;
mod tampering;
