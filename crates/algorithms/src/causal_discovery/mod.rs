//! Causal discovery: which variables may cause which, read off what is independent given what.
//!
//! [`Pc`] finds the graph, or [`Fci`] where something hidden may act on two variables; an [`IndependenceTest`] says what is
//! independent, [`Knowledge`] what is known beforehand, and [`bootstrap()`] how sure each edge is.

mod bootstrap;
mod colliders;
mod contingency;
mod correlation;
mod discovered;
mod discriminating;
mod errors;
mod export;
mod fci;
mod fci_rules;
mod fisher_z;
mod gaussian_blocks;
mod graph;
mod hyperparams;
mod independence;
mod knowledge;
mod marks;
mod measures;
mod meek;
#[cfg(test)]
mod oracle;
mod orientation;
mod pag;
mod pc;
mod possible_d_sep;
mod random_features;
mod skeleton;
mod subsets;
mod uncovered;

pub use bootstrap::{EdgeConfidence, PairConfidence, Resample, bootstrap};
pub use contingency::{Categories, ContingencyTest, Statistic};
pub use discovered::{Discovered, GraphSearch};
pub use errors::{CausalDiscoveryError, CausalDiscoveryParamsError};
pub use export::{CausalEdge, CausalGraph};
pub use fci::Fci;
pub use fisher_z::{FisherZ, NumberRows};
pub use gaussian_blocks::{BlockRows, GaussianBlocks};
pub use graph::{Cpdag, Edge};
pub use hyperparams::{Conflicts, FciParams, FciValidParams, PcParams, PcValidParams};
pub use independence::{GoOn, IndependenceTest};
pub use knowledge::Knowledge;
pub use marks::{EdgeKind, Mark, MarkedEdge, MarkedEnd, MarkedGraph};
pub use measures::{EdgeScores, edge_scores, skeleton_scores, structural_hamming_distance};
pub use pag::Pag;
pub use pc::Pc;
pub use random_features::{RandomFeatureRows, RandomFeatures, RandomFeaturesParams};
