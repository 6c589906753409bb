//! Exports, read again by an import.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something fails")]

mod damage;
mod files;
mod round_trip;
mod support;
