//! HDBSCAN*: clusters are the places that stay dense; what lies between is noise.

mod algorithm;
mod condensed;
mod core_distance;
mod distinct;
mod errors;
mod hyperparams;
mod labelling;
mod linkage;
mod metric;
mod reachability;
mod selection;
mod spanning_tree;

pub use algorithm::{Clustering, Hdbscan, Membership};
pub use condensed::{Child, CondensedTree, Departure};
pub use errors::{HdbscanError, HdbscanParamsError};
pub use hyperparams::{ClusterSelection, HdbscanParams, HdbscanValidParams};
pub use linkage::Edge;
pub use metric::Metric;
pub use reachability::Reachability;

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
