use std::collections::BTreeSet;

use petgraph::graph::{DiGraph, NodeIndex};
use proptest::prelude::*;

use super::*;

fn graph(nodes: usize, edges: &[(u32, u32)]) -> DiGraph<(), ()> {
    let mut graph = DiGraph::new();
    (0..nodes).for_each(|_| {
        graph.add_node(());
    });
    graph.extend_with_edges(edges.iter().copied());
    graph
}

fn found(graph: &DiGraph<(), ()>, t: usize, y: usize, set: AdjustmentSet) -> Result<Vec<usize>, NotIdentified> {
    back_door(graph, NodeIndex::new(t), NodeIndex::new(y), set, |_| true)
        .map(|nodes| nodes.into_iter().map(NodeIndex::index).collect())
}

/// The graph of Pearl 2009, figure 3.4: X1 X2 X3 X4 X5 X6 Xi Xj are 0 to 7.
fn pearl() -> DiGraph<(), ()> {
    graph(8, &[(0, 2), (0, 3), (1, 3), (1, 4), (2, 6), (3, 6), (3, 7), (4, 7), (6, 5), (5, 7)])
}

#[test]
fn pearls_example_is_closed_by_x3_and_x4_or_x4_and_x5() {
    assert_eq!(found(&pearl(), 6, 7, AdjustmentSet::Parents), Ok(vec![2, 3]));
    assert_eq!(found(&pearl(), 6, 7, AdjustmentSet::Minimal), Ok(vec![3, 4]));
    // X4 alone opens the walk between its parents.
    let only_x4 = |node: NodeIndex| node.index() == 3;
    let refused = back_door(&pearl(), NodeIndex::new(6), NodeIndex::new(7), AdjustmentSet::Minimal, only_x4);
    assert_eq!(refused, Err(NotIdentified::NoSet));
    let refused = back_door(&pearl(), NodeIndex::new(6), NodeIndex::new(7), AdjustmentSet::Parents, only_x4);
    assert_eq!(refused, Err(NotIdentified::Unobserved(NodeIndex::new(2))));
}

#[test]
fn a_common_effect_is_left_alone() {
    // 0 -> 2 <- 1 with 0 -> t = 3 and 1 -> y = 4: nothing needs closing.
    let butterfly = graph(5, &[(0, 2), (1, 2), (0, 3), (1, 4), (3, 4)]);
    assert_eq!(found(&butterfly, 3, 4, AdjustmentSet::Minimal), Ok(vec![]));
}

#[test]
fn what_the_graph_leaves_open_is_told() {
    let reason = |edges: &[(u32, u32)]| found(&graph(3, edges), 0, 1, AdjustmentSet::Minimal).unwrap_err().to_string();
    assert!(
        reason(&[(0, 1), (0, 2), (2, 0)]).starts_with("the edge between the treatment and node 2 has no direction")
    );
    assert!(reason(&[(1, 2), (2, 0)]).starts_with("the outcome leads to the treatment"));
    assert!(reason(&[(0, 1), (1, 2), (2, 0)]).starts_with("the graph stands for no acyclic graph"));
    assert_eq!(found(&graph(2, &[]), 0, 0, AdjustmentSet::Parents), Err(NotIdentified::Nodes));
    assert_eq!(found(&graph(2, &[]), 0, 2, AdjustmentSet::Parents), Err(NotIdentified::Nodes));
}

#[test]
fn undirected_edges_elsewhere_do_no_harm() {
    // 2 - 3 undirected, 2 -> 0 <- 4 (a collider that fixes the direction), 3 -> 1, 0 -> 1.
    let open = graph(5, &[(2, 3), (3, 2), (2, 0), (4, 0), (3, 1), (0, 1)]);
    assert_eq!(found(&open, 0, 1, AdjustmentSet::Parents), Ok(vec![2, 4]));
    assert_eq!(found(&open, 0, 1, AdjustmentSet::Minimal), Ok(vec![3]));
}

/// Whether an open path joins two nodes, by the definition: every path is looked at (no node twice).
fn connected(edges: &BTreeSet<(usize, usize)>, path: &mut Vec<usize>, to: usize, given: &BTreeSet<usize>) -> bool {
    let at = path[path.len() - 1];
    if at == to {
        return path.windows(3).all(|w| {
            let collider = edges.contains(&(w[0], w[1])) && edges.contains(&(w[2], w[1]));
            if collider {
                descends(edges, w[1]).iter().any(|node| given.contains(node))
            } else {
                !given.contains(&w[1])
            }
        });
    }
    let next: Vec<usize> = edges
        .iter()
        .filter_map(|&(a, b)| {
            if a == at {
                Some(b)
            } else if b == at {
                Some(a)
            } else {
                None
            }
        })
        .collect();
    next.into_iter().any(|node| {
        if path.contains(&node) {
            return false;
        }
        path.push(node);
        let open = connected(edges, path, to, given);
        path.pop();
        open
    })
}

fn descends(edges: &BTreeSet<(usize, usize)>, node: usize) -> BTreeSet<usize> {
    let mut all = BTreeSet::from([node]);
    while let Some(&(_, b)) = edges.iter().find(|(a, b)| all.contains(a) && !all.contains(b)) {
        all.insert(b);
    }
    all
}

proptest! {
    /// Edges run from lower to higher numbers, so every draw is acyclic.
    #[test]
    fn sets_close_every_back_door_and_a_minimal_one_has_no_member_to_spare(
        drawn in prop::collection::btree_set((0usize..7, 0usize..7), 0..14),
        (t, y) in (0usize..6).prop_flat_map(|t| (Just(t), t + 1..7)),
    ) {
        let edges: BTreeSet<(usize, usize)> = drawn.into_iter().filter(|(a, b)| a < b).collect();
        let listed: Vec<(u32, u32)> = edges.iter().map(|(a, b)| (*a as u32, *b as u32)).collect();
        let graph = graph(7, &listed);
        let back: BTreeSet<(usize, usize)> = edges.iter().copied().filter(|(a, _)| *a != t).collect();
        let closes = |set: &BTreeSet<usize>| !connected(&back, &mut vec![t], y, set);
        let parents: BTreeSet<usize> = found(&graph, t, y, AdjustmentSet::Parents).unwrap().into_iter().collect();
        prop_assert!(closes(&parents), "{edges:?}: parents {parents:?}");
        let minimal: BTreeSet<usize> = found(&graph, t, y, AdjustmentSet::Minimal).unwrap().into_iter().collect();
        prop_assert!(closes(&minimal), "{edges:?}: {minimal:?}");
        prop_assert!(minimal.is_disjoint(&descends(&edges, t)));
        for node in &minimal {
            let less: BTreeSet<usize> = minimal.iter().copied().filter(|other| other != node).collect();
            prop_assert!(!closes(&less), "{edges:?}: {node} of {minimal:?} is not needed");
        }
    }
}
