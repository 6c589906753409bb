//! The nearest rows of every row.

use rayon::prelude::*;

use super::build::SpaceTree;
use super::group::{Group, Search};
use super::kernel::LANES;
use crate::watch::{Interrupted, Progress, Watch};

/// For the row at each position its `k` nearest others, nearest first; fewer if there are not so many.
pub(crate) struct NearestRows {
    k: usize,
    /// Squared distance and position.
    found: Vec<(f64, u32)>,
}

impl NearestRows {
    /// Searches for all rows at once. Rows at equal distance come in the order of their numbers.
    pub(crate) fn of(tree: &SpaceTree, k: usize, watch: &dyn Watch) -> Result<Self, Interrupted> {
        let k = k.min(tree.rows().saturating_sub(1));
        let mut found = vec![(f64::INFINITY, u32::MAX); tree.rows() * k];
        if k == 0 {
            return Ok(Self { k, found });
        }
        let progress = Progress::new(watch, tree.blocks() as u64);
        found.par_chunks_mut(LANES * k).enumerate().try_for_each(|(block, found)| {
            let first = block * LANES;
            let mut group = Group::new(tree, (first..first + tree.rows_of(block)).collect());
            let mut search = NearestSearch { tree, first, k, found };
            group.search(&mut search);
            progress.advance(1)
        })?;
        Ok(Self { k, found })
    }

    /// The nearest of the row at `position`: squared distance and position.
    pub(crate) fn at(&self, position: usize) -> &[(f64, u32)] {
        &self.found[position * self.k..(position + 1) * self.k]
    }
}

struct NearestSearch<'a> {
    tree: &'a SpaceTree,
    first: usize,
    k: usize,
    found: &'a mut [(f64, u32)],
}

impl Search for NearestSearch<'_> {
    fn skips(&self, _: usize) -> bool {
        false
    }

    fn reach(&self, q: usize) -> f64 {
        self.found[(q + 1) * self.k - 1].0
    }

    fn admits(&self, q: usize, position: usize) -> bool {
        position != self.first + q
    }

    fn meet(&mut self, q: usize, position: usize, squared: f64) {
        let nearest = &mut self.found[q * self.k..(q + 1) * self.k];
        let row = |position: u32| self.tree.order.get(position as usize).copied().unwrap_or(u32::MAX);
        let own = row(position as u32);
        let before = |other: &(f64, u32)| (other.0, row(other.1)) < (squared, own);
        let place = nearest.iter().rposition(before).map_or(0, |i| i + 1);
        if place < self.k {
            nearest[place..].rotate_right(1);
            nearest[place] = (squared, position as u32);
        }
    }
}
