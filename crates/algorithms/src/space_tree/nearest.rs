//! The nearest rows of every row.

use rayon::prelude::*;

use super::build::SpaceTree;
use super::kernel::LANES;
use super::search::{Search, TOGETHER, search};
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
        let run = |first: usize, found: &mut [(f64, u32)], strays: &[f64]| {
            found.par_chunks_mut(LANES * k).enumerate().try_for_each(|(block, found)| {
                search_block(tree, first + block, k, found, strays);
                progress.advance(1)
            })
        };
        // Strays go first: no row is nearer to one of them than its own nearest is, which spares the others most of them.
        let (near, far) = found.split_at_mut((tree.strays * LANES).min(tree.rows()) * k);
        run(tree.strays, far, &[])?;
        let nearest =
            |stray: &[(f64, u32)]| stray.chunks_exact(k).map(|found| found[0].0).fold(f64::INFINITY, f64::min);
        let strays: Vec<f64> = far.chunks(LANES * k).map(nearest).collect();
        run(0, near, &strays)?;
        Ok(Self { k, found })
    }

    /// The nearest of the row at `position`: squared distance and position.
    pub(crate) fn at(&self, position: usize) -> &[(f64, u32)] {
        &self.found[position * self.k..(position + 1) * self.k]
    }
}

/// Searches for the rows of one block. They know each other first; then those that look equally far go together.
///
/// `strays` is the least squared distance from each block of strays to any row, if that is known already.
fn search_block(tree: &SpaceTree, block: usize, k: usize, found: &mut [(f64, u32)], strays: &[f64]) {
    let rows = tree.positions(block);
    for (a, nearest) in rows.clone().zip(found.chunks_exact_mut(k)) {
        for b in rows.clone().filter(|b| *b != a) {
            insert(tree, nearest, (tree.squared_distance(a, b), b as u32));
        }
    }
    let mut ranked: Vec<usize> = (0..rows.len()).collect();
    ranked.sort_by(|a, b| found[(a + 1) * k - 1].0.total_cmp(&found[(b + 1) * k - 1].0));
    for together in ranked.chunks(TOGETHER) {
        let positions: Vec<usize> = together.iter().map(|row| rows.start + row).collect();
        let mut nearest = NearestSearch { tree, block, k, rows: together, found, strays };
        search(tree, &positions, &mut nearest);
    }
}

struct NearestSearch<'a> {
    tree: &'a SpaceTree,
    block: usize,
    k: usize,
    /// The queries' rows within the block.
    rows: &'a [usize],
    found: &'a mut [(f64, u32)],
    strays: &'a [f64],
}

impl Search for NearestSearch<'_> {
    fn skips(&self, level: usize, ball: usize) -> bool {
        if level > 0 {
            return false;
        }
        let stray = ball.checked_sub(self.tree.strays).and_then(|stray| self.strays.get(stray));
        ball == self.block || stray.is_some_and(|least| (0..self.rows.len()).all(|q| *least > self.reach(q)))
    }

    fn reach(&self, q: usize) -> f64 {
        self.found[(self.rows[q] + 1) * self.k - 1].0
    }

    fn admits(&self, _: usize, position: usize) -> bool {
        position / LANES != self.block
    }

    fn meet(&mut self, q: usize, position: usize, squared: f64) {
        let row = self.rows[q];
        insert(self.tree, &mut self.found[row * self.k..(row + 1) * self.k], (squared, position as u32));
    }
}

/// Puts a row among the nearest, if it is one of them.
fn insert(tree: &SpaceTree, nearest: &mut [(f64, u32)], candidate: (f64, u32)) {
    let key =
        |(squared, position): (f64, u32)| (squared, tree.order.get(position as usize).copied().unwrap_or(u32::MAX));
    let own = key(candidate);
    let place = nearest.iter().rposition(|other| key(*other) < own).map_or(0, |i| i + 1);
    if place < nearest.len() {
        nearest[place..].rotate_right(1);
        nearest[place] = candidate;
    }
}
