//! The input: undirected graphs with labels.

use crate::patterns::{CodedRows, Coding, PatternsError, encode, paced};
use crate::watch::Watch;

/// Most different labels of vertices, and of edges: what fits beside each other into a key.
pub(super) const LABELS_MAX: usize = 1 << 26;

/// Undirected graphs whose vertices and edges have labels; any `u32` is a label. Two vertices are joined by one edge at most,
/// none is joined to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graphs {
    /// The labels of the vertices of each graph.
    vertices: CodedRows,
    /// Where the edges of each graph begin, and the end of the last one.
    offsets: Vec<u32>,
    /// The ends of each edge, counted within its graph.
    ends: Vec<(u32, u32)>,
    /// The label of each edge as its place among the names.
    labels: Vec<u32>,
    names: Vec<u32>,
}

impl Graphs {
    /// Reads one graph for each item: the labels of its vertices, and its edges as two vertices, counted from 0, and a label.
    ///
    /// # Errors
    /// An edge names a vertex that there is not, joins a vertex to itself or to one that it is joined to already; or there are
    /// more than 67,108,864 different labels, or more than 4,294,967,294 vertices or edges in all; or the watch interrupts.
    pub fn from_graphs<V: AsRef<[u32]>, E: AsRef<[[u32; 3]]>>(
        graphs: impl IntoIterator<Item = (V, E)>,
        watch: &dyn Watch,
    ) -> Result<Self, PatternsError> {
        /// Work for each edge, in steps of [`paced`].
        const EDGE: u64 = 50;
        let (mut offsets, mut ends, mut labels) = (vec![0], Vec::new(), Vec::new());
        let mut seen = Vec::new();
        let mut failed = None;
        let graphs = graphs.into_iter();
        let mut spend = paced(watch, graphs.size_hint().0 as u64 * EDGE);
        let vertices = graphs.map_while(|(vertices, edges)| {
            let graph = offsets.len() - 1;
            let asked = spend(EDGE * edges.as_ref().len() as u64);
            let found = check(graph, vertices.as_ref().len(), edges.as_ref(), &mut seen);
            for [a, b, label] in edges.as_ref() {
                ends.push((*a, *b));
                labels.push(*label);
            }
            offsets.push(ends.len() as u32);
            let size = if u32::try_from(ends.len()).is_ok_and(|edges| edges < u32::MAX / 2) {
                Ok(())
            } else {
                Err(PatternsError::TooMany(ends.len(), "edges"))
            };
            failed = asked.map_err(PatternsError::from).and(found).and(size).err();
            failed.is_none().then_some(vertices)
        });
        let vertices = CodedRows::read(vertices, Coding::Sequences, watch)?;
        if let Some(error) = failed {
            return Err(error);
        }
        let names = encode(&mut labels, watch)?;
        if names.len().max(vertices.names().len()) > LABELS_MAX {
            return Err(PatternsError::TooMany(names.len().max(vertices.names().len()), "labels"));
        }
        Ok(Self { vertices, offsets, ends, labels, names })
    }
    /// Number of graphs.
    pub fn len(&self) -> usize {
        self.vertices.len() as usize
    }
    /// Whether there is no graph.
    pub fn is_empty(&self) -> bool {
        self.vertices.len() == 0
    }
    pub(super) fn count(&self) -> u32 {
        self.vertices.len()
    }
    /// The labels of a graph's vertices, as their places among the names.
    pub(super) fn vertices(&self, graph: u32) -> &[u32] {
        self.vertices.row(graph)
    }
    /// The edges of a graph: two vertices and a label.
    pub(super) fn edges(&self, graph: u32) -> impl Iterator<Item = (u32, u32, u32)> {
        let edges = self.offsets[graph as usize] as usize..self.offsets[graph as usize + 1] as usize;
        self.ends[edges.clone()].iter().zip(&self.labels[edges]).map(|((a, b), label)| (*a, *b, *label))
    }
    /// The names of the labels of vertices and of edges.
    pub(super) fn names(&self) -> (&[u32], &[u32]) {
        (self.vertices.names(), &self.names)
    }
    /// Edges of all graphs.
    pub(super) fn n_edges(&self) -> usize {
        self.ends.len()
    }
}

/// Whether the edges of a graph are those of a simple graph. `seen` is memory.
fn check(
    graph: usize,
    vertices: usize,
    edges: &[[u32; 3]],
    seen: &mut Vec<(u32, u32, usize)>,
) -> Result<(), PatternsError> {
    seen.clear();
    for (edge, [a, b, _]) in edges.iter().enumerate() {
        let ends = (*a, *b);
        if *a.max(b) as usize >= vertices {
            return Err(PatternsError::NoSuchVertex { graph, edge, ends, vertices });
        }
        if a == b {
            return Err(PatternsError::NotSimple { graph, edge, ends });
        }
        seen.push((*a.min(b), *a.max(b), edge));
    }
    seen.sort_unstable();
    match seen.windows(2).find(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1)) {
        Some(pair) => {
            let edge = pair[1].2;
            Err(PatternsError::NotSimple { graph, edge, ends: (edges[edge][0], edges[edge][1]) })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_simple_graph_is_refused_by_name() {
        let read = |edges: &[[u32; 3]]| Graphs::from_graphs([(vec![7], vec![]), (vec![1, 2, 1], edges.to_vec())], &());
        assert_eq!(read(&[[0, 1, 5], [1, 2, 5], [2, 0, 9]]).unwrap().len(), 2);
        let error = read(&[[0, 1, 5], [1, 3, 5]]).unwrap_err();
        assert_eq!(error, PatternsError::NoSuchVertex { graph: 1, edge: 1, ends: (1, 3), vertices: 3 });
        assert_eq!(read(&[[1, 1, 5]]).unwrap_err(), PatternsError::NotSimple { graph: 1, edge: 0, ends: (1, 1) });
        let twice = read(&[[0, 1, 5], [1, 2, 5], [1, 0, 6]]).unwrap_err();
        assert_eq!(twice, PatternsError::NotSimple { graph: 1, edge: 2, ends: (1, 0) });
    }
}
