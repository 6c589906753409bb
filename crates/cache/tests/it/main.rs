//! The cache as its callers see it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test ends where something fails")]

mod keeping;
mod loading;
#[cfg(feature = "redis")]
mod redis;
mod support;
