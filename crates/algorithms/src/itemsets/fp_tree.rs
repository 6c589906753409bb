//! The prefix tree of FP-growth.

use rayon::prelude::*;

use super::ranked::{RankedRows, Ranking};
use super::vertical::{Entry, entries};
use crate::patterns::Stop;
use crate::watch::{Progress, Watch};

/// The parent of the nodes at the top.
const TOP: u32 = u32::MAX;
/// No node.
const NONE: u32 = u32::MAX;
/// Transactions that are put into the tree between two calls of the watch.
const PER_TICK: usize = 1 << 14;

/// A node: the transactions that begin with the items from the top down to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    item: u32,
    parent: u32,
    count: u32,
}

/// Transactions as paths from the top down, the most common item first. An item is its place among `items`; a parent
/// stands before its children.
#[derive(Default)]
pub(super) struct FpTree {
    pub(super) items: Vec<Entry>,
    nodes: Vec<Node>,
    /// Where the nodes of each item begin in `nodes_of`.
    starts: Vec<u32>,
    nodes_of: Vec<u32>,
}

impl FpTree {
    /// The tree of all transactions. They are sorted first: so each finds its place beside the one before it, and paths lie
    /// in one piece of memory.
    pub(super) fn new(rows: &RankedRows, ranking: &Ranking, watch: &dyn Watch) -> Result<Self, Stop> {
        let progress = Progress::new(watch, u64::from(rows.len()));
        let keys = Keys::new(ranking.len());
        let mut order: Vec<(u64, u32)> =
            (0..rows.len()).into_par_iter().map(|row| (keys.of(rows.row(row)), row)).collect();
        order.par_sort_unstable_by(|(a, row_a), (b, row_b)| {
            let rest = |row: u32| if keys.is_whole(*a) { &[][..] } else { keys.rest(rows.row(row)) };
            a.cmp(b).then_with(|| rest(*row_a).cmp(rest(*row_b)))
        });
        let mut tree = Self { items: entries(ranking), ..Self::default() };
        let (mut path, mut decoded): (Vec<(u32, u32)>, Vec<u32>) = (Vec::new(), Vec::new());
        for chunk in order.chunks(PER_TICK) {
            for (key, row) in chunk {
                // Rows that are wholly in their keys need not be fetched from all over the memory.
                let row = if keys.is_whole(*key) { keys.decode(*key, &mut decoded) } else { rows.row(*row) };
                let shared = path.iter().zip(row).take_while(|((item, _), own)| item == *own).count();
                path.truncate(shared);
                for item in &row[shared..] {
                    let parent = path.last().map_or(TOP, |(_, node)| *node);
                    path.push((*item, tree.add(*item, parent)));
                }
                if let Some((_, end)) = path.last() {
                    tree.nodes[*end as usize].count += 1;
                }
            }
            progress.advance(chunk.len() as u64)?;
        }
        tree.finish();
        Ok(tree)
    }

    fn add(&mut self, item: u32, parent: u32) -> u32 {
        // There are at most as many nodes as items in all transactions, fewer than 2^32.
        let node = self.nodes.len() as u32;
        self.nodes.push(Node { item, parent, count: 0 });
        node
    }

    /// Adds the counts of nodes to those above, and lists the nodes of each item.
    fn finish(&mut self) {
        self.starts.clear();
        self.starts.resize(self.items.len() + 1, 0);
        for at in (0..self.nodes.len()).rev() {
            let Node { item, parent, count } = self.nodes[at];
            self.starts[item as usize] += 1;
            if parent != TOP {
                self.nodes[parent as usize].count += count;
            }
        }
        let mut end = 0;
        for start in &mut self.starts {
            end += *start;
            *start = end;
        }
        self.nodes_of.clear();
        self.nodes_of.resize(self.nodes.len(), 0);
        for (at, node) in self.nodes.iter().enumerate().rev() {
            let place = &mut self.starts[node.item as usize];
            *place -= 1;
            self.nodes_of[*place as usize] = at as u32;
        }
    }

    fn nodes_of(&self, item: usize) -> &[u32] {
        &self.nodes_of[self.starts[item] as usize..self.starts[item + 1] as usize]
    }

    /// Calls `each` with the items above a node, from the bottom up.
    #[inline(always)]
    fn climb(&self, node: &Node, mut each: impl FnMut(u32)) {
        let mut at = node.parent;
        while at != TOP {
            let node = self.nodes[at as usize];
            each(node.item);
            at = node.parent;
        }
    }
}

/// The memory that building a conditional tree takes.
#[derive(Default)]
pub(super) struct Builder {
    /// Transactions with each item.
    counts: Vec<u32>,
    /// The place of each item in the tree built, or [`NONE`].
    place_of: Vec<u32>,
    /// The items above one node, from the bottom up.
    above: Vec<u32>,
    /// The path put in last: items and nodes, from the top down.
    path: Vec<(u32, u32)>,
    /// First child of each node and, before them all, of the top.
    first_child: Vec<u32>,
    next_sibling: Vec<u32>,
}

impl Builder {
    /// The tree of the transactions in `tree` that hold `item`, with the items above it that are frequent there. Returns
    /// the work this took.
    pub(super) fn conditional(&mut self, tree: &FpTree, item: usize, min_support: u32, out: &mut FpTree) -> u64 {
        let mut steps = self.count(tree, item);
        out.items.clear();
        out.nodes.clear();
        self.place_of.clear();
        for (entry, count) in tree.items.iter().zip(&self.counts) {
            let frequent = *count >= min_support;
            self.place_of.push(if frequent { out.items.len() as u32 } else { NONE });
            if frequent {
                out.items.push(Entry { rank: entry.rank, support: *count });
            }
        }
        // Below a single item there is nothing to look for.
        if out.items.len() > 1 {
            steps *= 3;
            self.path.clear();
            self.first_child.clear();
            self.first_child.push(NONE);
            self.next_sibling.clear();
            for node in tree.nodes_of(item) {
                self.put_in(tree, &tree.nodes[*node as usize], out);
            }
            out.finish();
        }
        steps + item as u64
    }

    fn count(&mut self, tree: &FpTree, item: usize) -> u64 {
        self.counts.clear();
        self.counts.resize(item, 0);
        let mut steps = 0;
        for node in tree.nodes_of(item) {
            let node = tree.nodes[*node as usize];
            tree.climb(&node, |above| {
                self.counts[above as usize] += node.count;
                steps += 1;
            });
        }
        4 * (steps + tree.nodes_of(item).len() as u64)
    }

    /// Puts the path above a node of `tree` into `out`, less its items that are not frequent.
    fn put_in(&mut self, tree: &FpTree, node: &Node, out: &mut FpTree) {
        self.above.clear();
        tree.climb(node, |item| {
            let place = self.place_of[item as usize];
            if place != NONE {
                self.above.push(place);
            }
        });
        let mut parent = TOP;
        for (depth, item) in self.above.iter().rev().enumerate() {
            // Most paths begin as the last one did.
            parent = match self.path.get(depth) {
                Some((last, node)) if last == item => *node,
                _ => {
                    self.path.truncate(depth);
                    let child = child(&mut self.first_child, &mut self.next_sibling, *item, parent, out);
                    self.path.push((*item, child));
                    child
                }
            };
        }
        if parent != TOP {
            out.nodes[parent as usize].count += node.count;
        }
    }
}

/// The child of `parent` that stands for `item`, made if there is none.
fn child(first_child: &mut Vec<u32>, next_sibling: &mut Vec<u32>, item: u32, parent: u32, out: &mut FpTree) -> u32 {
    let first = parent.wrapping_add(1) as usize;
    let mut at = first_child[first];
    while at != NONE {
        if out.nodes[at as usize].item == item {
            return at;
        }
        at = next_sibling[at as usize];
    }
    let made = out.add(item, parent);
    next_sibling.push(first_child[first]);
    first_child[first] = made;
    first_child.push(NONE);
    made
}

/// The first items of a transaction in one word, so that sorting compares words.
struct Keys {
    bits: u32,
    items: usize,
}

impl Keys {
    fn new(kinds: usize) -> Self {
        // Zero stands for the end of a transaction, so that a shorter one comes first.
        let bits = (kinds as u64 + 1).next_power_of_two().trailing_zeros().max(1);
        Self { bits, items: (64 / bits) as usize }
    }

    fn of(&self, row: &[u32]) -> u64 {
        let items = row.iter().map(|rank| u64::from(*rank) + 1).chain(std::iter::repeat(0)).take(self.items);
        items.fold(0, |key, item| (key << self.bits) | item)
    }

    /// Whether a transaction with this key is shorter than the key.
    fn is_whole(&self, key: u64) -> bool {
        key & ((1 << self.bits) - 1) == 0
    }

    /// The transaction that is wholly in a key. `items` is memory.
    fn decode<'a>(&self, key: u64, items: &'a mut Vec<u32>) -> &'a [u32] {
        items.clear();
        let place = |at: usize| ((key >> (self.bits as usize * at)) & ((1 << self.bits) - 1)) as u32;
        items.extend((0..self.items).rev().map(place).take_while(|item| *item > 0).map(|item| item - 1));
        items
    }

    /// What of a transaction is not in its key.
    fn rest<'a>(&self, row: &'a [u32]) -> &'a [u32] {
        row.get(self.items..).unwrap_or_default()
    }
}
