//! Souffleur: hosts supervised machine-learning components around one training-data hub.
//!
//! [`Runtime::builder`] starts one inside your own application, on threads of its own: it installs no signal handler, no
//! panic hook and no log, and works under any async runtime.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use souffleur::Runtime;
//! use souffleur::records::Session;
//!
//! let runtime = Runtime::builder().data_dir("data").start().await?;
//! let session = Session { original_prompt: "Write a test.".into(), quality_score: Some(0.2), ..Session::default() };
//! runtime.ingest(vec![session]).await?;
//! let health = runtime.health();
//! let answer = runtime.query("failure_analyzer", serde_json::json!({ "prompt": "Make it better." })).await;
//! runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! [`http::Api`] mounts the service in an actix-web application; [`http::serve`] is the daemon's own server. What is
//! recorded is in [`records`], what can be asked of the data in [`query`], what a component is in [`component`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

#[cfg(panic = "abort")]
compile_error!("souffleur survives panics of its components by catching them: build it with `panic = \"unwind\"`");

pub mod app;
pub mod certify;
pub mod cli;
mod client;
pub mod clock;
pub mod erasure;
pub mod http;
mod offload;
pub mod registry;
pub mod retention;
pub mod runtime;
pub mod settings;
pub mod telemetry;

pub use runtime::{Runtime, RuntimeBuilder, RuntimeError};
pub use settings::Settings;
pub use souffleur_core::{batch, catalogue, component, query, records};
