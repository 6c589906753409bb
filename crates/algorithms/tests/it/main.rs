//! Integration tests: the algorithms on published data sets, where these are at hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

mod calibrated_boosting;
mod causal_effects_published;
mod causal_reference;
mod clustering_search_reference;
mod hdbscan_reference;
mod isolation_forest_adbench;
mod npz;
mod patterns_reference;
mod reduction_reference;
mod snapshots;
mod tables;
