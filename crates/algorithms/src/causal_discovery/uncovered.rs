//! Uncovered paths: of three variables that follow each other, the first and the last are not joined.

use super::marks::Mark;
use super::pag::Pag;

/// Where uncovered paths lead that begin with the edge from `start` to `first`, each edge `a - b` of which, the first included, `allows`; by
/// the last edge, at `a * variables + b`.
///
/// Paths that come back to a variable count as well. Each of the rules that ask shows that arrows would lead on along the whole path:
/// then round in a circle, if it comes back, which cannot be. So the last edge of a path says all that matters: `O(edges variables)`.
fn edges_reached(
    joined: &[Vec<usize>],
    graph: &Pag,
    (start, first): (usize, usize),
    allows: impl Fn(usize, usize) -> bool,
) -> Vec<bool> {
    let variables = joined.len();
    let mut reached = vec![false; variables * variables];
    if !allows(start, first) {
        return reached;
    }
    reached[start * variables + first] = true;
    let mut open = vec![(start, first)];
    while let Some((a, b)) = open.pop() {
        for &c in joined[b].iter().filter(|c| **c != a && !graph.adjacent(a, **c)) {
            if !reached[b * variables + c] && allows(b, c) {
                reached[b * variables + c] = true;
                open.push((b, c));
            }
        }
    }
    reached
}

/// The variables at the ends of uncovered paths from `start` by way of `first` along which all may act on the next: no edge has an
/// arrowhead where it begins or a tail where it ends. Ascending.
pub(super) fn possibly_acted_on(joined: &[Vec<usize>], graph: &Pag, (start, first): (usize, usize)) -> Vec<usize> {
    let allows = |a, b| graph.end(b, a) != Some(Mark::Arrow) && graph.end(a, b) != Some(Mark::Tail);
    let reached = edges_reached(joined, graph, (start, first), allows);
    let variables = joined.len();
    (0..variables).filter(|b| joined[*b].iter().any(|a| reached[a * variables + b])).collect()
}

/// Whether the edge from `a` to `b` is part of a circle of edges `o-o` that is uncovered all round.
pub(super) fn in_open_circle(joined: &[Vec<usize>], graph: &Pag, (a, b): (usize, usize)) -> bool {
    let open = |a, b| graph.end(a, b) == Some(Mark::Circle) && graph.end(b, a) == Some(Mark::Circle);
    let reached = edges_reached(joined, graph, (a, b), open);
    let variables = joined.len();
    joined[a].iter().any(|last| *last != b && !graph.adjacent(*last, b) && reached[last * variables + a])
}
