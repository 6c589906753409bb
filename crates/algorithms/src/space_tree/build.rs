//! The tree itself: rows in an order in which near ones stand together, and balls around runs of them.

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::bytes::{self, Bytes};
use super::kernel::LANES;
use super::levels::{Level, levels};
use super::rotation::Rotation;
use crate::watch::{Interrupted, Progress, Watch};

/// Rows that one thread turns at a time.
const ROWS_PER_CHUNK: usize = 2048;
/// A row this many times farther from its block's centre than the middle one, squared, does not belong there.
const STRAY: f32 = 4.0;
/// Rows that a direction is learnt from, and how often it is improved.
const DIRECTION_ROWS: usize = 256;
const DIRECTION_STEPS: usize = 4;
/// At most this share of the rows stands apart.
const STRAY_SHARE: usize = 8;

/// Rows laid out for exact searches among all of them by Euclidean distance.
///
/// Rows that are near each other stand together in blocks of 32; balls around blocks form blocks of 32 again, up to a
/// single one. A search passes over a block of rows or balls with four queries at a time: a filter in single precision
/// rules out what is too far, and what is left is measured in double precision on the rows as given. So the answers
/// are exact to double precision; and where balls rule nothing out, in many dimensions, the cost is that of comparing
/// all pairs at the speed of the machine's vector units.
///
/// Rows far from all others would blow up the balls of the blocks they come to stand in; they stand apart, at the end.
pub(crate) struct SpaceTree {
    pub(crate) columns: usize,
    /// The row at each position.
    pub(crate) order: Vec<u32>,
    /// The first block of rows that stand apart.
    pub(super) strays: usize,
    /// The rows as given, by position.
    exact: Vec<f64>,
    /// Rows, turned and scaled, at the bottom; balls above.
    pub(super) levels: Vec<Level>,
    /// The rows once more in bytes, if the processor is fast at them.
    pub(super) bytes: Option<Bytes>,
    /// Squared length in the turned coordinates of one unit of the given ones.
    pub(super) scale: f64,
    /// Rounding of a squared distance, as a share of the squared norms of both ends; that of the items is allowed for.
    pub(super) rounding: f32,
}

impl SpaceTree {
    /// Builds the tree over `rows`. `O(n d log n)`.
    pub(crate) fn new(rows: ArrayView2<'_, f64>, watch: &dyn Watch) -> Result<Self, Interrupted> {
        let (n, columns) = rows.dim();
        let rotation = Rotation::of(rows);
        let mut turned = Array2::<f32>::zeros((n, columns));
        let progress = Progress::new(watch, n as u64);
        turned
            .axis_chunks_iter_mut(Axis(0), ROWS_PER_CHUNK)
            .into_par_iter()
            .zip(rows.axis_chunks_iter(Axis(0), ROWS_PER_CHUNK).into_par_iter())
            .try_for_each(|(mut turned, rows)| {
                turned.assign(&rotation.apply(rows));
                progress.advance(rows.nrows() as u64)
            })?;
        let mut order: Vec<u32> = (0..n as u32).collect();
        // Roughly at first, to see which rows are far from all others.
        halve(&mut order, turned.view(), 1, watch)?;
        let near = set_strays_apart(&mut order, turned.view());
        let (mut dense, mut strays) = (order[..near].to_vec(), order[near..].to_vec());
        if strays.is_empty() {
            halve(&mut order, turned.view(), DIRECTION_STEPS, watch)?;
        } else {
            halve(&mut dense, turned.view(), DIRECTION_STEPS, watch)?;
            halve(&mut strays, turned.view(), 1, watch)?;
            dense.append(&mut strays);
            order = dense;
        }
        let places: Vec<usize> = order.iter().map(|row| *row as usize).collect();
        let (placed, strays) = (turned.select(Axis(0), &places), near.div_ceil(LANES));
        let rounding = 4.0 * (columns as f32 + 16.0) * f32::EPSILON;
        Ok(Self {
            columns,
            exact: order.iter().flat_map(|&row| rows.row(row as usize).to_vec()).collect(),
            strays,
            bytes: bytes::are_fast().then(|| Bytes::new(placed.as_slice().unwrap_or_default(), columns, strays)),
            levels: levels(&placed, rotation.main, rounding),
            order,
            scale: rotation.factor * rotation.factor,
            rounding,
        })
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.order.len()
    }

    /// Number of blocks of rows.
    pub(crate) fn blocks(&self) -> usize {
        self.rows().div_ceil(LANES)
    }

    /// The positions of a block's rows.
    pub(crate) fn positions(&self, block: usize) -> std::ops::Range<usize> {
        block * LANES..((block + 1) * LANES).min(self.rows())
    }

    /// The squared distance between the rows at two positions, in double precision.
    pub(crate) fn squared_distance(&self, a: usize, b: usize) -> f64 {
        let row = |position: usize| &self.exact[position * self.columns..(position + 1) * self.columns];
        let ((a, a_rest), (b, b_rest)) = (row(a).as_chunks::<4>(), row(b).as_chunks::<4>());
        // Four sums side by side, always added up the same way: the same on every machine.
        let mut sums = [0.0; 4];
        for (a, b) in a.iter().zip(b) {
            for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                *sum += (a - b) * (a - b);
            }
        }
        let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| (a - b) * (a - b)).sum();
        (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
    }

    /// Something about the rows below every ball, put together from the rows upwards: for each level of balls, from the
    /// lowest, one value a ball.
    pub(crate) fn summarise<T: Copy>(&self, row: impl Fn(usize) -> T, join: impl Fn(T, T) -> T) -> Vec<Vec<T>> {
        let mut below: Vec<T> = (0..self.rows()).map(row).collect();
        let mut found = Vec::new();
        for _ in 1..self.levels.len() {
            let joined = |items: &[T]| items[1..].iter().fold(items[0], |all, one| join(all, *one));
            below = below.chunks(LANES).map(joined).collect();
            found.push(below.clone());
        }
        found
    }
}

/// Orders the rows so that runs of blocks are near each other: cut across the direction in which they vary most, in
/// whole balls.
fn halve(order: &mut [u32], turned: ArrayView2<'_, f32>, steps: usize, watch: &dyn Watch) -> Result<(), Interrupted> {
    if order.len() <= LANES {
        return Ok(());
    }
    watch.tick(0, 1)?;
    let mut unit = LANES;
    while unit * LANES < order.len() {
        unit *= LANES;
    }
    let cut = (order.len() / 2 / unit).max(1) * unit;
    let direction = widest_direction(order, turned, steps);
    let along = |row: u32| turned.row(row as usize).iter().zip(&direction).map(|(v, d)| v * d).sum::<f32>();
    let mut ranked: Vec<(f32, u32)> = order.iter().map(|&row| (along(row), row)).collect();
    ranked.select_nth_unstable_by(cut, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    order.iter_mut().zip(ranked).for_each(|(row, (_, ranked))| *row = ranked);
    let (left, right) = order.split_at_mut(cut);
    let (one, other) = rayon::join(|| halve(left, turned, steps, watch), || halve(right, turned, steps, watch));
    one.and(other)
}

/// Roughly the direction in which these rows vary most: a few steps of the power method on some of them.
fn widest_direction(order: &[u32], turned: ArrayView2<'_, f32>, steps: usize) -> Vec<f32> {
    let sample = || order.iter().step_by(order.len().div_ceil(DIRECTION_ROWS)).map(|&row| turned.row(row as usize));
    let count = sample().count() as f32;
    let mut centre = vec![0.0f32; turned.ncols()];
    sample().for_each(|row| centre.iter_mut().zip(row).for_each(|(c, v)| *c += v / count));
    let mut spread = vec![0.0f32; centre.len()];
    for row in sample() {
        spread.iter_mut().zip(row.iter().zip(&centre)).for_each(|(s, (v, c))| *s += (v - c) * (v - c));
    }
    // From the axis on which they vary most, and a little of all others.
    let widest = spread.iter().copied().fold(0.0, f32::max);
    let mut direction: Vec<f32> = spread.iter().map(|s| if *s == widest { 1.0 } else { 0.1 }).collect();
    for _ in 0..steps {
        let mut next = vec![0.0f32; direction.len()];
        for row in sample() {
            let along: f32 = row.iter().zip(&centre).zip(&direction).map(|((v, c), d)| (v - c) * d).sum();
            next.iter_mut().zip(row.iter().zip(&centre)).for_each(|(n, (v, c))| *n += along * (v - c));
        }
        let length = next.iter().map(|n| n * n).sum::<f32>().sqrt();
        if length <= f32::MIN_POSITIVE {
            break;
        }
        direction = next.into_iter().map(|n| n / length).collect();
    }
    direction
}

/// Moves the rows that are far from the others of their block to the end; returns how many stay, whole blocks.
fn set_strays_apart(order: &mut Vec<u32>, turned: ArrayView2<'_, f32>) -> usize {
    let far: Vec<f32> = order.par_chunks(LANES).flat_map_iter(|block| how_far(block, turned)).collect();
    let strays = far.iter().filter(|far| **far > STRAY).count().min(order.len() / STRAY_SHARE);
    let near = (order.len() - strays) / LANES * LANES;
    if strays == 0 || near == 0 {
        return order.len();
    }
    let mut ranked: Vec<(f32, u32)> = far.into_iter().zip(order.iter().copied()).collect();
    ranked.select_nth_unstable_by(near, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    *order = ranked.into_iter().map(|(_, row)| row).collect();
    near
}

/// The squared distance of each row to the centre of its block, as a multiple of the middle one.
fn how_far(block: &[u32], turned: ArrayView2<'_, f32>) -> Vec<f32> {
    let mut centre = ndarray::Array1::<f32>::zeros(turned.ncols());
    block.iter().for_each(|&row| centre += &turned.row(row as usize));
    centre /= block.len() as f32;
    let squared = |row: u32| turned.row(row as usize).iter().zip(&centre).map(|(v, c)| (v - c) * (v - c)).sum::<f32>();
    let mut far: Vec<f32> = block.iter().map(|&row| squared(row)).collect();
    let mut ranked = far.clone();
    let middle = ranked.len() / 2;
    let (_, middle, _) = ranked.select_nth_unstable_by(middle, f32::total_cmp);
    let middle = middle.max(f32::MIN_POSITIVE);
    far.iter_mut().for_each(|far| *far /= middle);
    far
}
