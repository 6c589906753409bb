//! Whether a pattern is closed: no edge can be added to it in every graph that contains it.

use super::dfs_code::DfsCode;
use super::extension::position;
use super::labelled::Frequent;
use crate::patterns::{Outlet, Stop};

/// An edge that can be added: the vertices of the pattern that it joins, or one of them and the label of a new vertex; and its
/// label. All places of a pattern are known, also those that differ by a symmetry, so each way to add an edge is seen from
/// every vertex where it can be.
type Added = (u32, Result<u32, u32>, u32);

/// The memory of the check.
#[derive(Default)]
pub(super) struct Closure {
    /// Edges that can be added in every graph so far.
    alive: Vec<Added>,
    /// Edges that can be added in this graph.
    here: Vec<Added>,
}

impl Closure {
    /// `places` are all places of the pattern, graph after graph.
    pub(super) fn is_closed(
        &mut self,
        frequent: &Frequent,
        code: &DfsCode,
        places: &[u32],
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<bool, Stop> {
        let size = code.labels.len();
        let graph_of = |place: &[u32]| frequent.graph_of[place[0] as usize];
        let mut places = places.chunks_exact(size).peekable();
        let mut first = true;
        while let Some(graph) = places.peek().map(|place| graph_of(place)) {
            self.here.clear();
            while let Some(place) = places.next_if(|place| graph_of(place) == graph) {
                outlet.spend(8 * size as u64)?;
                self.add(frequent, code, place);
            }
            self.here.sort_unstable();
            self.here.dedup();
            if first {
                std::mem::swap(&mut self.alive, &mut self.here);
                first = false;
            } else {
                self.alive.retain(|added| self.here.binary_search(added).is_ok());
            }
            if self.alive.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes note of the edges that can be added at one place.
    fn add(&mut self, frequent: &Frequent, code: &DfsCode, place: &[u32]) {
        for (from, vertex) in (0..).zip(place) {
            for neighbour in frequent.graphs.neighbours(*vertex) {
                match position(place, neighbour.vertex) {
                    None => {
                        let label = frequent.graphs.label(neighbour.vertex);
                        self.here.push((from, Err(label), neighbour.edge));
                    }
                    Some(to) if from < to => {
                        let there = |edge: &&super::dfs_code::CodeEdge| {
                            (edge.from.min(edge.to), edge.from.max(edge.to)) == (from, to)
                        };
                        if code.edges.iter().find(there).is_none() {
                            self.here.push((from, Ok(to), neighbour.edge));
                        }
                    }
                    Some(_) => {}
                }
            }
        }
    }
}
