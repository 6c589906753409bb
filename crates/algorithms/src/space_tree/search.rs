//! Searching from the bottom of the tree: a few rows look for others together.

use super::build::SpaceTree;
use super::kernel::{Block, Dots, Four, LANES, QUERIES, within};

/// Fours that search together: a block that is in cache for one is in cache for all.
const FOURS: usize = 4;
/// Rows that search together at most.
pub(crate) const TOGETHER: usize = FOURS * QUERIES;

/// What a search does where it comes past.
pub(crate) trait Search {
    /// Whether nothing below this ball can matter to any of the queries. `level` counts the levels of balls from 0.
    fn skips(&self, level: usize, ball: usize) -> bool;

    /// How far query `q` still has to look, squared; negative if it need not look at all.
    fn reach(&self, q: usize) -> f64;

    /// Whether the row at `position` matters to query `q`, before the distance is measured.
    fn admits(&self, q: usize, position: usize) -> bool;

    /// The row at `position` lies near query `q`, at this squared distance.
    fn meet(&mut self, q: usize, position: usize, squared: f64);
}

/// Lets the rows at `positions`, at most [`TOGETHER`], meet every row within their reach, the nearest balls first.
///
/// The fewer differ in how far they look and where, the better.
pub(crate) fn search(tree: &SpaceTree, positions: &[usize], search: &mut impl Search) {
    let balls = tree.levels[tree.levels.len() - 1].columns();
    let queries = positions.chunks(QUERIES).map(|four| Queries::new(tree, four, balls)).collect();
    let mut walk = Walk { tree, positions, queries, search };
    let fours = (1 << walk.queries.len()) - 1;
    walk.look(tree.levels.len() - 1, 0, fours);
}

/// Four queries as the passes over blocks want them.
struct Queries {
    coordinates: Vec<[f32; QUERIES]>,
    /// Squared norms on all axes and on those of the balls.
    norms: [[f32; QUERIES]; 2],
    norm_max: f32,
}

impl Queries {
    fn new(tree: &SpaceTree, positions: &[usize], balls: usize) -> Self {
        let mut coordinates = vec![[0.0; QUERIES]; tree.columns];
        for (q, &position) in positions.iter().enumerate() {
            for (at, value) in coordinates.iter_mut().zip(tree.levels[0].centre(position)) {
                at[q] = value;
            }
        }
        let norms = [tree.columns, balls].map(|axes| {
            let mut norms = [0.0f32; QUERIES];
            for at in &coordinates[..axes] {
                norms.iter_mut().zip(at).for_each(|(norm, at)| *norm += at * at);
            }
            norms
        });
        Self { coordinates, norm_max: norms[0].iter().copied().fold(0.0, f32::max), norms }
    }
}

struct Walk<'t, 's, S> {
    tree: &'t SpaceTree,
    positions: &'t [usize],
    queries: Vec<Queries>,
    search: &'s mut S,
}

/// A ball that some queries must look into.
#[derive(Clone, Copy, Default)]
struct Child {
    /// The least squared distance to any query that must.
    apart: f32,
    ball: usize,
    /// The fours with such a query, one bit each.
    fours: u32,
}

impl<S: Search> Walk<'_, '_, S> {
    /// Looks at a block of rows, or at a block of balls and into those within reach, for these fours of queries.
    fn look(&mut self, level: usize, block: usize, fours: u32) {
        if level == 0 {
            return self.look_at_rows(block, fours);
        }
        let tree = self.tree;
        let mut children = [Child::default(); LANES];
        let mut all = 0;
        for four in (0..self.queries.len()).filter(|four| fours >> four & 1 == 1) {
            let mut dots = Dots([[0.0; LANES]; QUERIES]);
            let found = within(tree.levels[level].block(block), self.four(four, level, block), &mut dots);
            let mut lanes = found.iter().fold(0, |any, lanes| any | lanes);
            all |= lanes;
            while lanes != 0 {
                let lane = lanes.trailing_zeros() as usize;
                lanes &= lanes - 1;
                let apart = self.apart(four, tree.levels[level].block(block), &dots, lane);
                let child = &mut children[lane];
                let nearest = if child.fours == 0 { apart } else { child.apart.min(apart) };
                *child = Child { apart: nearest, ball: block * LANES + lane, fours: child.fours | 1 << four };
            }
        }
        let mut count = 0;
        while all != 0 {
            let lane = all.trailing_zeros() as usize;
            all &= all - 1;
            if !self.search.skips(level - 1, children[lane].ball) {
                children[count] = children[lane];
                count += 1;
            }
        }
        children[..count].sort_unstable_by(|a, b| a.apart.total_cmp(&b.apart).then(a.ball.cmp(&b.ball)));
        for child in &children[..count] {
            let widest = (0..self.positions.len()).map(|q| self.reach(q)).fold(f32::NEG_INFINITY, f32::max);
            let allowance = (0..self.queries.len()).map(|f| self.allowance(f, level, block)).fold(0.0, f32::max);
            if child.apart <= widest + allowance && !self.search.skips(level - 1, child.ball) {
                self.look(level - 1, child.ball, child.fours);
            }
        }
    }

    fn look_at_rows(&mut self, block: usize, fours: u32) {
        let tree = self.tree;
        for four in (0..self.queries.len()).filter(|four| fours >> four & 1 == 1) {
            let mut dots = Dots([[0.0; LANES]; QUERIES]);
            let found = within(tree.levels[0].block(block), self.four(four, 0, block), &mut dots);
            for (i, lanes) in found.into_iter().enumerate().filter(|(_, lanes)| *lanes != 0) {
                self.meet(four * QUERIES + i, block, lanes);
            }
        }
    }

    /// The least squared distance any query of a four has to a ball; 0 inside.
    fn apart(&self, four: usize, balls: Block<'_>, dots: &Dots, lane: usize) -> f32 {
        let radius = balls.radii[lane];
        let norm = balls.offsets[lane] + radius * radius;
        let squared = |i: usize| norm - 2.0 * dots.0[i][lane] + self.queries[four].norms[1][i];
        let count = QUERIES.min(self.positions.len() - four * QUERIES);
        let nearest = (0..count).map(squared).fold(f32::INFINITY, f32::min);
        let gap = (nearest.max(0.0).sqrt() - radius).max(0.0);
        gap * gap
    }

    /// How far a query looks, squared, in the turned coordinates; rounded up.
    fn reach(&self, q: usize) -> f32 {
        (self.search.reach(q) * self.tree.scale) as f32 * (1.0 + 1e-6)
    }

    /// What rounding may add to a squared distance between these queries and items of the block.
    fn allowance(&self, four: usize, level: usize, block: usize) -> f32 {
        self.tree.rounding * (self.queries[four].norm_max + self.tree.levels[level].norm_max(block))
    }

    fn four(&self, four: usize, level: usize, block: usize) -> Four<'_> {
        let allowance = self.allowance(four, level, block);
        let queries = &self.queries[four];
        let norms = &queries.norms[usize::from(level > 0)];
        let (mut reach, mut limits) = ([0.0; QUERIES], [f32::NEG_INFINITY; QUERIES]);
        for i in 0..QUERIES.min(self.positions.len() - four * QUERIES) {
            let squared = self.reach(four * QUERIES + i);
            if squared >= 0.0 {
                // An infinite reach stays infinite in the limit; beside a radius it must not become a NaN.
                reach[i] = squared.sqrt().min(1e15);
                limits[i] = squared + allowance - norms[i];
            }
        }
        Four { coordinates: &queries.coordinates, reach, limits }
    }

    fn meet(&mut self, q: usize, block: usize, mut lanes: u32) {
        let rows = self.tree.positions(block);
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
