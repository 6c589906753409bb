//! Who consumes what whom produces: the graph of components, its order, and three ways to show it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::exit::{Failure, Outcome};

/// A component in the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    name: String,
    tier: String,
    /// Indices of those it consumes from.
    consumes: Vec<usize>,
}

/// The graph of components, in catalogue order.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
}

impl Graph {
    /// Reads the graph out of the components' documents.
    pub(crate) fn new(components: &[Value]) -> Self {
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let names: Vec<String> = components.iter().map(|component| text(component, "name")).collect();
        let index = |name: &Value| names.iter().position(|known| Some(known.as_str()) == name.as_str());
        let nodes = components.iter().zip(&names).map(|(component, name)| {
            let consumes = component["consumes"].as_array().into_iter().flatten().filter_map(index).collect();
            Node { name: name.clone(), tier: text(component, "tier"), consumes }
        });
        Self { nodes: nodes.collect() }
    }

    /// The names in training order: whoever is consumed comes first, ties in catalogue order.
    ///
    /// # Errors
    /// If components consume from each other in a circle.
    pub(crate) fn order(&self) -> Outcome<Vec<&str>> {
        let mut placed = BTreeSet::new();
        let mut order = Vec::with_capacity(self.nodes.len());
        while order.len() < self.nodes.len() {
            let ready =
                |(i, node): &(usize, &Node)| !placed.contains(i) && node.consumes.iter().all(|c| placed.contains(c));
            let Some((next, node)) = self.nodes.iter().enumerate().find(ready) else {
                return Err(Failure::failed("the components consume from each other in a circle"));
            };
            placed.insert(next);
            order.push(node.name.as_str());
        }
        Ok(order)
    }

    /// For graphviz: an edge from producer to consumer.
    pub(crate) fn dot(&self) -> String {
        let mut out = String::from("digraph components {\n  rankdir=LR;\n  node [shape=box];\n");
        for node in &self.nodes {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "  {:?} [group={:?}];", node.name, node.tier);
        }
        for (producer, consumer) in self.edges() {
            let _ = writeln!(out, "  {producer:?} -> {consumer:?};");
        }
        out.push_str("}\n");
        out
    }

    /// As one object: nodes, edges, order.
    ///
    /// # Errors
    /// As [`order`](Self::order).
    pub(crate) fn json(&self) -> Outcome<Value> {
        let nodes: Vec<Value> = self.nodes.iter().map(|n| json!({ "name": n.name, "tier": n.tier })).collect();
        let edges: Vec<Value> = self.edges().map(|(from, to)| json!({ "from": from, "to": to })).collect();
        Ok(json!({ "nodes": nodes, "edges": edges, "order": self.order()? }))
    }

    /// Drawn with lines: every component below each one it consumes from.
    pub(crate) fn tree(&self) -> String {
        let mut out = String::new();
        let mut drawn = BTreeSet::new();
        for (root, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.consumes.is_empty()) {
            let _ = writeln!(out, "{} ({})", node.name, node.tier);
            self.branches(root, "", &mut drawn, &mut out);
        }
        out
    }

    fn branches(&self, parent: usize, indent: &str, drawn: &mut BTreeSet<usize>, out: &mut String) {
        let children: Vec<usize> =
            self.nodes.iter().enumerate().filter(|(_, n)| n.consumes.contains(&parent)).map(|(i, _)| i).collect();
        for (k, &child) in children.iter().enumerate() {
            let Some(node) = self.nodes.get(child) else { continue };
            let last = k + 1 == children.len();
            let (fork, rail) = if last { ("└── ", "    ") } else { ("├── ", "│   ") };
            // Drawn below its first producer only; a circle ends here too.
            let first = drawn.insert(child);
            let again = if first || !self.nodes.iter().any(|n| n.consumes.contains(&child)) { "" } else { " ..." };
            let _ = writeln!(out, "{indent}{fork}{} ({}){again}", node.name, node.tier);
            if first {
                self.branches(child, &format!("{indent}{rail}"), drawn, out);
            }
        }
    }

    fn edges(&self) -> impl Iterator<Item = (&str, &str)> {
        self.nodes.iter().flat_map(move |consumer| {
            let producers = consumer.consumes.iter().filter_map(|&producer| self.nodes.get(producer));
            producers.map(|producer| (producer.name.as_str(), consumer.name.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        let documents: Vec<Value> = edges
            .iter()
            .map(|(name, consumes)| json!({ "name": name, "tier": "core", "consumes": consumes }))
            .collect();
        Graph::new(&documents)
    }

    #[test]
    fn producers_come_first() {
        let graph = graph(&[("c", &["a", "b"]), ("b", &["a"]), ("a", &[]), ("d", &[])]);
        assert_eq!(graph.order().unwrap(), ["a", "b", "c", "d"]);
        assert!(graph.dot().contains("\"a\" -> \"b\";"));
    }

    #[test]
    fn a_circle_is_an_error_and_does_not_hang_the_drawing() {
        let graph = graph(&[("a", &["b"]), ("b", &["a"]), ("root", &[])]);
        assert!(graph.order().is_err());
        assert_eq!(graph.tree(), "root (core)\n");
    }

    #[test]
    fn a_shared_consumer_is_drawn_in_full_once() {
        let graph = graph(&[("a", &[]), ("b", &[]), ("c", &["a", "b"]), ("d", &["c"])]);
        let expected = "\
a (core)
└── c (core)
    └── d (core)
b (core)
└── c (core) ...
";
        assert_eq!(graph.tree(), expected);
    }
}
