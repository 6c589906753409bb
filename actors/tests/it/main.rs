//! The kernel as a whole: real actors, real threads, components that misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod components;
mod faults;
mod loop_end_to_end;
mod world;
