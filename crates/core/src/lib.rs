//! Records, features, batches, the component contract and the ports of the runtime.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod text;
