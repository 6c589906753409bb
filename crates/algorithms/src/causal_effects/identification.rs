//! Which variables to adjust for.

use std::collections::BTreeSet;

use petgraph::graph::{DiGraph, NodeIndex};

use super::separation::{Marked, minimal_separator};

/// Which of the valid sets is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AdjustmentSet {
    /// What directly leads to the treatment (Pearl 2009, section 3.3.1).
    #[default]
    Parents,
    /// One of which no part could be left out, near the outcome where there is a choice: the variables it holds explain more
    /// of the outcome, so estimates tend to be less noisy.
    Minimal,
}

/// Why no set of variables makes the effect known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotIdentified {
    /// The graph has no such node, or treatment and outcome are one.
    #[error("treatment and outcome must be two different nodes of the graph")]
    Nodes,
    /// Whether this variable leads to the treatment or follows from it is not known.
    #[error("the edge between the treatment and node {} has no direction: it may be a cause or an effect", .0.index())]
    Undirected(NodeIndex),
    /// The outcome comes before the treatment.
    #[error("the outcome leads to the treatment: there is no effect to be known")]
    Reversed,
    /// The directed edges run in a circle, or undirected ones cannot be directed without a new collider.
    #[error("the graph stands for no acyclic graph: its edges run in a circle")]
    Cyclic,
    /// A cause of the treatment was not observed.
    #[error("node {} leads to the treatment and was not observed", .0.index())]
    Unobserved(NodeIndex),
    /// No observed variables close all back doors.
    #[error("no set of observed variables closes every back door between treatment and outcome")]
    NoSet,
}

/// The variables to adjust for, so that the effect of `treatment` on `outcome` is known (back-door criterion, Pearl 1995); in
/// the order of their numbers.
///
/// `graph` is acyclic, or stands for all acyclic graphs that the data cannot tell apart (a CPDAG): an undirected edge is then
/// two directed ones, there and back. The set is valid in each of these graphs. `observed` says which nodes may be in it.
///
/// `O(nodes (nodes + edges))`.
///
/// # Errors
/// There is no such set, or which it is depends on what the graph leaves open: the reason.
///
/// ```
/// use petgraph::graph::DiGraph;
/// use souffleur_algorithms::causal_effects::{AdjustmentSet, back_door};
///
/// let mut graph = DiGraph::<&str, ()>::new();
/// let [context, score, rule, quality] = ["context", "score", "rule", "quality"].map(|name| graph.add_node(name));
/// graph.extend_with_edges([(context, score), (score, rule), (context, quality), (rule, quality)]);
/// let found = |set| back_door(&graph, rule, quality, set, |_| true);
/// assert_eq!(found(AdjustmentSet::Parents)?, [score]);
/// assert_eq!(found(AdjustmentSet::Minimal)?, [context]);
/// # Ok::<(), souffleur_algorithms::causal_effects::NotIdentified>(())
/// ```
pub fn back_door<N, E>(
    graph: &DiGraph<N, E>,
    treatment: NodeIndex,
    outcome: NodeIndex,
    set: AdjustmentSet,
    observed: impl Fn(NodeIndex) -> bool,
) -> Result<Vec<NodeIndex>, NotIdentified> {
    let nodes = graph.node_count();
    if treatment == outcome || treatment.index() >= nodes || outcome.index() >= nodes {
        return Err(NotIdentified::Nodes);
    }
    let marked = Marked::of(graph);
    let (t, y) = (treatment.index(), outcome.index());
    if let Some(other) = marked.undirected(t).next() {
        return Err(NotIdentified::Undirected(NodeIndex::new(other)));
    }
    let directed = marked.extension().ok_or(NotIdentified::Cyclic)?;
    if marked.possible_descendants(y).contains(&t) && directed.ancestors(&[t]).contains(&y) {
        return Err(NotIdentified::Reversed);
    }
    let parents: BTreeSet<usize> = directed.parents(t).iter().copied().collect();
    let named = |found: BTreeSet<usize>| found.into_iter().map(NodeIndex::new).collect();
    match set {
        AdjustmentSet::Parents => match parents.iter().find(|node| !observed(NodeIndex::new(**node))) {
            Some(node) => Err(NotIdentified::Unobserved(NodeIndex::new(*node))),
            None => Ok(named(parents)),
        },
        AdjustmentSet::Minimal => {
            // What may follow from the treatment in one of the graphs is out, so that the set is valid in all: without the
            // edges that leave the treatment they have the same colliders, and so the same separations.
            let after = marked.possible_descendants(t);
            let allowed =
                |node: usize| node != t && node != y && !after.contains(&node) && observed(NodeIndex::new(node));
            minimal_separator(&directed.without_edges_from(t), t, y, allowed).map(named).ok_or(NotIdentified::NoSet)
        }
    }
}

#[cfg(test)]
#[path = "identification_tests.rs"]
mod tests;
