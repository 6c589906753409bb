//! Searching from the bottom of the tree: a few rows look for others together.

use super::build::SpaceTree;
use super::bytes::ByteQueries;
use super::kernel::{Block, Dots, LANES, QUERIES, Reach, balls_within, rows_within};

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
    walk.refresh(fours);
    walk.look(tree.levels.len() - 1, 0, fours);
}

/// Four queries as the passes over blocks want them.
struct Queries {
    coordinates: Vec<[f32; QUERIES]>,
    /// The same in bytes, if the tree has its rows in bytes and none of these is too far off.
    bytes: Option<ByteQueries>,
    /// How far each looks, for bytes.
    limits: [i32; QUERIES],
    /// Squared norms on all axes and on those of the balls.
    norms: [[f32; QUERIES]; 2],
    /// What their own rounding may add to a squared distance.
    allowance: f32,
    /// How far they look at rows, and at balls.
    reach: [Reach; 2],
    /// The farthest that any of them looks, squared, with the allowance.
    widest: f32,
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
        let norm_max = norms[0].iter().copied().fold(0.0, f32::max);
        Self {
            bytes: tree.bytes.as_ref().and_then(|bytes| bytes.queries(&coordinates)),
            limits: [0; QUERIES],
            coordinates,
            allowance: tree.rounding * norm_max,
            norms,
            reach: [Reach::default(); 2],
            widest: f32::NEG_INFINITY,
        }
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
        // Others may have told meanwhile how far it is worth looking.
        self.refresh(fours);
        let (children, count) = self.children(level, block, fours);
        for child in &children[..count] {
            let of_child = |four: &usize| child.fours >> four & 1 == 1;
            let widest = (0..self.queries.len()).filter(of_child).map(|four| self.queries[four].widest);
            if child.apart <= widest.fold(f32::NEG_INFINITY, f32::max) && !self.search.skips(level - 1, child.ball) {
                self.look(level - 1, child.ball, child.fours);
            }
        }
    }

    /// The balls of a block that some query must look into, the nearest first, and how many they are.
    fn children(&self, level: usize, block: usize, fours: u32) -> ([Child; LANES], usize) {
        let balls = self.tree.levels[level].block(block);
        let mut children = [Child::default(); LANES];
        let mut dots = Dots([[0.0; LANES]; QUERIES]);
        // What fills up the last block is no ball.
        let there = u32::MAX >> (LANES - (self.tree.levels[level - 1].blocks() - block * LANES).min(LANES));
        let mut all = 0;
        for (four, queries) in self.queries.iter().enumerate().filter(|(four, _)| fours >> four & 1 == 1) {
            let found = balls_within(balls, &queries.coordinates, &queries.reach[1], &mut dots);
            let mut lanes = found.iter().fold(0, |any, lanes| any | lanes) & there;
            all |= lanes;
            while lanes != 0 {
                let lane = lanes.trailing_zeros() as usize;
                lanes &= lanes - 1;
                let apart = self.apart(four, balls, &dots, lane);
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
        (children, count)
    }

    fn look_at_rows(&mut self, block: usize, fours: u32) {
        let rows = self.tree.levels[0].block(block);
        for four in (0..self.queries.len()).filter(|four| fours >> four & 1 == 1) {
            let queries = &self.queries[four];
            let bytes = self.tree.bytes.as_ref().zip(queries.bytes.as_ref());
            let found = bytes
                .and_then(|(rows, queries_in_bytes)| rows.within(block, queries_in_bytes, &queries.limits))
                .unwrap_or_else(|| rows_within(rows, &queries.coordinates, &queries.reach[0]));
            if found == [0; QUERIES] {
                continue;
            }
            for (i, lanes) in found.into_iter().enumerate().filter(|(_, lanes)| *lanes != 0) {
                self.meet(four * QUERIES + i, block, lanes);
            }
            self.refresh(1 << four);
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

    /// Takes over how far these fours still look.
    fn refresh(&mut self, fours: u32) {
        for (four, queries) in self.queries.iter_mut().enumerate().filter(|(four, _)| fours >> four & 1 == 1) {
            queries.widest = f32::NEG_INFINITY;
            for i in 0..QUERIES {
                let q = four * QUERIES + i;
                // In the turned coordinates, rounded up.
                let squared = if q < self.positions.len() { self.search.reach(q) * self.tree.scale } else { -1.0 };
                let squared = squared as f32 * (1.0 + 1e-6);
                let limit = if squared >= 0.0 { squared + queries.allowance } else { f32::NEG_INFINITY };
                queries.widest = queries.widest.max(limit);
                if let (Some(rows), Some(bytes)) = (&self.tree.bytes, &queries.bytes) {
                    queries.limits[i] = rows.limit(bytes, i, if squared >= 0.0 { limit.sqrt() } else { -1.0 });
                }
                for (reach, norms) in queries.reach.iter_mut().zip(&queries.norms) {
                    // An infinite reach stays infinite in the limit; beside a radius it must not become a NaN.
                    reach.reach[i] = squared.max(0.0).sqrt().min(1e15);
                    reach.limits[i] = limit - norms[i];
                }
            }
        }
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
