//! What was learnt.

use serde::{Deserialize, Serialize};
use souffleur_algorithms::causal_discovery::{CausalGraph, Cpdag, Mark, MarkedGraph, Pag};

use super::report::EdgeReport;

/// The graph that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Graph {
    /// Nothing hidden acts on two variables.
    Complete(Cpdag),
    /// Something hidden may.
    Partial(Pag),
}

impl MarkedGraph for Graph {
    fn variables(&self) -> usize {
        match self {
            Self::Complete(graph) => graph.variables(),
            Self::Partial(graph) => graph.variables(),
        }
    }

    fn marks(&self, a: usize, b: usize) -> Option<(Mark, Mark)> {
        match self {
            Self::Complete(graph) => graph.marks(a, b),
            Self::Partial(graph) => graph.marks(a, b),
        }
    }
}

impl Graph {
    /// What may act on a variable, and what else the edge may stand for: an edge without a known direction, or one that something hidden
    /// may be behind.
    pub(super) fn possible_causes(&self, of: usize) -> Vec<usize> {
        self.joined(of, |at_other, at_of| at_other != Mark::Arrow && at_of != Mark::Tail || at_other == at_of && at_of == Mark::Tail)
    }

    /// What a variable may act on although that is not known, and which does not act on it.
    pub(super) fn possible_effects(&self, of: usize) -> Vec<usize> {
        self.joined(of, |at_other, at_of| at_other == Mark::Arrow && at_of == Mark::Circle)
    }

    /// What shares a hidden cause with a variable, neither acting on the other.
    pub(super) fn sharing(&self, of: usize) -> Vec<usize> {
        self.joined_by(of, (Mark::Arrow, Mark::Arrow))
    }

    /// The variables joined to one by an edge whose marks, at them and at it, are such, and that do not act on it for certain.
    fn joined(&self, of: usize, such: impl Fn(Mark, Mark) -> bool) -> Vec<usize> {
        let is = |other: &usize| {
            let marks = self.marks(*other, of);
            marks != Some((Mark::Tail, Mark::Arrow)) && marks.is_some_and(|(at_other, at_of)| such(at_other, at_of))
        };
        (0..self.variables()).filter(is).collect()
    }
}

/// The causal graph, and what is known of each edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The graph, its variables by number.
    pub(super) graph: Graph,
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
