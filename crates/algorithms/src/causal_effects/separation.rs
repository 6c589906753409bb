//! Separation in directed acyclic graphs, and graphs with undirected edges directed.

use std::collections::BTreeSet;

use petgraph::graph::DiGraph;

/// A graph in which two edges, there and back, stand for an undirected one.
pub(super) struct Marked {
    /// Of each node those with an edge to it only, and those with an edge from it only.
    before: Vec<BTreeSet<usize>>,
    after: Vec<BTreeSet<usize>>,
    beside: Vec<BTreeSet<usize>>,
}

impl Marked {
    pub(super) fn of<N, E>(graph: &DiGraph<N, E>) -> Self {
        let edges: BTreeSet<(usize, usize)> =
            graph.raw_edges().iter().map(|edge| (edge.source().index(), edge.target().index())).collect();
        let none = vec![BTreeSet::new(); graph.node_count()];
        let mut marked = Self { before: none.clone(), after: none.clone(), beside: none };
        for &(from, to) in &edges {
            if edges.contains(&(to, from)) {
                marked.beside[from].insert(to);
            } else {
                marked.after[from].insert(to);
                marked.before[to].insert(from);
            }
        }
        marked
    }

    pub(super) fn undirected(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.beside[node].iter().copied()
    }

    /// What follows from a node in at least one of the graphs this one stands for, or may; the node itself too.
    pub(super) fn possible_descendants(&self, node: usize) -> BTreeSet<usize> {
        reached([node], |node| self.after[node].union(&self.beside[node]).copied().collect())
    }

    /// One of the acyclic graphs this one stands for: with the same edges and no new collider (Dor & Tarsi 1992). Nothing if
    /// there is none.
    pub(super) fn extension(&self) -> Option<Directed> {
        let nodes = self.before.len();
        let mut parents = self.before.clone();
        let mut left: BTreeSet<usize> = (0..nodes).collect();
        let (mut after, mut beside) = (self.after.clone(), self.beside.clone());
        let mut before = self.before.clone();
        while !left.is_empty() {
            // A sink all of whose undirected neighbours are joined to everything beside it.
            let sink = *left.iter().find(|&&node| {
                let around: BTreeSet<usize> = before[node].union(&beside[node]).copied().collect();
                let joined =
                    |a: usize, b: usize| before[a].contains(&b) || after[a].contains(&b) || beside[a].contains(&b);
                after[node].is_empty()
                    && beside[node].iter().all(|&other| around.iter().all(|&b| b == other || joined(other, b)))
            })?;
            for other in std::mem::take(&mut beside[sink]) {
                parents[sink].insert(other);
                beside[other].remove(&sink);
            }
            for other in std::mem::take(&mut before[sink]) {
                after[other].remove(&sink);
            }
            left.remove(&sink);
        }
        let mut children = vec![BTreeSet::new(); nodes];
        for (node, parents) in parents.iter().enumerate() {
            parents.iter().for_each(|parent| {
                children[*parent].insert(node);
            });
        }
        Some(Directed { parents, children })
    }
}

/// All that can be reached, the start included.
fn reached(start: impl IntoIterator<Item = usize>, next: impl Fn(usize) -> Vec<usize>) -> BTreeSet<usize> {
    let mut open: Vec<usize> = start.into_iter().collect();
    let mut found: BTreeSet<usize> = open.iter().copied().collect();
    while let Some(node) = open.pop() {
        open.extend(next(node).into_iter().filter(|node| found.insert(*node)));
    }
    found
}

/// A directed acyclic graph.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Directed {
    parents: Vec<BTreeSet<usize>>,
    children: Vec<BTreeSet<usize>>,
}

impl Directed {
    pub(super) fn parents(&self, node: usize) -> &BTreeSet<usize> {
        &self.parents[node]
    }

    /// What leads to these nodes, themselves included.
    pub(super) fn ancestors(&self, nodes: &[usize]) -> BTreeSet<usize> {
        reached(nodes.iter().copied(), |node| self.parents[node].iter().copied().collect())
    }

    pub(super) fn without_edges_from(mut self, node: usize) -> Self {
        for child in std::mem::take(&mut self.children[node]) {
            self.parents[child].remove(&node);
        }
        self
    }

    /// The nodes that a walk from `start` reaches which the nodes `given` do not stop (Shachter 1998), given nodes at which
    /// it ends included. Walks stay among the nodes `within`, which are closed under parents.
    fn open_walks(&self, start: usize, given: &BTreeSet<usize>, within: &BTreeSet<usize>) -> BTreeSet<usize> {
        let ancestors: BTreeSet<usize> = self.ancestors(&given.iter().copied().collect::<Vec<_>>());
        // A node, and whether the walk came to it from one of its children.
        let mut open = vec![(start, true)];
        let mut seen: BTreeSet<(usize, bool)> = open.iter().copied().collect();
        while let Some((node, from_child)) = open.pop() {
            let mut next = Vec::new();
            if from_child && !given.contains(&node) {
                next.extend(self.parents[node].iter().map(|parent| (*parent, true)));
            }
            if !given.contains(&node) {
                next.extend(self.children[node].iter().map(|child| (*child, false)));
            }
            if !from_child && ancestors.contains(&node) {
                next.extend(self.parents[node].iter().map(|parent| (*parent, true)));
            }
            open.extend(next.into_iter().filter(|step| within.contains(&step.0) && seen.insert(*step)));
        }
        seen.into_iter().map(|(node, _)| node).collect()
    }
}

/// A set of allowed nodes that separates two, of which no part could be left out (van der Zander, Liskiewicz & Textor 2019);
/// nothing if no set does.
pub(super) fn minimal_separator(
    graph: &Directed,
    from: usize,
    to: usize,
    allowed: impl Fn(usize) -> bool,
) -> Option<BTreeSet<usize>> {
    let within = graph.ancestors(&[from, to]);
    let all: BTreeSet<usize> = within.iter().copied().filter(|node| allowed(*node)).collect();
    if graph.open_walks(from, &all, &within).contains(&to) {
        return None;
    }
    // First what is nearest to `to`, then of that what is needed from the other side.
    let near: BTreeSet<usize> = graph.open_walks(to, &all, &within).intersection(&all).copied().collect();
    Some(graph.open_walks(from, &near, &within).intersection(&near).copied().collect())
}
