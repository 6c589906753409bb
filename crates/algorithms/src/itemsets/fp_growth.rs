//! FP-growth: a smaller database below each set; a prefix tree while items are many, words of bits when they are few, and
//! a table of all sets when they are very few.

use super::bit_rows::{Below, BitRow, BitRows};
use super::distinct::DistinctRows;
use super::fp_tree::{FpTree, Node, Path};
use super::ranked::{RankedRows, Ranking};
use super::subset_table::SubsetTable;
use super::vertical::Entry;
use crate::patterns::{CodedRows, Outlet, Stop};
use crate::watch::Watch;

/// All transactions.
pub(super) enum FpDatabase {
    Tree(FpTree),
    Bits(BitRows),
}

impl FpDatabase {
    /// Words of bits where there are few enough items, else a tree.
    pub(super) fn new(rows: &CodedRows, ranking: &Ranking, watch: &dyn Watch) -> Result<Self, Stop> {
        if ranking.len() <= BitRows::ITEMS_MAX {
            return Ok(Self::Bits(BitRows::new(rows, ranking, watch)?));
        }
        let distinct = DistinctRows::new(&RankedRows::new(rows, ranking, watch)?, ranking.len(), watch)?;
        Ok(Self::Tree(FpTree::new(distinct, ranking, watch)?))
    }
}

/// The search of one thread.
pub(super) struct FpGrowth<'a> {
    /// Name of each rank.
    names: &'a [u32],
    min_support: u32,
    max_length: usize,
    /// The items chosen, as names.
    prefix: Vec<u32>,
    pattern: Vec<u32>,
    /// What is under the first item, under the first two, and so on.
    levels: Vec<Level>,
    table: SubsetTable,
    /// Transactions with each item.
    supports: Vec<u32>,
    /// The place of each item below, or [`NONE`]; or its bit, or none.
    place_of: Vec<u32>,
    bit_of: Vec<u64>,
    held: Vec<BitRow>,
    paths: Vec<Path>,
    open: Vec<Node>,
}

/// Memory of what is under one set.
#[derive(Default)]
struct Level {
    tree: FpTree,
    bits: BitRows,
}

/// An item that is not frequent.
const NONE: u32 = u32::MAX;
/// Paths that are put in order in one go.
const PER_TICK: usize = 1 << 12;

impl<'a> FpGrowth<'a> {
    pub(super) fn new(names: &'a [u32], min_support: u32, max_length: usize) -> Self {
        Self {
            names,
            min_support,
            max_length,
            prefix: Vec::new(),
            pattern: Vec::new(),
            levels: Vec::new(),
            table: SubsetTable::default(),
            supports: Vec::new(),
            place_of: Vec::new(),
            bit_of: Vec::new(),
            held: Vec::new(),
            paths: Vec::new(),
            open: Vec::new(),
        }
    }

    /// Finds the sets whose rarest item is `item`.
    pub(super) fn mine(&mut self, database: &FpDatabase, item: usize, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        self.prefix.clear();
        match database {
            FpDatabase::Tree(tree) => self.choose_in_tree(tree, item, outlet),
            FpDatabase::Bits(rows) => self.choose_in_bits(rows, item, outlet),
        }
    }

    /// Adds an item to those chosen and reports them. Returns whether any more may follow.
    fn choose(&mut self, entry: Entry, outlet: &mut Outlet<'_, '_>) -> Result<bool, Stop> {
        self.prefix.push(self.names[entry.rank as usize]);
        self.pattern.clone_from(&self.prefix);
        self.pattern.sort_unstable();
        outlet.emit(entry.support, &self.pattern)?;
        Ok(self.prefix.len() < self.max_length)
    }

    /// The memory of what is under the items chosen.
    fn take_level(&mut self) -> Level {
        let depth = self.prefix.len() - 1;
        if self.levels.len() == depth {
            self.levels.push(Level::default());
        }
        std::mem::take(&mut self.levels[depth])
    }

    fn choose_in_tree(&mut self, tree: &FpTree, item: usize, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        if self.choose(tree.items[item], outlet)? && item > 0 {
            let mut below = self.take_level();
            self.count(tree, item, outlet)?;
            let frequent = tree.items.iter().zip(&self.supports).filter(|(_, support)| **support >= self.min_support);
            let frequent = frequent.map(|(entry, support)| Entry { rank: entry.rank, support: *support });
            let items = frequent.clone().count();
            if items > BitRows::ITEMS_MAX {
                below.tree.start(frequent);
                self.grow(tree, item, &mut below.tree, outlet)?;
                (0..items).rev().try_for_each(|item| self.choose_in_tree(&below.tree, item, outlet))?;
            } else if items > 0 {
                below.bits.start(frequent);
                self.narrow(tree, item, &mut below.bits, outlet)?;
            }
            let depth = self.prefix.len() - 1;
            self.levels[depth] = below;
        }
        self.prefix.pop();
        Ok(())
    }

    /// Counts what stands above an item.
    fn count(&mut self, tree: &FpTree, item: usize, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        self.supports.clear();
        self.supports.resize(item, 0);
        tree.above(item).try_for_each(|(above, count)| {
            above.iter().for_each(|item| self.supports[*item as usize] += count);
            outlet.spend(4 + above.len() as u64)
        })
    }

    /// Makes the tree under an item.
    fn grow(
        &mut self,
        tree: &FpTree,
        item: usize,
        below: &mut FpTree,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop> {
        self.place_of.clear();
        let mut next = 0..;
        let place = |support: &u32| if *support >= self.min_support { next.next() } else { None };
        self.place_of.extend(self.supports.iter().map(place).map(|place| place.unwrap_or(NONE)));
        self.paths.clear();
        for (above, count) in tree.above(item) {
            let places = above.iter().map(|item| self.place_of[*item as usize]).filter(|place| *place != NONE);
            self.paths.push(below.add(places, count));
            outlet.spend(4 + 2 * above.len() as u64)?;
        }
        for paths in self.paths.chunks_mut(PER_TICK) {
            below.sort(paths);
            outlet.spend(100 * paths.len() as u64)?;
        }
        below.grow(&self.paths, &mut self.open, |steps| outlet.spend(steps))
    }

    /// Finds the sets under an item that leaves few other items.
    fn narrow(
        &mut self,
        tree: &FpTree,
        item: usize,
        below: &mut BitRows,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stop> {
        self.bit_of.clear();
        let mut next = (0..below.items.len() as u32).rev();
        let bit = |support: &u32| if *support >= self.min_support { next.next() } else { None };
        self.bit_of.extend(self.supports.iter().map(bit).map(|bit| bit.map_or(0, |bit| 1 << bit)));
        let items = below.items.len() as u32;
        let by_table = SubsetTable::pays(items, tree.nodes(item));
        if by_table {
            self.table.start(items);
        }
        for (above, count) in tree.above(item) {
            let bits = above.iter().fold(0, |bits, item| bits | self.bit_of[*item as usize]);
            if by_table {
                self.table.add(bits, count);
            } else {
                below.add(bits, count);
            }
            outlet.spend(4 + above.len() as u64)?;
        }
        if by_table {
            outlet.spend(self.table.finish())?;
            return self.walk(&below.items, 0, items, outlet);
        }
        (0..below.items.len()).rev().try_for_each(|item| self.choose_in_bits(below, item, outlet))
    }

    fn choose_in_bits(&mut self, rows: &BitRows, item: usize, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        if self.choose(rows.items[item], outlet)? && item > 0 {
            let mut below = self.take_level();
            let out = (&mut self.table, &mut below.bits);
            match rows.under(item, self.min_support, &mut self.held, out, outlet)? {
                Below::Table => self.walk(&below.bits.items, 0, self.table.items(), outlet)?,
                Below::Rows => (0..below.bits.items.len())
                    .rev()
                    .try_for_each(|item| self.choose_in_bits(&below.bits, item, outlet))?,
            }
            let depth = self.prefix.len() - 1;
            self.levels[depth] = below;
        }
        self.prefix.pop();
        Ok(())
    }

    /// Reports the frequent sets in the table that are `set` and some of the first `upto` items.
    fn walk(&mut self, items: &[Entry], set: usize, upto: u32, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        for item in (0..upto).rev() {
            let larger = self.table.with(set, item);
            let support = self.table.support(larger);
            if support >= self.min_support {
                if self.choose(Entry { rank: items[item as usize].rank, support }, outlet)? {
                    self.walk(items, larger, item, outlet)?;
                }
                self.prefix.pop();
            }
        }
        outlet.spend(u64::from(upto))
    }
}
