//! Searching from the bottom of the tree: four rows look for others together.

use super::build::SpaceTree;
use super::kernel::{Block, Dots, Four, LANES, QUERIES, within};

/// What a search does where it comes past.
pub(crate) trait Search {
    /// Whether nothing below this ball can matter to any of the four queries. `level` counts the levels of balls from 0.
    fn skips(&self, level: usize, ball: usize) -> bool;

    /// How far query `q` still has to look, squared; negative if it need not look at all.
    fn reach(&self, q: usize) -> f64;

    /// Whether the row at `position` matters to query `q`, before the distance is measured.
    fn admits(&self, q: usize, position: usize) -> bool;

    /// The row at `position` lies near query `q`, at this squared distance.
    fn meet(&mut self, q: usize, position: usize, squared: f64);
}

/// Lets the rows at `positions`, at most four, meet every row within their reach, the nearest balls first.
pub(crate) fn search(tree: &SpaceTree, positions: &[usize], search: &mut impl Search) {
    let mut coordinates = vec![[0.0; QUERIES]; tree.columns];
    for (q, &position) in positions.iter().enumerate().take(QUERIES) {
        for (at, value) in coordinates.iter_mut().zip(tree.levels[0].centre(position)) {
            at[q] = value;
        }
    }
    let top = tree.levels.len() - 1;
    let on_axes = |axes: usize| {
        let mut norms = [0.0f32; QUERIES];
        for at in &coordinates[..axes] {
            norms.iter_mut().zip(at).for_each(|(norm, at)| *norm += at * at);
        }
        norms
    };
    let norms = [on_axes(tree.columns), on_axes(tree.levels[top].columns())];
    Walk { tree, positions, norms, coordinates: &coordinates, search }.look(top, 0);
}

struct Walk<'t, 's, S> {
    tree: &'t SpaceTree,
    positions: &'t [usize],
    coordinates: &'t [[f32; QUERIES]],
    /// Squared norms of the queries, on all axes and on those of the balls.
    norms: [[f32; QUERIES]; 2],
    search: &'s mut S,
}

impl<S: Search> Walk<'_, '_, S> {
    /// Looks at a block of rows, or at a block of balls and into those within reach.
    fn look(&mut self, level: usize, block: usize) {
        let (items, mut dots) = (&self.tree.levels[level], Dots([[0.0; LANES]; QUERIES]));
        let found = within(items.block(block), self.four(level, block), &mut dots);
        if level == 0 {
            return self.meet(block, found);
        }
        let mut children = [(0.0f32, 0usize); LANES];
        let mut count = 0;
        let mut lanes = found.iter().fold(0, |all, lanes| all | lanes);
        while lanes != 0 {
            let lane = lanes.trailing_zeros() as usize;
            lanes &= lanes - 1;
            if !self.search.skips(level - 1, block * LANES + lane) {
                children[count] = (self.apart(items.block(block), &dots, lane), block * LANES + lane);
                count += 1;
            }
        }
        children[..count].sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let allowance = self.allowance(level, block);
        for (apart, ball) in &children[..count] {
            let widest = (0..self.positions.len()).map(|q| self.reach(q)).fold(f32::NEG_INFINITY, f32::max);
            if *apart <= widest + allowance && !self.search.skips(level - 1, *ball) {
                self.look(level - 1, *ball);
            }
        }
    }

    /// The least squared distance any query has to a ball; 0 inside.
    fn apart(&self, balls: Block<'_>, dots: &Dots, lane: usize) -> f32 {
        let radius = balls.radii[lane];
        let norm = balls.offsets[lane] + radius * radius;
        let squared = |q: usize| norm - 2.0 * dots.0[q][lane] + self.norms[1][q];
        let nearest = (0..self.positions.len()).map(squared).fold(f32::INFINITY, f32::min);
        let gap = (nearest.max(0.0).sqrt() - radius).max(0.0);
        gap * gap
    }

    /// How far a query looks, squared, in the turned coordinates; rounded up.
    fn reach(&self, q: usize) -> f32 {
        (self.search.reach(q) * self.tree.scale) as f32 * (1.0 + 1e-6)
    }

    /// What rounding may add to a squared distance between these queries and items of the block.
    fn allowance(&self, level: usize, block: usize) -> f32 {
        let norm_max = self.norms[0].iter().copied().fold(0.0, f32::max);
        self.tree.rounding * (norm_max + self.tree.levels[level].norm_max(block))
    }

    fn four(&self, level: usize, block: usize) -> Four<'_> {
        let allowance = self.allowance(level, block);
        let norms = &self.norms[usize::from(level > 0)];
        let (mut reach, mut limits) = ([0.0; QUERIES], [f32::NEG_INFINITY; QUERIES]);
        for q in 0..self.positions.len() {
            let squared = self.reach(q);
            if squared >= 0.0 {
                // An infinite reach stays infinite in the limit; beside a radius it must not become a NaN.
                reach[q] = squared.sqrt().min(1e15);
                limits[q] = squared + allowance - norms[q];
            }
        }
        Four { coordinates: self.coordinates, reach, limits }
    }

    fn meet(&mut self, block: usize, found: [u32; QUERIES]) {
        let rows = self.tree.positions(block);
        for (q, mut lanes) in found.into_iter().enumerate().take(self.positions.len()) {
            // What fills up the last block is no row.
            lanes &= u32::MAX >> (LANES - rows.len());
            while lanes != 0 {
                let position = rows.start + lanes.trailing_zeros() as usize;
                lanes &= lanes - 1;
                if self.search.admits(q, position) {
                    let squared = self.tree.squared_distance(self.positions[q], position);
                    self.search.meet(q, position, squared);
                }
            }
        }
    }
}
