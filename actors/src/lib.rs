//! The supervised actors: supervisor, loader, health monitor and one generic component actor.
//!
//! actix serves as mailbox, timer and address layer only. What it lacks is built here: actors that survive a
//! panic, admission with backpressure, bounded compute away from the mailboxes, supervision.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

#[cfg(panic = "abort")]
compile_error!("supervision catches panics: build with `panic = \"unwind\"`");

mod answer;
mod append;
pub mod batches;
mod component;
pub mod compute;
mod environment;
pub mod error;
pub mod events;
#[cfg(feature = "testing")]
pub mod faults;
mod feedback;
pub mod graph;
mod guard;
pub mod handle;
pub mod health;
pub mod kernel;
pub mod loader;
mod messages;
pub mod models;
mod neighbours;
pub mod outcome;
pub mod policy;
pub mod pool;
pub mod port;
mod repeated;
pub mod settings;
mod shutdown;
#[cfg(feature = "testing")]
pub mod simulation;
mod supervisor;

pub use error::{CallError, StartError};
pub use events::RuntimeEvent;
pub use graph::ComponentGraph;
pub use handle::Handle;
pub use kernel::start;
pub use models::Reproduction;
pub use outcome::{Frequent, RuntimeMetrics, ShutdownReport, TrainOutcome};
pub use repeated::AnswerCache;
pub use settings::KernelSettings;
