//! Souffleur: hosts supervised machine-learning components around one training-data hub.
//!
//! [`Runtime::builder`] starts one inside your own application.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

#[cfg(panic = "abort")]
compile_error!("souffleur survives panics of its components by catching them: build it with `panic = \"unwind\"`");

pub mod app;
pub mod certify;
pub mod cli;
mod client;
pub mod clock;
pub mod http;
mod offload;
pub mod runtime;
pub mod settings;
pub mod telemetry;

pub use runtime::{Runtime, RuntimeBuilder, RuntimeError};
pub use settings::Settings;
