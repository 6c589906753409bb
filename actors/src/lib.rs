//! The supervised actors: supervisor, loader, health monitor and one generic component actor.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod loader;
