//! The kernel as a whole: real actors, real threads, components that misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod chaos;
mod components;
mod faults;
mod loop_end_to_end;
mod repeated;
mod virtual_time;
mod world;
