//! Queries that search together: rows of one block.

use super::build::SpaceTree;
use super::kernel::{LANES, QUERIES, between_boxes, within};

/// Some rows of one block, as queries to all rows.
pub(crate) struct Group<'t> {
    tree: &'t SpaceTree,
    /// Positions of the queries.
    positions: Vec<usize>,
    /// Their coordinates, by fours and column.
    coordinates: Vec<[f32; QUERIES]>,
    norms: Vec<f32>,
    norm_max: f32,
    lower: Vec<f32>,
    upper: Vec<f32>,
    /// How far each may look, squared, in the turned coordinates.
    reach: Vec<f32>,
}

/// What a search does where it comes past.
pub(crate) trait Search {
    /// Whether nothing below the node can matter.
    fn skips(&self, node: usize) -> bool;

    /// How far query `q` still has to look, squared.
    fn reach(&self, q: usize) -> f64;

    /// The row at `position` lies near query `q`, at this squared distance.
    fn meet(&mut self, q: usize, position: usize, squared: f64);

    /// Whether the row at `position` matters to query `q`, before the distance is measured.
    fn admits(&self, q: usize, position: usize) -> bool;
}

impl<'t> Group<'t> {
    /// The queries at `positions`, all of one block.
    pub(crate) fn new(tree: &'t SpaceTree, positions: Vec<usize>) -> Self {
        let groups = positions.len().div_ceil(QUERIES);
        let mut group = Self {
            tree,
            coordinates: vec![[0.0; QUERIES]; groups * tree.columns],
            norms: vec![0.0; groups * QUERIES],
            norm_max: 0.0,
            lower: vec![f32::INFINITY; tree.columns],
            upper: vec![f32::NEG_INFINITY; tree.columns],
            reach: vec![0.0; groups * QUERIES],
            positions,
        };
        for (q, position) in group.positions.iter().enumerate() {
            let (block, norms) = tree.block(position / LANES);
            for (column, values) in block.iter().enumerate() {
                let value = values[position % LANES];
                group.coordinates[q / QUERIES * tree.columns + column][q % QUERIES] = value;
                group.lower[column] = group.lower[column].min(value);
                group.upper[column] = group.upper[column].max(value);
            }
            group.norms[q] = norms[position % LANES];
            group.norm_max = group.norm_max.max(group.norms[q]);
        }
        group
    }

    /// Number of queries.
    pub(crate) fn len(&self) -> usize {
        self.positions.len()
    }

    /// Walks to every block that can hold something within some query's reach, the nearest first.
    pub(crate) fn search(&mut self, search: &mut impl Search) {
        let mut widest = self.refresh(search);
        let mut stack = vec![(0usize, 0.0f32)];
        while let Some((node, apart)) = stack.pop() {
            let tree = self.tree;
            let found = tree.nodes[node];
            if apart > self.allowed(widest, found.norm_max) || search.skips(node) {
                continue;
            }
            if found.right == 0 {
                self.meet_block(found.first as usize, found.norm_max, search);
                widest = self.refresh(search);
                continue;
            }
            let mut children = [node + 1, found.right as usize].map(|child| (child, self.apart(child)));
            if children[0].1 <= children[1].1 {
                children.swap(0, 1);
            }
            stack.extend(children);
        }
    }

    fn apart(&self, node: usize) -> f32 {
        between_boxes((&self.lower, &self.upper), self.tree.corners(node))
    }

    /// A squared reach with what rounding may add between these queries and rows of at most this squared norm.
    fn allowed(&self, reach: f32, norm_max: f32) -> f32 {
        reach + self.tree.rounding * (self.norm_max + norm_max)
    }

    /// Takes over how far each query still looks; returns the farthest.
    fn refresh(&mut self, search: &impl Search) -> f32 {
        let mut widest = f32::NEG_INFINITY;
        for q in 0..self.positions.len() {
            // Rounded up: a share of 1e-6 is more than one step of an f32.
            self.reach[q] = (search.reach(q) * self.tree.scale) as f32 * (1.0 + 1e-6);
            widest = widest.max(self.reach[q]);
        }
        widest
    }

    fn meet_block(&self, block: usize, norm_max: f32, search: &mut impl Search) {
        let tree = self.tree;
        let (values, norms) = tree.block(block);
        for four in 0..self.norms.len() / QUERIES {
            let limits = std::array::from_fn(|i| {
                let q = four * QUERIES + i;
                self.allowed(self.reach[q], norm_max) - self.norms[q]
            });
            let queries = &self.coordinates[four * tree.columns..][..tree.columns];
            let found = within(values, norms, queries, &limits);
            for (i, mut lanes) in found.into_iter().enumerate() {
                let q = four * QUERIES + i;
                if q >= self.positions.len() {
                    break;
                }
                // What fills up the last block is no row.
                lanes &= u32::MAX >> (LANES - tree.rows_of(block));
                while lanes != 0 {
                    let position = block * LANES + lanes.trailing_zeros() as usize;
                    lanes &= lanes - 1;
                    if search.admits(q, position) {
                        search.meet(q, position, tree.squared_distance(self.positions[q], position));
                    }
                }
            }
        }
    }
}
