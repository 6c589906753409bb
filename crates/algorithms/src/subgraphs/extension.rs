//! The edges that may come next in a code, at one place where its pattern occurs.

use super::dfs_code::{DfsCode, Key};
use super::labelled::Labelled;

/// An edge that may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extension {
    pub(super) key: Key,
    /// The vertex of the pattern that it leaves.
    pub(super) from: u32,
    /// The vertex of the pattern that it goes back to, or that it adds.
    pub(super) to: u32,
    /// Label of the edge.
    pub(super) edge: u32,
    pub(super) kind: u32,
    /// The vertex of the graph that it ends at.
    pub(super) vertex: u32,
}

/// Calls `each` with the edges that may follow `code` where its vertices are those of `place`: from the last vertex back to the
/// path, or from the path to a new vertex (if `grow`). Edges that would make a code that is not the least are left out where
/// that is seen at once: those of a kind before the first edge's, and those before the path's own.
#[inline(always)]
pub(super) fn extensions(
    graphs: &Labelled,
    code: &DfsCode,
    place: &[u32],
    grow: bool,
    mut each: impl FnMut(Extension),
) {
    let (last, first_kind, back_to) = (code.last(), code.edges[0].kind, code.back_to());
    let last_label = code.labels[last as usize];
    for neighbour in graphs.neighbours(place[last as usize]).iter().filter(|neighbour| neighbour.kind >= first_kind) {
        let (edge, kind, vertex) = (neighbour.edge, neighbour.kind, neighbour.vertex);
        if let Some(to) = position(place, vertex) {
            // The last step of the path is the edge that led to the last vertex.
            let path = &code.path[..code.path.len() - 1];
            let step = path.iter().find(|step| step.vertex == to);
            if to >= back_to && step.is_some_and(|step| step.next <= (edge, last_label)) {
                each(Extension { key: Key::backward(to, edge), from: last, to, edge, kind, vertex });
            }
        } else if grow {
            let key = Key::forward(place.len(), last, edge, graphs.label(vertex));
            each(Extension { key, from: last, to: last + 1, edge, kind, vertex });
        }
    }
    for step in code.path.iter().filter(|_| grow) {
        for neighbour in graphs.neighbours(place[step.vertex as usize]) {
            let (edge, kind, vertex) = (neighbour.edge, neighbour.kind, neighbour.vertex);
            let label = graphs.label(vertex);
            if kind >= first_kind && step.next <= (edge, label) && position(place, vertex).is_none() {
                let key = Key::forward(place.len(), step.vertex, edge, label);
                each(Extension { key, from: step.vertex, to: last + 1, edge, kind, vertex });
            }
        }
    }
}

/// Where a vertex of the graph is in the pattern.
#[inline(always)]
pub(super) fn position(place: &[u32], vertex: u32) -> Option<u32> {
    place.iter().position(|at| *at == vertex).map(|at| at as u32)
}
