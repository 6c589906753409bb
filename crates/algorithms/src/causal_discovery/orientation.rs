//! What rules want of a graph with hidden variables, and what of it is done.

use std::collections::BTreeMap;

use super::marks::Mark;
use super::pag::Pag;

/// Marks that one rule wants to make, all seen on the same graph, so that the order of the variables does not decide.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// For each pair `(a, b)`, `a < b`, the marks at `a` and at `b`; nothing if two wishes contradict each other.
    edges: BTreeMap<(usize, usize), Option<[Option<Mark>; 2]>>,
}

impl Wanted {
    /// Of the edge between both variables, the mark at each; `None` leaves it as it is.
    pub(super) fn edge(&mut self, (a, at_a): (usize, Option<Mark>), (b, at_b): (usize, Option<Mark>)) {
        let (pair, marks) = if a < b { ((a, b), [at_a, at_b]) } else { ((b, a), [at_b, at_a]) };
        let known = self.edges.entry(pair).or_insert(Some([None, None]));
        *known = known.and_then(|[first, second]| Some([agreed(first, marks[0])?, agreed(second, marks[1])?]));
    }

    /// The mark at `at` of its edge with `other`.
    pub(super) fn end(&mut self, other: usize, at: usize, mark: Mark) {
        self.edge((other, None), (at, Some(mark)));
    }

    /// Puts marks in the place of circles. Returns whether anything changed.
    ///
    /// Tests that erred lead rules to contradictions. Then nothing is done: an edge of which two wishes contradict each other, or
    /// one contradicts a mark that is there, stays as it is, and so do all new arrows that lead round in a circle together with others.
    pub(super) fn apply(self, graph: &mut Pag) -> bool {
        let before = graph.clone();
        let mut changed: Vec<(usize, usize)> = Vec::new();
        for ((a, b), wanted) in self.edges {
            let ends = [(before.end(b, a), b, a), (before.end(a, b), a, b)];
            let fits = |(have, want): (Option<Mark>, Option<Mark>)| {
                want.is_none() || have == want || have == Some(Mark::Circle)
            };
            let Some(wanted) = wanted else { continue };
            if !ends.iter().zip(wanted).all(|((have, _, _), want)| fits((*have, want))) {
                continue;
            }
            for ((have, other, at), want) in ends.into_iter().zip(wanted) {
                if let Some(mark) = want.filter(|_| have != want) {
                    graph.set_end(other, at, mark);
                    changed.push((a, b));
                }
            }
        }
        changed.dedup();
        let round = |&&(a, b): &&(usize, usize)| {
            let (from, to) = if graph.directed(a, b) { (a, b) } else { (b, a) };
            graph.directed(from, to) && !before.directed(from, to) && graph.leads(to, from)
        };
        let undone: Vec<(usize, usize)> = changed.iter().filter(round).copied().collect();
        for (a, b) in &undone {
            for (other, at) in [(*a, *b), (*b, *a)] {
                if let Some(mark) = before.end(other, at) {
                    graph.set_end(other, at, mark);
                }
            }
        }
        changed.len() > undone.len()
    }
}

/// What both want, or nothing if they want different things.
fn agreed(a: Option<Mark>, b: Option<Mark>) -> Option<Option<Mark>> {
    match (a, b) {
        (Some(a), Some(b)) if a != b => None,
        _ => Some(a.or(b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Mark::{Arrow, Circle, Tail};

    #[test]
    fn contradictions_leave_an_edge_as_it_is() {
        let mut graph =
            Pag::from_edges(4, &[((0, Circle), (1, Circle)), ((1, Tail), (2, Circle)), ((2, Circle), (3, Circle))]);
        let mut wanted = Wanted::default();
        wanted.edge((0, Some(Tail)), (1, Some(Arrow)));
        wanted.end(0, 1, Tail);
        wanted.edge((1, Some(Arrow)), (2, Some(Arrow)));
        wanted.end(2, 3, Arrow);
        let before = graph.clone();
        assert!(wanted.apply(&mut graph));
        assert_eq!((graph.end(0, 1), graph.end(1, 2)), (before.end(0, 1), before.end(1, 2)));
        assert_eq!((graph.end(2, 3), graph.end(3, 2)), (Some(Arrow), Some(Circle)));
    }

    #[test]
    fn new_arrows_do_not_lead_round() {
        let mut graph =
            Pag::from_edges(3, &[((0, Tail), (1, Arrow)), ((1, Circle), (2, Circle)), ((2, Circle), (0, Arrow))]);
        let mut wanted = Wanted::default();
        wanted.edge((1, Some(Tail)), (2, Some(Arrow)));
        wanted.end(0, 2, Tail);
        assert!(!wanted.apply(&mut graph));
        assert_eq!((graph.end(0, 2), graph.end(2, 1)), (Some(Circle), Some(Circle)));
    }
}
