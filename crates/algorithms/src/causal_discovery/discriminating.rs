//! Discriminating paths: what tells a collider from none where its two neighbours are joined.

use super::marks::Mark;
use super::pag::Pag;

/// A path from `far` to `to` by way of `before` and `at`, whose inner variables but `at` are colliders that act on `to`, and whose ends
/// are not joined: `at` is a collider between `before` and `to`, or in every set that parts `far` and `to`, and never both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Discriminating {
    pub(super) far: usize,
    pub(super) before: usize,
    pub(super) at: usize,
    pub(super) to: usize,
}

/// The shortest discriminating paths for the edge from `at` to `to`: one for each `far` and `before` of the shortest length (Zhang 2008,
/// definition 7). `O(edges)` for each `before`.
pub(super) fn shortest(joined: &[Vec<usize>], graph: &Pag, (at, to): (usize, usize)) -> Vec<Discriminating> {
    let into = |from: usize, v: usize| graph.end(from, v) == Some(Mark::Arrow);
    let mut found: Vec<(usize, Discriminating)> = Vec::new();
    for &before in joined[at].iter().filter(|v| **v != to && into(at, **v) && graph.directed(**v, to)) {
        let mut seen = vec![false; joined.len()];
        [at, to, before].into_iter().for_each(|v| seen[v] = true);
        let mut open = vec![before];
        let mut length = 0;
        while !open.is_empty() {
            length += 1;
            let mut further = Vec::new();
            let mut ended = false;
            for collider in open {
                for &next in joined[collider].iter().filter(|v| into(**v, collider)) {
                    if seen[next] {
                        continue;
                    }
                    if !graph.adjacent(next, to) {
                        found.push((length, Discriminating { far: next, before, at, to }));
                        ended = true;
                    } else if into(collider, next) && graph.directed(next, to) {
                        seen[next] = true;
                        further.push(next);
                    }
                }
            }
            open = if ended { Vec::new() } else { further };
        }
    }
    let least = found.iter().map(|(length, _)| *length).min();
    let mut paths: Vec<Discriminating> =
        found.into_iter().filter(|(length, _)| Some(*length) == least).map(|(_, path)| path).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}
