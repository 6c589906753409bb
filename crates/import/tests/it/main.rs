//! Imports from end to end, without a store.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod files;
mod fuzz;
mod mappings;
mod recorded;
mod spans;
mod support;
