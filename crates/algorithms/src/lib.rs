//! Numerical algorithms on ndarray in the style of linfa, usable without the runtime.
//!
//! An algorithm turns arrays into a model. It reads no clock, opens no file and draws its randomness from a seed
//! that the caller gives, so the same input and seed give the same bytes whatever the number of threads.
//!
//! Each estimator follows one pattern: an unchecked builder of hyperparameters, a check through [`linfa::ParamGuard`],
//! `fit` on the checked ones, and a serialisable model. The doc comment of each estimator is its manual.
//! Long computations take a [`Watch`], through which the caller sees progress and can interrupt.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod autoencoder;
pub mod calibration;
pub mod causal_discovery;
pub mod causal_effects;
mod cholesky;
pub mod clustering_quality;
pub mod clustering_search;
pub mod conformal;
mod exponential;
pub mod fisher_exact;
pub mod gaussian_mixture;
pub mod gbdt;
pub mod hdbscan;
pub mod input;
pub mod intrinsic_dimension;
pub mod isolation_forest;
pub mod itemsets;
pub mod k_means;
mod lanes;
pub mod logistic;
pub mod metrics;
pub mod multiple_testing;
mod neighbor_graph;
pub mod neighbors;
pub mod patterns;
pub mod pca;
#[cfg(test)]
mod planted_clusters;
mod products;
pub mod reduction_quality;
pub mod ridge;
mod row_strips;
pub mod sequences;
mod space_tree;
pub mod stratified_tables;
pub mod subgraphs;
pub mod successive_halving;
mod symmetric_eigen;
pub mod two_samples;
pub mod umap;
pub mod watch;

pub use input::{BadLabels, NotFinite, Real};
pub use linfa::ParamGuard;
pub use watch::{Interrupted, Watch};
