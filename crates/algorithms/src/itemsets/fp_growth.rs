//! FP-growth: a smaller prefix tree below each set.

use super::fp_tree::{Builder, FpTree};
use crate::patterns::{Outlet, Stop};

/// The search of one thread.
pub(super) struct FpGrowth<'a> {
    /// Name of each rank.
    names: &'a [u32],
    min_support: u32,
    max_length: usize,
    /// The items chosen, as names.
    prefix: Vec<u32>,
    pattern: Vec<u32>,
    /// The tree under the first item, under the first two, and so on.
    levels: Vec<FpTree>,
    builder: Builder,
}

impl<'a> FpGrowth<'a> {
    pub(super) fn new(names: &'a [u32], min_support: u32, max_length: usize) -> Self {
        let (prefix, pattern, levels) = (Vec::new(), Vec::new(), Vec::new());
        Self { names, min_support, max_length, prefix, pattern, levels, builder: Builder::default() }
    }

    /// Finds the sets whose rarest item is `item` of the tree of all transactions.
    pub(super) fn mine(&mut self, tree: &FpTree, item: usize, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        self.prefix.clear();
        self.choose(tree, item, outlet)
    }

    fn choose(&mut self, tree: &FpTree, item: usize, outlet: &mut Outlet<'_, '_>) -> Result<(), Stop> {
        let entry = tree.items[item];
        self.prefix.push(self.names[entry.rank as usize]);
        self.pattern.clone_from(&self.prefix);
        self.pattern.sort_unstable();
        outlet.emit(entry.support, &self.pattern)?;
        if item > 0 && self.prefix.len() < self.max_length {
            let depth = self.prefix.len() - 1;
            if self.levels.len() == depth {
                self.levels.push(FpTree::default());
            }
            let mut below = std::mem::take(&mut self.levels[depth]);
            outlet.spend(self.builder.conditional(tree, item, self.min_support, &mut below))?;
            (0..below.items.len()).rev().try_for_each(|item| self.choose(&below, item, outlet))?;
            self.levels[depth] = below;
        }
        self.prefix.pop();
        Ok(())
    }
}
