//! The graph found: a completed partially directed acyclic graph.

use serde::{Deserialize, Serialize};

use super::knowledge::Knowledge;
use super::marks::{Mark, MarkedGraph};
use super::meek;

/// An edge of a [`Cpdag`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// The cause; of an undirected edge the variable with the lower number.
    pub from: usize,
    /// The effect; of an undirected edge the other variable.
    pub to: usize,
    /// Whether it is known which of both is the cause.
    pub directed: bool,
}

/// A completed partially directed acyclic graph: `a -> b` where every graph that fits the data has it so, `a - b` where some
/// have it one way and some the other (Spirtes, Glymour and Scheines 2000, "Causation, Prediction, and Search").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpdag {
    variables: usize,
    /// At `a * variables + b` whether `a` may be a cause of `b`: set both ways for an undirected edge.
    points: Vec<bool>,
}

impl Cpdag {
    /// No edges.
    #[must_use]
    pub fn empty(variables: usize) -> Self {
        Self { variables, points: vec![false; variables * variables] }
    }

    /// These edges. Those that name a variable that is not there, or only one, are left out.
    #[must_use]
    pub fn from_edges(variables: usize, edges: &[Edge]) -> Self {
        let mut graph = Self::empty(variables);
        for edge in edges.iter().filter(|edge| edge.from.max(edge.to) < variables && edge.from != edge.to) {
            graph.points[edge.from * variables + edge.to] = true;
            graph.points[edge.to * variables + edge.from] = !edge.directed;
        }
        graph
    }

    /// What can be known of a directed acyclic graph from data: its edges, directed where they meet in a collider, where the
    /// knowledge says so, and where anything else would lead to another collider or a cycle (Meek 1995). `arrows` are pairs
    /// of cause and effect; those that name a variable that is not there are left out.
    #[must_use]
    pub fn of_dag(variables: usize, arrows: &[(usize, usize)], knowledge: &Knowledge) -> Self {
        let edge = |&(from, to): &(usize, usize)| Edge { from, to, directed: true };
        let dag = Self::from_edges(variables, &arrows.iter().map(edge).collect::<Vec<_>>());
        let mut graph = dag.clone();
        for (from, to) in dag.arrows() {
            graph.points[to * variables + from] = true;
        }
        knowledge.orient(&mut graph);
        for y in 0..variables {
            let parents = dag.causes(y);
            for (i, &x) in parents.iter().enumerate() {
                for &z in parents[i + 1..].iter().filter(|z| !dag.adjacent(x, **z)) {
                    graph.direct(x, y);
                    graph.direct(z, y);
                }
            }
        }
        meek::close(&mut graph, knowledge);
        graph
    }

    /// How many variables there are.
    #[must_use]
    pub fn variables(&self) -> usize {
        self.variables
    }

    fn points(&self, a: usize, b: usize) -> bool {
        self.points.get(a * self.variables + b).is_some_and(|points| *points && b < self.variables)
    }

    /// Whether there is an edge between both.
    #[must_use]
    pub fn adjacent(&self, a: usize, b: usize) -> bool {
        self.points(a, b) || self.points(b, a)
    }

    /// Whether the edge `a -> b` is there.
    #[must_use]
    pub fn directed(&self, a: usize, b: usize) -> bool {
        self.points(a, b) && !self.points(b, a)
    }

    /// Whether the edge `a - b` is there.
    #[must_use]
    pub fn undirected(&self, a: usize, b: usize) -> bool {
        self.points(a, b) && self.points(b, a)
    }

    fn where_is(&self, is: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.variables).filter(|other| is(*other)).collect()
    }

    /// Direct causes or effects, which is not known; ascending.
    #[must_use]
    pub fn neighbours(&self, of: usize) -> Vec<usize> {
        self.where_is(|other| self.undirected(of, other))
    }

    /// All variables with an edge to this one, ascending.
    #[must_use]
    pub fn adjacents(&self, of: usize) -> Vec<usize> {
        self.where_is(|other| self.adjacent(of, other))
    }

    fn arrows(&self) -> Vec<(usize, usize)> {
        let all = (0..self.variables).flat_map(|a| (0..self.variables).map(move |b| (a, b)));
        all.filter(|(a, b)| self.directed(*a, *b)).collect()
    }

    /// All edges, by ascending pair of variables.
    #[must_use]
    pub fn edges(&self) -> Vec<Edge> {
        let pairs = (0..self.variables).flat_map(|a| (a + 1..self.variables).map(move |b| (a, b)));
        pairs
            .filter_map(|(a, b)| match (self.points(a, b), self.points(b, a)) {
                (true, true) => Some(Edge { from: a, to: b, directed: false }),
                (true, false) => Some(Edge { from: a, to: b, directed: true }),
                (false, true) => Some(Edge { from: b, to: a, directed: true }),
                (false, false) => None,
            })
            .collect()
    }

    /// The variables that arrows lead to from this one, itself included.
    #[must_use]
    pub fn descendants(&self, of: usize) -> Vec<usize> {
        if of >= self.variables {
            return Vec::new();
        }
        let mut seen = vec![false; self.variables];
        seen[of] = true;
        let mut open = vec![of];
        while let Some(at) = open.pop() {
            for (next, seen) in seen.iter_mut().enumerate().filter(|(_, seen)| !**seen) {
                if self.directed(at, next) {
                    *seen = true;
                    open.push(next);
                }
            }
        }
        self.where_is(|other| seen[other])
    }

    /// Whether arrows lead from `a` to `b`.
    pub(super) fn leads(&self, a: usize, b: usize) -> bool {
        self.descendants(a).binary_search(&b).is_ok()
    }

    /// Adds the edge `a - b`.
    pub(super) fn join(&mut self, a: usize, b: usize) {
        self.points[a * self.variables + b] = true;
        self.points[b * self.variables + a] = true;
    }

    /// Takes the edge between both away.
    pub(super) fn part(&mut self, a: usize, b: usize) {
        self.points[a * self.variables + b] = false;
        self.points[b * self.variables + a] = false;
    }

    /// Makes an edge point from `a` to `b`, whichever way it pointed.
    pub(super) fn direct(&mut self, a: usize, b: usize) {
        self.points[a * self.variables + b] = true;
        self.points[b * self.variables + a] = false;
    }
}

impl MarkedGraph for Cpdag {
    fn variables(&self) -> usize {
        self.variables
    }

    /// Both are tails where it cannot be told which causes which.
    fn marks(&self, a: usize, b: usize) -> Option<(Mark, Mark)> {
        let mark = |causes| if causes { Mark::Tail } else { Mark::Arrow };
        self.adjacent(a, b).then(|| (mark(self.points(a, b)), mark(self.points(b, a))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: usize, arrows: &[(usize, usize)]) -> Cpdag {
        Cpdag::of_dag(variables, arrows, &Knowledge::none(variables))
    }

    #[test]
    fn only_colliders_and_what_follows_from_them_are_directed() {
        let chain = of(3, &[(0, 1), (1, 2)]);
        assert!(chain.undirected(0, 1) && chain.undirected(1, 2) && !chain.adjacent(0, 2));
        let collider = of(4, &[(0, 1), (2, 1), (1, 3)]);
        assert_eq!(collider.causes(1), [0, 2]);
        assert!(collider.directed(1, 3), "anything else would be another collider");
        assert_eq!((collider.descendants(0), collider.causes_through_others(3)), (vec![0, 1, 3], vec![0, 1, 2]));
    }

    #[test]
    fn a_variable_that_is_not_there_has_no_edges() {
        let graph = of(2, &[(0, 1), (0, 7)]);
        assert!(!graph.adjacent(0, 7) && !graph.adjacent(7, 0) && graph.descendants(7).is_empty());
        assert_eq!(graph.edges(), [Edge { from: 0, to: 1, directed: false }]);
        assert_eq!(Cpdag::from_edges(2, &graph.edges()), graph);
    }

    #[test]
    fn time_directs_what_data_cannot() {
        let knowledge = Knowledge::none(3).tiers(&[0, 1, 2]).unwrap();
        let chain = Cpdag::of_dag(3, &[(0, 1), (1, 2)], &knowledge);
        assert!(chain.directed(0, 1) && chain.directed(1, 2));
    }
}
