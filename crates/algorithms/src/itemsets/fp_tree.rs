//! The prefix tree of FP-growth.
//!
//! A node does not point to the one above it: it is where its path begins in the sorted transactions, which it shares with
//! all nodes further down. So a path is read in one piece instead of being climbed from node to node.

use super::distinct::DistinctRows;
use super::ranked::Ranking;
use super::vertical::{Entry, entries};
use crate::patterns::{Stop, paced};
use crate::watch::Watch;

/// A node: the transactions that begin with the items from `start` to before `end`, and its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Node {
    start: u32,
    end: u32,
    count: u32,
}

/// Transactions as paths from the top down, the most common item first. An item is its place among `items`.
#[derive(Default)]
pub(super) struct FpTree {
    pub(super) items: Vec<Entry>,
    /// The items of each different transaction, in one row after the other.
    paths: Vec<u32>,
    /// Where the nodes of each item begin in `nodes`, and the end of the last one's.
    starts: Vec<u32>,
    nodes: Vec<Node>,
}

/// A different transaction before it is put into a tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path {
    start: u32,
    end: u32,
    count: u32,
}

impl FpTree {
    /// The tree of all transactions.
    pub(super) fn new(rows: DistinctRows, ranking: &Ranking, watch: &dyn Watch) -> Result<Self, Stop> {
        let (rows, counts) = rows.into_parts();
        let (ends, ranks) = rows.into_parts();
        let path = |(ends, count): (&[u32], &u32)| Path { start: ends[0], end: ends[1], count: *count };
        let paths: Vec<Path> = ends.windows(2).zip(&counts).map(path).collect();
        let mut tree = Self { items: entries(ranking), paths: ranks, ..Self::default() };
        let spend = paced(watch, 8 * paths.len() as u64 + 7 * tree.paths.len() as u64);
        tree.grow(&paths, &mut Vec::new(), spend)?;
        Ok(tree)
    }

    /// Makes it empty, for these items.
    pub(super) fn start(&mut self, items: impl Iterator<Item = Entry>) {
        self.items.clear();
        self.items.extend(items);
        self.paths.clear();
    }

    /// Adds a transaction to those that [`grow`](Self::grow) is then given.
    pub(super) fn add(&mut self, items: impl Iterator<Item = u32>, count: u32) -> Path {
        // There are at most as many items in all paths as in all transactions, fewer than 2^32.
        let start = self.paths.len() as u32;
        self.paths.extend(items);
        Path { start, end: self.paths.len() as u32, count }
    }

    /// Sorts some of the transactions added.
    pub(super) fn sort(&self, paths: &mut [Path]) {
        paths.sort_unstable_by_key(|path| self.path(*path));
    }

    fn path(&self, path: Path) -> &[u32] {
        &self.paths[path.start as usize..path.end as usize]
    }

    /// Makes the nodes: those of a transaction that the one before it has as well are shared. `open` is memory, `spend` is
    /// told of the work.
    pub(super) fn grow(
        &mut self,
        paths: &[Path],
        open: &mut Vec<Node>,
        mut spend: impl FnMut(u64) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        self.starts.clear();
        self.starts.resize(self.items.len() + 1, 0);
        let mut before: &[u32] = &[];
        for path in paths {
            let items = &self.paths[path.start as usize..path.end as usize];
            items[shared(before, items)..].iter().for_each(|item| self.starts[*item as usize] += 1);
            before = items;
            spend(4 + items.len() as u64)?;
        }
        let mut end = 0;
        for start in &mut self.starts {
            end += *start;
            *start = end;
        }
        self.nodes.clear();
        self.nodes.resize(end as usize, Node::default());
        // From the last one on, as the ends of the items' nodes become their starts.
        open.clear();
        let mut after = Path { start: 0, end: 0, count: 0 };
        for path in paths.iter().rev() {
            self.close(shared(self.path(after), self.path(*path)), open);
            open.resize((path.end - path.start) as usize, Node::default());
            open.iter_mut().for_each(|node| node.start = path.start);
            if let Some(last) = open.last_mut() {
                last.count += path.count;
            }
            after = *path;
            spend(4 + 6 * open.len() as u64)?;
        }
        self.close(0, open);
        Ok(())
    }

    /// Writes the nodes of a transaction from below the first `kept` of them on, the last one first.
    fn close(&mut self, kept: usize, open: &mut Vec<Node>) {
        while open.len() > kept
            && let Some(node) = open.pop()
        {
            let end = node.start + open.len() as u32;
            let place = &mut self.starts[self.paths[end as usize] as usize];
            *place -= 1;
            self.nodes[*place as usize] = Node { end, ..node };
            if let Some(above) = open.last_mut() {
                above.count += node.count;
            }
        }
    }

    /// Number of nodes of an item.
    pub(super) fn nodes(&self, item: usize) -> usize {
        (self.starts[item + 1] - self.starts[item]) as usize
    }

    /// For each node of an item what stands above it, from the top down, and its transactions.
    pub(super) fn above(&self, item: usize) -> impl Iterator<Item = (&[u32], u32)> {
        let nodes = &self.nodes[self.starts[item] as usize..self.starts[item + 1] as usize];
        nodes.iter().map(|node| (&self.paths[node.start as usize..node.end as usize], node.count))
    }
}

/// Items that two transactions begin with.
fn shared(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
