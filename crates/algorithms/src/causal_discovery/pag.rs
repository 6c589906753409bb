//! The graph found where something hidden may act on two variables: a partial ancestral graph.

use serde::{Deserialize, Serialize};

use super::graph::Cpdag;
use super::marks::{Mark, MarkedEnd, MarkedGraph};

/// A partial ancestral graph: what all graphs with hidden variables that fit the data have in common (Richardson and Spirtes 2002;
/// Zhang 2008, "On the completeness of orientation rules for causal discovery in the presence of latent confounders and selection
/// bias", Artificial Intelligence 172).
///
/// Two variables are joined where no set of the others makes them independent. Each end of an edge has a [`Mark`], and what the two
/// say together is the edge's [`EdgeKind`](super::EdgeKind).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pag {
    variables: usize,
    /// At `a * variables + b` the mark at `b` of the edge between `a` and `b`; nothing both ways where there is none.
    ends: Vec<Option<Mark>>,
}

impl Pag {
    /// No edges.
    #[must_use]
    pub fn empty(variables: usize) -> Self {
        Self { variables, ends: vec![None; variables * variables] }
    }

    /// The edges of a skeleton, with a circle at each end.
    pub(super) fn open(skeleton: &Cpdag) -> Self {
        let mut graph = Self::empty(skeleton.variables());
        for edge in skeleton.edges() {
            graph.join((edge.from, Mark::Circle), (edge.to, Mark::Circle));
        }
        graph
    }

    /// These edges: of each, both variables with the mark at their end. Those that name a variable that is not there, or only one, are left
    /// out.
    #[must_use]
    pub fn from_edges(variables: usize, edges: &[(MarkedEnd, MarkedEnd)]) -> Self {
        let mut graph = Self::empty(variables);
        for (a, b) in edges.iter().filter(|(a, b)| a.0.max(b.0) < variables && a.0 != b.0) {
            graph.join(*a, *b);
        }
        graph
    }

    fn join(&mut self, (a, at_a): MarkedEnd, (b, at_b): MarkedEnd) {
        self.ends[a * self.variables + b] = Some(at_b);
        self.ends[b * self.variables + a] = Some(at_a);
    }

    /// The mark at `at` of its edge with `other`; `None` if there is no such edge.
    #[must_use]
    pub fn end(&self, other: usize, at: usize) -> Option<Mark> {
        if other.max(at) < self.variables { self.ends[other * self.variables + at] } else { None }
    }

    /// Whether there is an edge between both.
    #[must_use]
    pub fn adjacent(&self, a: usize, b: usize) -> bool {
        self.end(a, b).is_some()
    }

    /// Whether the edge `a -> b` is there.
    #[must_use]
    pub fn directed(&self, a: usize, b: usize) -> bool {
        self.end(a, b) == Some(Mark::Arrow) && self.end(b, a) == Some(Mark::Tail)
    }

    /// All variables with an edge to this one, ascending.
    #[must_use]
    pub fn adjacents(&self, of: usize) -> Vec<usize> {
        (0..self.variables).filter(|other| self.adjacent(*other, of)).collect()
    }

    /// Changes the mark at `at` of an edge that is there.
    pub(super) fn set_end(&mut self, other: usize, at: usize, mark: Mark) {
        if let Some(Some(end)) = self.ends.get_mut(other * self.variables + at) {
            *end = mark;
        }
    }

    /// Whether arrows `->` lead from `a` to `b`.
    pub(super) fn leads(&self, a: usize, b: usize) -> bool {
        self.causes_through_others(b).binary_search(&a).is_ok()
    }
}

impl MarkedGraph for Pag {
    fn variables(&self) -> usize {
        self.variables
    }

    fn marks(&self, a: usize, b: usize) -> Option<(Mark, Mark)> {
        Some((self.end(b, a)?, self.end(a, b)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal_discovery::{EdgeKind, MarkedEdge};

    #[test]
    fn edges_have_their_marks_where_they_were_put() {
        use Mark::{Arrow, Circle, Tail};
        let edges =
            [((2, Circle), (0, Arrow)), ((0, Tail), (1, Arrow)), ((1, Tail), (3, Arrow)), ((0, Tail), (9, Tail))];
        let graph = Pag::from_edges(4, &edges);
        let edge = |from, to, kind| MarkedEdge { from, to, kind };
        let expected =
            [edge(0, 1, EdgeKind::Directed), edge(2, 0, EdgeKind::PartlyDirected), edge(1, 3, EdgeKind::Directed)];
        assert_eq!(graph.marked_edges(), expected);
        assert_eq!((graph.end(2, 0), graph.end(0, 2), graph.end(0, 9)), (Some(Arrow), Some(Circle), None));
        assert_eq!((graph.causes(1), graph.effects(1), graph.causes_through_others(3)), (vec![0], vec![3], vec![0, 1]));
        assert!(graph.leads(0, 3) && !graph.leads(3, 0) && !graph.leads(2, 1));
    }
}
