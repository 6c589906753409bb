//! Graphs side by side in one numbering of vertices, with each vertex's neighbours in one piece of memory.

use super::graphs::Graphs;
use crate::patterns::{Stop, paced};
use crate::watch::Watch;

/// Edges that are put in order between two calls of the watch.
const PER_TICK: usize = 1 << 14;

/// One end of an edge, as seen from the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Neighbour {
    pub(super) vertex: u32,
    /// Label of the edge.
    pub(super) edge: u32,
    /// The place of the edge's kind (labels of one end, of the edge and of the other end) among the frequent ones.
    pub(super) kind: u32,
}

/// A kind of edge: the labels of one end, of the edge and of the other end, whichever way round is less.
pub(super) type Kind = (u32, u32, u32);

/// The kind of an edge between two labels.
pub(super) fn kind(a: u32, edge: u32, b: u32) -> Kind {
    (a.min(b), edge, a.max(b))
}

/// Graphs, or a single one.
#[derive(Debug, Default)]
pub(super) struct Labelled {
    /// Label of each vertex.
    pub(super) labels: Vec<u32>,
    /// Where the neighbours of each vertex begin, and the end of the last one's.
    pub(super) offsets: Vec<u32>,
    pub(super) neighbours: Vec<Neighbour>,
}

impl Labelled {
    pub(super) fn neighbours(&self, vertex: u32) -> &[Neighbour] {
        &self.neighbours[self.offsets[vertex as usize] as usize..self.offsets[vertex as usize + 1] as usize]
    }

    pub(super) fn label(&self, vertex: u32) -> u32 {
        self.labels[vertex as usize]
    }
}

/// What the search reads: graphs with edges of frequent kinds only.
pub(super) struct Frequent {
    pub(super) graphs: Labelled,
    /// The graph of each vertex.
    pub(super) graph_of: Vec<u32>,
    /// The frequent kinds of edges, ascending, each with the graphs that have it.
    pub(super) kinds: Vec<(Kind, u32)>,
    /// Where the edges of each kind begin in `edges`, and the end of the last kind's.
    pub(super) starts: Vec<usize>,
    /// The two vertices of the edges of each kind, graph after graph, the one with the lesser label first; both ways round
    /// where the labels are equal.
    pub(super) edges: Vec<[u32; 2]>,
}

impl Frequent {
    pub(super) fn new(input: &Graphs, min_support: u32, watch: &dyn Watch) -> Result<Self, Stop> {
        let mut spend = paced(watch, 100 * input.n_edges() as u64);
        let kinds = count_kinds(input, min_support, &mut spend)?;
        let mut found = Self {
            graphs: Labelled { offsets: vec![0], ..Labelled::default() },
            graph_of: Vec::new(),
            starts: vec![0; kinds.len() + 1],
            kinds,
            edges: Vec::new(),
        };
        // Ends of edges within one graph, and edges of all of them, each with its kind.
        let (mut ends, mut edges) = (Vec::new(), Vec::new());
        for graph in 0..input.count() {
            let (labels, base) = (input.vertices(graph), found.graphs.labels.len() as u32);
            ends.clear();
            for (a, b, edge) in input.edges(graph) {
                let (label_a, label_b) = (labels[a as usize], labels[b as usize]);
                let sought = kind(label_a, edge, label_b);
                let Ok(kind) = found.kinds.binary_search_by_key(&sought, |(kind, _)| *kind) else { continue };
                let kind = kind as u32;
                ends.push((a, Neighbour { vertex: base + b, edge, kind }));
                ends.push((b, Neighbour { vertex: base + a, edge, kind }));
                let edge = [base + a, base + b];
                edges.extend((label_a <= label_b).then_some((kind, edge)));
                edges.extend((label_b <= label_a).then_some((kind, [edge[1], edge[0]])));
            }
            spend(20 * ends.len() as u64 + labels.len() as u64)?;
            ends.sort_unstable_by_key(|(vertex, end)| (*vertex, end.vertex));
            let mut from = 0;
            for vertex in 0..labels.len() as u32 {
                from += ends[from..].iter().take_while(|(of, _)| *of == vertex).count();
                found.graphs.offsets.push((found.graphs.neighbours.len() + from) as u32);
            }
            found.graphs.neighbours.extend(ends.iter().map(|(_, end)| *end));
            found.graphs.labels.extend_from_slice(labels);
            found.graph_of.resize(found.graphs.labels.len(), graph);
        }
        found.index(&edges, spend)?;
        Ok(found)
    }

    /// Sorts the edges by their kind; those of one kind stay in the order of their graphs. `spend` is told of the work.
    fn index(&mut self, edges: &[(u32, [u32; 2])], mut spend: impl FnMut(u64) -> Result<(), Stop>) -> Result<(), Stop> {
        for part in edges.chunks(PER_TICK) {
            part.iter().for_each(|(kind, _)| self.starts[*kind as usize + 1] += 1);
            spend(part.len() as u64)?;
        }
        let mut end = 0;
        for start in &mut self.starts {
            end += *start;
            *start = end;
        }
        let mut next = self.starts.clone();
        self.edges.resize(edges.len(), [0; 2]);
        for part in edges.chunks(PER_TICK) {
            for (kind, edge) in part {
                let place = &mut next[*kind as usize];
                self.edges[*place] = *edge;
                *place += 1;
            }
            spend(8 * part.len() as u64)?;
        }
        Ok(())
    }
}

/// The kinds of edges that enough graphs have, ascending.
fn count_kinds(
    input: &Graphs,
    min_support: u32,
    spend: &mut impl FnMut(u64) -> Result<(), Stop>,
) -> Result<Vec<(Kind, u32)>, Stop> {
    let mut all = std::collections::BTreeMap::<Kind, (u32, u32)>::new();
    for graph in 0..input.count() {
        let labels = input.vertices(graph);
        for (a, b, edge) in input.edges(graph) {
            spend(40)?;
            let (support, last) =
                all.entry(kind(labels[a as usize], edge, labels[b as usize])).or_insert((0, u32::MAX));
            *support += u32::from(*last != graph);
            *last = graph;
        }
    }
    let frequent = all.into_iter().filter(|(_, (support, _))| *support >= min_support);
    Ok(frequent.map(|(kind, (support, _))| (kind, support)).collect())
}
