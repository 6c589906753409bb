//! The graph for other tools: as a petgraph, in Graphviz' DOT, and as a value that serialises.

use std::fmt::Write;

use petgraph::graph::{DiGraph, NodeIndex};
use serde::{Deserialize, Serialize};

use super::bootstrap::{EdgeConfidence, PairConfidence};
use super::marks::{EdgeKind, Mark, MarkedEdge, MarkedGraph};

/// An edge between named variables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CausalEdge {
    /// `a` of the [`EdgeKind`]: the cause, if that is known.
    pub from: String,
    /// `b` of the [`EdgeKind`]: the effect.
    pub to: String,
    /// What the edge says.
    pub kind: EdgeKind,
    /// In which share of the resamples it was found, if that was measured: forward is from `from` to `to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<PairConfidence>,
}

/// A [`Cpdag`](super::Cpdag) or a [`Pag`](super::Pag) with names, and with how sure each edge is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CausalGraph {
    /// The variables, those without edges included.
    pub variables: Vec<String>,
    /// The edges, by ascending pair of variables.
    pub edges: Vec<CausalEdge>,
}

impl CausalGraph {
    /// Names the variables of a graph. One without a name is called by its number.
    #[must_use]
    pub fn new(graph: &impl MarkedGraph, names: &[String], confidence: Option<&EdgeConfidence>) -> Self {
        let name = |v: usize| names.get(v).cloned().unwrap_or_else(|| v.to_string());
        let edge = |edge: MarkedEdge| CausalEdge {
            from: name(edge.from),
            to: name(edge.to),
            kind: edge.kind,
            confidence: confidence.map(|confidence| confidence.of(edge.from, edge.to)),
        };
        Self {
            variables: (0..graph.variables()).map(name).collect(),
            edges: graph.marked_edges().into_iter().map(edge).collect(),
        }
    }

    /// One node for each variable, in order, and one edge for each edge: one without direction stands once and says so.
    #[must_use]
    pub fn to_petgraph(&self) -> DiGraph<String, CausalEdge> {
        let mut graph = DiGraph::with_capacity(self.variables.len(), self.edges.len());
        let nodes: Vec<NodeIndex> = self.variables.iter().map(|name| graph.add_node(name.clone())).collect();
        let node = |name: &String| self.variables.iter().position(|v| v == name).map(|at| nodes[at]);
        for edge in &self.edges {
            if let (Some(from), Some(to)) = (node(&edge.from), node(&edge.to)) {
                graph.add_edge(from, to, edge.clone());
            }
        }
        graph
    }

    /// The graph for Graphviz. Each end of an edge is drawn as its mark: an arrowhead, a circle, or nothing for a tail. The share of resamples
    /// that have an edge is its label, and sets its width.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut dot = String::from("digraph causes {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
        let quoted = |name: &str| name.replace('\\', "\\\\").replace('"', "\\\"");
        for name in &self.variables {
            let _ = writeln!(dot, "  \"{}\";", quoted(name));
        }
        for edge in &self.edges {
            let mut traits = Vec::new();
            match edge.kind.marks() {
                (Mark::Tail, Mark::Arrow) => {}
                (Mark::Tail, Mark::Tail) => traits.push("dir=none".to_owned()),
                (at_from, at_to) => {
                    traits.push(format!("dir=both, arrowtail={}, arrowhead={}", shape(at_from), shape(at_to)));
                }
            }
            if let Some(confidence) = edge.confidence {
                let share = confidence.adjacent();
                traits.push(format!("label=\"{share:.2}\", penwidth={:.1}", 0.5 + 2.5 * share));
            }
            let traits = if traits.is_empty() { String::new() } else { format!(" [{}]", traits.join(", ")) };
            let _ = writeln!(dot, "  \"{}\" -> \"{}\"{traits};", quoted(&edge.from), quoted(&edge.to));
        }
        dot.push_str("}\n");
        dot
    }
}

/// Graphviz' name of a mark.
fn shape(mark: Mark) -> &'static str {
    match mark {
        Mark::Tail => "none",
        Mark::Arrow => "normal",
        Mark::Circle => "odot",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal_discovery::{Cpdag, Edge, Pag};

    #[test]
    fn names_directions_and_confidence_are_kept() {
        let edges = [Edge { from: 1, to: 0, directed: true }, Edge { from: 0, to: 2, directed: false }];
        let names = ["out\"come".to_owned(), "rule".to_owned()];
        let graph = CausalGraph::new(&Cpdag::from_edges(3, &edges), &names, None);
        let dot = graph.to_dot();
        assert!(
            dot.contains(r#""rule" -> "out\"come";"#) && dot.contains(r#""out\"come" -> "2" [dir=none];"#),
            "{dot}"
        );
        let petgraph = graph.to_petgraph();
        assert_eq!((petgraph.node_count(), petgraph.edge_count()), (3, 2));
        let (rule, outcome) = (NodeIndex::new(1), NodeIndex::new(0));
        assert!(petgraph.find_edge(rule, outcome).is_some_and(|e| petgraph[e].kind == EdgeKind::Directed));
        assert!(petgraph.find_edge(outcome, rule).is_none());
    }

    #[test]
    fn every_kind_of_edge_is_drawn() {
        use Mark::{Arrow, Circle, Tail};
        let edges =
            [((0, Arrow), (1, Arrow)), ((1, Arrow), (2, Circle)), ((0, Circle), (2, Circle)), ((2, Tail), (3, Circle))];
        let dot = CausalGraph::new(&Pag::from_edges(4, &edges), &[], None).to_dot();
        for line in [
            r#""0" -> "1" [dir=both, arrowtail=normal, arrowhead=normal];"#,
            r#""2" -> "1" [dir=both, arrowtail=odot, arrowhead=normal];"#,
            r#""0" -> "2" [dir=both, arrowtail=odot, arrowhead=odot];"#,
            r#""2" -> "3" [dir=both, arrowtail=none, arrowhead=odot];"#,
        ] {
            assert!(dot.contains(line), "{line} is not in {dot}");
        }
    }
}
