//! What was learnt.

use serde::{Deserialize, Serialize};
use souffleur_algorithms::causal_discovery::{CausalGraph, Cpdag};

use super::report::EdgeReport;

/// The causal graph, and what is known of each edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The graph, its variables by number.
    pub(super) graph: Cpdag,
    /// The variables' names, by number.
    pub(super) names: Vec<String>,
    /// The edges as they were reported.
    pub(super) edges: Vec<EdgeReport>,
    /// The graph for other tools.
    pub(super) named: CausalGraph,
    /// Sessions it was learnt from.
    pub(super) sessions: usize,
}

impl Model {
    /// The number of a variable.
    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The edge between two variables.
    pub(super) fn edge(&self, a: &str, b: &str) -> Option<&EdgeReport> {
        self.edges.iter().find(|edge| (edge.from == a && edge.to == b) || (edge.from == b && edge.to == a))
    }
}
