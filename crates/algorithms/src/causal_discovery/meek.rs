//! What follows from arrows that are known: the four rules of Meek (1995).

use super::graph::Cpdag;
use super::knowledge::Knowledge;
use super::marks::MarkedGraph;

/// Directs every edge for which the other way would make a new collider or a cycle, until none is left. `O(variables^4)` for
/// each round, with as many rounds as a chain of consequences is long.
///
/// Where tests erred, rules may want to close a cycle: an edge is directed only where it does not.
pub(super) fn close(graph: &mut Cpdag, knowledge: &Knowledge) {
    let variables = graph.variables();
    let rules = [follows_arrow, shortens_path, meets_two_paths, passes_through];
    loop {
        let mut changed = false;
        for rule in rules {
            for a in 0..variables {
                for b in 0..variables {
                    let open = graph.undirected(a, b) && knowledge.may_cause(a, b);
                    if open && rule(graph, a, b) && !graph.leads(b, a) {
                        graph.direct(a, b);
                        changed = true;
                    }
                }
            }
        }
        if !changed {
            return;
        }
    }
}

/// Rule 1: `k -> a - b`, `k` apart from `b`: the other way would make a new collider at `a`.
fn follows_arrow(graph: &Cpdag, a: usize, b: usize) -> bool {
    graph.causes(a).into_iter().any(|k| k != b && !graph.adjacent(k, b))
}

/// Rule 2: `a -> k -> b`: the other way would make a cycle.
fn shortens_path(graph: &Cpdag, a: usize, b: usize) -> bool {
    graph.effects(a).into_iter().any(|k| graph.directed(k, b))
}

/// Rule 3: `a - k -> b` and `a - l -> b`, `k` apart from `l`: the other way would make a collider at `a`, or a cycle.
fn meets_two_paths(graph: &Cpdag, a: usize, b: usize) -> bool {
    let between: Vec<usize> = graph.neighbours(a).into_iter().filter(|k| graph.directed(*k, b)).collect();
    between.iter().enumerate().any(|(i, k)| between[i + 1..].iter().any(|l| !graph.adjacent(*k, *l)))
}

/// Rule 4: `a - k -> l -> b`, with `a` joined to `l` and `k` apart from `b`. Needed with background knowledge only.
fn passes_through(graph: &Cpdag, a: usize, b: usize) -> bool {
    let starts = graph.neighbours(a);
    starts
        .into_iter()
        .filter(|k| *k != b && !graph.adjacent(*k, b))
        .any(|k| graph.effects(k).into_iter().any(|l| l != a && graph.directed(l, b) && graph.adjacent(a, l)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal_discovery::Edge;

    /// Pairs `(a, b, directed)`.
    fn closed(variables: usize, edges: &[(usize, usize, bool)], knowledge: &Knowledge) -> Cpdag {
        let edges: Vec<Edge> = edges.iter().map(|&(from, to, directed)| Edge { from, to, directed }).collect();
        let mut graph = Cpdag::from_edges(variables, &edges);
        close(&mut graph, knowledge);
        graph
    }

    #[test]
    fn each_rule_directs_its_edge() {
        let none = Knowledge::none(4);
        assert!(closed(3, &[(0, 1, true), (1, 2, false)], &Knowledge::none(3)).directed(1, 2));
        assert!(closed(3, &[(0, 1, true), (1, 2, true), (0, 2, false)], &Knowledge::none(3)).directed(0, 2));
        let third = [(0, 1, false), (0, 2, false), (0, 3, false), (1, 3, true), (2, 3, true)];
        assert!(closed(4, &third, &none).directed(0, 3));
        let fourth = [(0, 1, false), (0, 2, false), (0, 3, false), (1, 2, true), (2, 3, true)];
        assert!(closed(4, &fourth, &none).directed(0, 3));
    }

    #[test]
    fn nothing_follows_where_all_is_joined_or_forbidden() {
        let triangle = closed(3, &[(0, 1, true), (1, 2, false), (0, 2, false)], &Knowledge::none(3));
        assert!(triangle.undirected(1, 2) && triangle.undirected(0, 2));
        let forbidden = Knowledge::none(3).forbid(1, 2).unwrap();
        assert!(closed(3, &[(0, 1, true), (1, 2, false)], &forbidden).undirected(1, 2));
    }
}
