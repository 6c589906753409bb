//! Whether a code is the least of all codes of its pattern: only then is the pattern looked at, so each is seen once.

use super::dfs_code::DfsCode;
use super::extension::{Extension, extensions};
use super::labelled::{Labelled, Neighbour};
use crate::patterns::{Outlet, Stop};

/// The memory of the check.
#[derive(Default)]
pub(super) struct Minimality {
    /// The pattern itself.
    graph: Labelled,
    /// The beginning of the least code.
    code: DfsCode,
    /// Where it occurs in the pattern, place after place, and where it will with one more edge.
    places: Vec<u32>,
    next: Vec<u32>,
}

impl Minimality {
    /// Builds the least code edge by edge and stops at the first that differs.
    pub(super) fn is_least(&mut self, code: &DfsCode, outlet: &mut Outlet<'_, '_>) -> Result<bool, Stop> {
        self.read(code);
        let first = code.edges[0];
        self.code.start((code.labels[0], first.edge, code.labels[1]), first.kind);
        self.places.clear();
        for vertex in 0..code.labels.len() as u32 {
            let begins = |end: &&Neighbour| {
                self.graph.label(vertex) == code.labels[0]
                    && end.kind == first.kind
                    && self.graph.label(end.vertex) == code.labels[1]
            };
            self.places
                .extend(self.graph.neighbours(vertex).iter().filter(begins).flat_map(|end| [vertex, end.vertex]));
        }
        for edge in &code.edges[1..] {
            let Some(least) = self.advance(outlet)? else { return Ok(true) };
            if least.key < edge.key {
                return Ok(false);
            }
            if least.to < least.from {
                self.code.push_backward(least.to, least.edge, least.kind);
            } else {
                let label = self.graph.label(least.vertex);
                self.code.push_forward(least.from, least.edge, label, least.kind);
            }
        }
        Ok(true)
    }

    /// Finds the least edge that may come next, and the places that have it.
    fn advance(&mut self, outlet: &mut Outlet<'_, '_>) -> Result<Option<Extension>, Stop> {
        let mut least: Option<Extension> = None;
        self.next.clear();
        for place in self.places.chunks_exact(self.code.labels.len()) {
            outlet.spend(20)?;
            extensions(&self.graph, &self.code, place, true, |found| {
                if least.is_none_or(|least| found.key < least.key) {
                    least = Some(found);
                    self.next.clear();
                }
                if least.is_some_and(|least| found.key == least.key) {
                    self.next.extend_from_slice(place);
                    self.next.extend((found.to > found.from).then_some(found.vertex));
                }
            });
        }
        std::mem::swap(&mut self.places, &mut self.next);
        Ok(least)
    }

    /// Writes the pattern down as a graph.
    fn read(&mut self, code: &DfsCode) {
        let Labelled { labels, offsets, neighbours } = &mut self.graph;
        labels.clone_from(&code.labels);
        offsets.clear();
        offsets.push(0);
        neighbours.clear();
        for vertex in 0..labels.len() as u32 {
            for edge in &code.edges {
                let other = if edge.from == vertex { edge.to } else { edge.from };
                if edge.from == vertex || edge.to == vertex {
                    neighbours.push(Neighbour { vertex: other, edge: edge.edge, kind: edge.kind });
                }
            }
            offsets.push(neighbours.len() as u32);
        }
    }
}
