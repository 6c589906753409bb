//! Records, features, batches, the component contract and the ports of the runtime.
//!
//! This is the vocabulary every other crate speaks. It performs no I/O, reads no clock and draws no
//! randomness of its own: time, randomness and cancellation arrive in a [`job::Job`], storage behind
//! the [`store::Store`] port.
//!
//! A reader's path: [`records`] are what happened, [`features`] turn them into numbers,
//! [`query`] and [`batch`] are what a component is handed, [`component`] is the contract it keeps,
//! [`runner`] erases its types for the runtime, [`mod@catalogue`] lists all of them.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod batch;
pub mod catalogue;
pub mod clock;
pub mod component;
pub mod document;
pub mod error;
pub mod features;
pub mod ids;
pub mod job;
pub mod params;
pub mod query;
pub mod records;
pub mod runner;
pub mod store;
pub mod text;
pub mod time;
