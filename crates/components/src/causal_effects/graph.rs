//! The causal graph that the order of events declares, and what it says to adjust for.

use ndarray::ArrayView2;
use petgraph::graph::{DiGraph, NodeIndex};
use souffleur_algorithms::causal_effects::{AdjustmentSet, NotIdentified, back_door};
use souffleur_core::features::{COLUMNS, PROJECT_TYPE_START};

use super::report::CausalGraph;

/// A thing in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A feature column.
    Feature(usize),
    /// Another rule, by its place among those judged.
    OtherRule(usize),
    Rule,
    Outcome,
}

/// The feature columns that differ between rows: context and scores, both known before any rule.
pub(super) fn varying(features: ArrayView2<'_, f32>) -> Vec<usize> {
    let differs = |column: &usize| {
        let values = features.column(*column);
        values.iter().any(|value| *value != values[0])
    };
    if features.nrows() == 0 { Vec::new() } else { (0..features.ncols()).filter(differs).collect() }
}

/// What to adjust for when the effect of a rule is estimated: context leads to the scores before improvement, both lead to
/// the choice of rules, all of them to the outcome. Other rules count as chosen before this one; none if it is chosen instead
/// of them.
pub(super) fn adjusted_for(varying: &[usize], other_rules: &[usize]) -> Result<Vec<Node>, NotIdentified> {
    // Scores are the first five columns; what follows describes text and context.
    let scores = |column: &&usize| **column < SCORES;
    let context = varying.iter().filter(|column| !scores(column)).map(|column| Node::Feature(*column));
    let measured = varying.iter().filter(scores).map(|column| Node::Feature(*column));
    let others = other_rules.iter().map(|rule| Node::OtherRule(*rule));
    let layers: [Vec<Node>; 5] =
        [context.collect(), measured.collect(), others.collect(), vec![Node::Rule], vec![Node::Outcome]];
    let mut graph = DiGraph::<Node, ()>::new();
    let mut earlier: Vec<NodeIndex> = Vec::new();
    for layer in layers {
        let now: Vec<NodeIndex> = layer.into_iter().map(|node| graph.add_node(node)).collect();
        for (from, to) in earlier.iter().flat_map(|from| now.iter().map(move |to| (*from, *to))) {
            graph.add_edge(from, to, ());
        }
        earlier.extend(now);
    }
    let outcome = NodeIndex::new(graph.node_count() - 1);
    let rule = NodeIndex::new(graph.node_count() - 2);
    let found = back_door(&graph, rule, outcome, AdjustmentSet::Parents, |_| true)?;
    Ok(found.into_iter().map(|node| graph[node]).collect())
}

/// Columns of scores before improvement.
const SCORES: usize = 5;

/// The graph in words.
pub(super) fn described(varying: &[usize], rules: &[&str], side_by_side: bool) -> CausalGraph {
    let names = |keep: &dyn Fn(usize) -> bool| -> Vec<String> {
        varying.iter().filter(|column| keep(**column)).map(|column| COLUMNS[*column].name.to_owned()).collect()
    };
    let rules: Vec<String> = rules.iter().map(|&rule| rule.to_owned()).collect();
    let mut adjusted_for = names(&|_| true);
    if side_by_side {
        adjusted_for.push("the other rules".to_owned());
    }
    let constant = (0..COLUMNS.len()).filter(|column| !varying.contains(column));
    CausalGraph {
        layers: vec![
            names(&|column| column >= PROJECT_TYPE_START),
            names(&|column| (SCORES..PROJECT_TYPE_START).contains(&column)),
            names(&|column| column < SCORES),
            rules,
            vec!["outcome".to_owned()],
        ],
        constant: constant.map(|column| COLUMNS[column].name.to_owned()).collect(),
        adjusted_for,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_came_before_a_rule_is_adjusted_for_and_nothing_after_it() {
        let found = adjusted_for(&[1, 7, 30], &[2]).unwrap();
        let all = [Node::Feature(1), Node::Feature(7), Node::Feature(30), Node::OtherRule(2)];
        assert!(found.len() == 4 && all.iter().all(|node| found.contains(node)), "{found:?}");
        assert_eq!(adjusted_for(&[], &[]), Ok(Vec::new()));
        let words = described(&[1, 7, 30], &["be_brief"], true);
        assert_eq!(words.layers[0], ["team_size"]);
        assert_eq!(words.adjusted_for, ["clarity", "entity_density", "team_size", "the other rules"]);
        assert_eq!(words.constant.len(), 28);
    }
}
