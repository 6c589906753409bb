//! How close a graph is to the true one.

use serde::{Deserialize, Serialize};

use super::graph::Cpdag;

/// How many edges of a graph are right, and how many of the right ones it has. Each in [0, 1]; 1 where there is nothing to be
/// wrong about.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EdgeScores {
    /// Share of the edges found that are right.
    pub precision: f64,
    /// Share of the right edges that were found.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
}

impl EdgeScores {
    fn of(right: usize, found: usize, truth: usize) -> Self {
        let share = |of: usize| if of == 0 { 1.0 } else { right as f64 / of as f64 };
        let f1 = if found + truth == 0 { 1.0 } else { 2.0 * right as f64 / (found + truth) as f64 };
        Self { precision: share(found), recall: share(truth), f1 }
    }
}

fn count(a: &Cpdag, b: &Cpdag, is: impl Fn(usize, usize) -> bool) -> usize {
    let variables = a.variables().max(b.variables());
    (0..variables).map(|x| (x + 1..variables).filter(|y| is(x, *y)).count()).sum()
}

/// Whether both graphs have the edge alike, or neither has it.
fn alike(a: &Cpdag, b: &Cpdag, x: usize, y: usize) -> bool {
    a.directed(x, y) == b.directed(x, y) && a.directed(y, x) == b.directed(y, x) && a.adjacent(x, y) == b.adjacent(x, y)
}

/// Pairs of variables that both graphs do not join alike: an edge missing, too many, or of another direction counts 1
/// (Tsamardinos, Brown and Aliferis 2006).
#[must_use]
pub fn structural_hamming_distance(a: &Cpdag, b: &Cpdag) -> usize {
    count(a, b, |x, y| !alike(a, b, x, y))
}

/// Edges whatever their direction.
#[must_use]
pub fn skeleton_scores(found: &Cpdag, truth: &Cpdag) -> EdgeScores {
    let right = count(found, truth, |x, y| found.adjacent(x, y) && truth.adjacent(x, y));
    EdgeScores::of(right, found.edges().len(), truth.edges().len())
}

/// Edges that are right only if they point the right way, or are undirected in both.
#[must_use]
pub fn edge_scores(found: &Cpdag, truth: &Cpdag) -> EdgeScores {
    let right = count(found, truth, |x, y| found.adjacent(x, y) && alike(found, truth, x, y));
    EdgeScores::of(right, found.edges().len(), truth.edges().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal_discovery::Edge;

    #[test]
    fn each_difference_counts_once() {
        let edge = |from, to, directed| Edge { from, to, directed };
        let truth = Cpdag::from_edges(4, &[edge(0, 1, true), edge(1, 2, true), edge(2, 3, false)]);
        let found = Cpdag::from_edges(4, &[edge(1, 0, true), edge(1, 2, true), edge(0, 3, true)]);
        // 0-1 turned, 2-3 missing, 0-3 too many.
        assert_eq!(structural_hamming_distance(&found, &truth), 3);
        let scores = skeleton_scores(&found, &truth);
        assert!((scores.precision - 2.0 / 3.0).abs() < 1e-12 && (scores.f1 - 2.0 / 3.0).abs() < 1e-12);
        assert!((edge_scores(&found, &truth).recall - 1.0 / 3.0).abs() < 1e-12);
        let nothing = Cpdag::empty(4);
        assert_eq!((edge_scores(&nothing, &truth).f1, edge_scores(&nothing, &nothing).f1), (0.0, 1.0));
    }
}
