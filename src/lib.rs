//! Souffleur: hosts supervised machine-learning components around one training-data hub.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

#[cfg(panic = "abort")]
compile_error!("souffleur survives panics of its components by catching them: build it with `panic = \"unwind\"`");

pub mod clock;
pub mod settings;
