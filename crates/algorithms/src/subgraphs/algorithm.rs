//! The miner: its result, and what it shows the visitor.

use std::ops::ControlFlow;

use super::graphs::Graphs;
use super::hyperparams::{SubgraphsParams, SubgraphsValidParams};
use super::labelled::Frequent;
use super::search::Search;
use crate::patterns::{MinSupport, Mined, Outlet, PatternsError, Stop, Visit, in_order};
use crate::watch::Watch;

/// A pattern, as the visitor sees it. Vertices are numbered in the order in which its least DFS code meets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subgraph<'a> {
    /// Label of each vertex.
    pub vertex_labels: &'a [u32],
    /// Two vertices and a label for each edge.
    pub edges: &'a [[u32; 3]],
}

/// A pattern, and how many graphs contain it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SubgraphPattern {
    /// Label of each vertex.
    pub vertex_labels: Vec<u32>,
    /// Two vertices and a label for each edge.
    pub edges: Vec<[u32; 3]>,
    /// Graphs that contain it.
    pub support: u32,
}

/// Frequent subgraphs: the connected patterns, of one edge or more, that at least `min_support` graphs contain. A graph
/// contains a pattern if its vertices can be laid on different vertices of the graph with the same labels so that each edge lies
/// on one with the same label; the graph may have more edges between them.
///
/// # What it does
/// gSpan (Yan and Han 2002, "gSpan: graph-based substructure pattern mining", ICDM): a pattern is written as the order in
/// which a depth-first walk meets its edges. Of all its codes the least stands for it, and the beginning of a least code is
/// one too. So growing least codes edge by edge, along the path to the last vertex, meets each pattern once. All
/// places where a pattern occurs are kept while it grows.
///
/// With [`closed`](SubgraphsParams::closed) only patterns are reported that no edge can be added to in every graph that
/// contains them. All are looked at: unlike itemsets and sequences, patterns around them cannot be left out safely.
///
/// Patterns come in the order of their least codes, each before those that it is the beginning of, whatever the number of
/// threads. The labels count in ascending order.
///
/// # Cost
/// In proportion to the places of the patterns found: there may be exponentially many patterns, and a pattern whose vertices
/// can be exchanged, such as a star of equal leaves, has a place for each order of them. So choose `min_support` with care and
/// mind `max_vertices`. Memory: 12 bytes for each end of an edge and, for each thread of the current rayon pool, for each
/// edge of a pattern 4 bytes for each vertex of its places.
///
/// # Errors
/// Named by [`PatternsError`].
///
/// # Example
/// ```
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::patterns::MinSupport;
/// use souffleur_algorithms::subgraphs::{FrequentSubgraphs, Graphs};
///
/// let triangle = (vec![1, 1, 2], vec![[0, 1, 0], [1, 2, 0], [2, 0, 0]]);
/// let path = (vec![1, 2, 1], vec![[0, 1, 0], [1, 2, 0]]);
/// let graphs = Graphs::from_graphs([triangle, path], &())?;
/// let found = FrequentSubgraphs::params(MinSupport::Rows(2)).closed(true).check()?.collect(&graphs, &())?;
/// assert_eq!(found.len(), 1);
/// assert_eq!((&found[0].vertex_labels[..], found[0].edges.len()), (&[1, 2, 1][..], 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FrequentSubgraphs;

impl FrequentSubgraphs {
    /// Hyperparameters to find the patterns with this support with.
    pub fn params(min_support: MinSupport) -> SubgraphsParams {
        SubgraphsParams::new(min_support)
    }
}

impl SubgraphsValidParams {
    /// Shows `visit` each pattern and the number of graphs that contain it. The search ends when `visit` breaks. It is called
    /// by one thread at a time and must not wait for other work of the same rayon pool.
    ///
    /// # Errors
    /// The watch interrupts.
    pub fn mine(
        &self,
        graphs: &Graphs,
        watch: &dyn Watch,
        mut visit: impl FnMut(Subgraph<'_>, u32) -> ControlFlow<()> + Send,
    ) -> Result<Mined, PatternsError> {
        let mut visit = |support: u32, words: &[u32]| {
            // As the search writes it: the number of vertices, their labels, the edges.
            let (vertex_labels, edges) = words[1..].split_at(words[0] as usize);
            visit(Subgraph { vertex_labels, edges: edges.as_chunks().0 }, support)
        };
        Ok(self.search(graphs, watch, &mut visit)?)
    }

    /// All patterns, at most `max_patterns`, in memory; in the order of [`mine`](Self::mine).
    ///
    /// # Errors
    /// As [`mine`](Self::mine).
    pub fn collect(&self, graphs: &Graphs, watch: &dyn Watch) -> Result<Vec<SubgraphPattern>, PatternsError> {
        let mut found = Vec::new();
        self.mine(graphs, watch, |Subgraph { vertex_labels, edges }, support| {
            found.push(SubgraphPattern { vertex_labels: vertex_labels.to_vec(), edges: edges.to_vec(), support });
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    fn search(&self, graphs: &Graphs, watch: &dyn Watch, visit: &mut Visit<'_>) -> Result<Mined, Stop> {
        let min_support = self.min_support().of(graphs.count());
        let frequent = Frequent::new(graphs, min_support, watch)?;
        let scratch = || Search::new(graphs, &frequent, min_support, self.max_vertices(), self.closed());
        let mine = |search: &mut Search<'_>, unit: usize, outlet: &mut Outlet<'_, '_>| search.mine(unit, outlet);
        Ok(in_order(frequent.kinds.len(), self.max_patterns(), watch, scratch, mine, visit)?)
    }
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
