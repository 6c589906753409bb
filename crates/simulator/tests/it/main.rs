//! What is planted must be there, and must be found by brute force.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod planted;
mod prose_features;
mod shape;
