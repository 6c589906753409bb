//! Causal discovery: which variables may cause which, read off what is independent given what.
//!
//! [`Pc`] finds the graph, an [`IndependenceTest`] says what is independent, [`Knowledge`] what is known beforehand, and
//! [`bootstrap()`] how sure each edge is.

mod bootstrap;
mod colliders;
mod contingency;
mod correlation;
mod errors;
mod export;
mod fisher_z;
mod gaussian_blocks;
mod graph;
mod hyperparams;
mod independence;
mod knowledge;
mod measures;
mod meek;
mod pc;
mod random_features;
mod skeleton;
mod subsets;

pub use bootstrap::{EdgeConfidence, PairConfidence, Resample, bootstrap};
pub use contingency::{Categories, ContingencyTest, Statistic};
pub use errors::{CausalDiscoveryError, CausalDiscoveryParamsError};
pub use export::{CausalEdge, CausalGraph};
pub use fisher_z::{FisherZ, NumberRows};
pub use gaussian_blocks::{BlockRows, GaussianBlocks};
pub use graph::{Cpdag, Edge};
pub use hyperparams::{Conflicts, PcParams, PcValidParams};
pub use independence::{GoOn, IndependenceTest};
pub use knowledge::Knowledge;
pub use measures::{EdgeScores, edge_scores, skeleton_scores, structural_hamming_distance};
pub use pc::{Discovered, Pc};
pub use random_features::{RandomFeatureRows, RandomFeatures, RandomFeaturesParams};
