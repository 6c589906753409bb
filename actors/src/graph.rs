//! The graph of components: who consumes from whom, as JSON and as DOT.

use petgraph::dot::{Config, Dot};
use petgraph::graph::DiGraph;
use petgraph::visit::EdgeRef;
use schemars::JsonSchema;
use serde::Serialize;
use souffleur_core::catalogue::{Entry, training_order};
use souffleur_core::component::Tier;
use souffleur_core::error::Invalid;

use crate::supervisor::producers;

/// A component in the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GraphNode {
    /// Its name.
    pub name: String,
    /// The group it belongs to.
    pub tier: Tier,
    /// Its place in the training order, from 0.
    pub order: usize,
}

/// What one component produces, another consumes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GraphEdge {
    /// Who produces.
    pub producer: String,
    /// Who consumes.
    pub consumer: String,
}

/// The whole graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ComponentGraph {
    /// The components, in training order.
    pub nodes: Vec<GraphNode>,
    /// Who feeds whom, by the consumers' training order.
    pub edges: Vec<GraphEdge>,
}

impl ComponentGraph {
    /// The graph of a catalogue.
    ///
    /// # Errors
    /// As [`training_order`]: a name twice, a missing producer, a circle, an outcome as an input.
    pub fn of(entries: &[Entry]) -> Result<Self, Invalid> {
        let order = training_order(entries)?;
        let graph = graph(entries, &order);
        let nodes = graph.node_indices().map(|i| graph[i].clone()).collect();
        let edge = |edge: petgraph::graph::EdgeReference<'_, ()>| GraphEdge {
            producer: graph[edge.source()].name.clone(),
            consumer: graph[edge.target()].name.clone(),
        };
        let edges = graph.edge_references().map(edge).collect();
        Ok(Self { nodes, edges })
    }

    /// The graph in the DOT language of Graphviz, producers pointing at their consumers.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn dot(entries: &[Entry]) -> Result<String, Invalid> {
        let order = training_order(entries)?;
        let graph = graph(entries, &order);
        let label = |_: &DiGraph<GraphNode, ()>, (_, node): (_, &GraphNode)| format!("label = {:?}", node.name);
        let no_label = |_: &DiGraph<GraphNode, ()>, _: petgraph::graph::EdgeReference<'_, ()>| String::new();
        let config = [Config::EdgeNoLabel, Config::NodeNoLabel];
        Ok(format!("{:?}", Dot::with_attr_getters(&graph, &config, &no_label, &label)))
    }
}

/// Nodes in training order; `order` has been checked to be one.
fn graph(entries: &[Entry], order: &[usize]) -> DiGraph<GraphNode, ()> {
    let producers = producers(entries);
    let mut graph = DiGraph::new();
    let mut node_of = vec![None; entries.len()];
    for (place, &i) in order.iter().enumerate() {
        let name = entries[i].name.to_string();
        node_of[i] = Some(graph.add_node(GraphNode { name, tier: entries[i].spec().tier, order: place }));
    }
    for &i in order {
        for &producer in &producers[i] {
            if let (Some(producer), Some(consumer)) = (node_of[producer], node_of[i]) {
                graph.add_edge(producer, consumer, ());
            }
        }
    }
    graph
}
