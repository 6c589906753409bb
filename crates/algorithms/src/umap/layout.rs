//! Moving rows until near ones stand near: stochastic gradient descent that does not depend on the threads.
//!
//! Rows stand in the order of the tree, so most neighbours of a row stand in the same block. Blocks of a fixed size are moved
//! side by side: within one, steps follow each other as in the paper, both ends of an edge move; what lies in other blocks
//! stands where it stood at the end of the pass before. An edge between two blocks is in the lists of both, and each moves its
//! own end twice, so that every row is drawn and pushed as often as in one block. Each block draws from a generator of its
//! own, so nothing depends on which thread is where.

use rayon::prelude::*;

use super::curve::Forces;
use super::fuzzy::FuzzyGraph;
use crate::watch::{Interrupted, Progress, Watch};

/// Rows of one block.
const BLOCK: usize = 512;
/// Most that a coordinate changes in one step, at learning rate 1.
const STEP_MAX: f32 = 4.0;

/// How rows are moved.
#[derive(Clone, Copy)]
pub(super) struct Descent {
    pub(super) epochs: usize,
    pub(super) learning_rate: f64,
    pub(super) negative_samples: usize,
    pub(super) seed: u64,
}

/// A generator of 64-bit words (Steele, Lea and Flood 2014, "SplitMix").
pub(super) struct Draws(u64);

impl Draws {
    pub(super) fn new(seed: u64, stream: u64, pass: u64) -> Self {
        let mut draws = Self(seed ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ pass.rotate_left(40));
        draws.0 = draws.word();
        draws
    }

    #[inline(always)]
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let word = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ word >> 31
    }

    /// A number below `count`, which must be below 2^32.
    #[inline(always)]
    pub(super) fn below(&mut self, count: usize) -> usize {
        (((self.word() >> 32) * count as u64) >> 32) as usize
    }
}

/// Edges of one block, and when each is next due.
struct Block {
    first: usize,
    edges: Vec<Edge>,
}

struct Edge {
    own: u32,
    other: u32,
    /// Passes between two steps along it, 1 for the surest.
    every: f32,
    due: f32,
}

#[inline(always)]
fn squared<const D: usize>(a: &[f32; D], b: &[f32; D]) -> f32 {
    let mut sum = 0.0;
    for axis in 0..D {
        sum += (a[axis] - b[axis]) * (a[axis] - b[axis]);
    }
    sum
}

/// The step that a force makes along the difference.
#[inline(always)]
fn step<const D: usize>(a: &[f32; D], b: &[f32; D], force: f32, rate: f32) -> [f32; D] {
    std::array::from_fn(|axis| (force * (a[axis] - b[axis])).clamp(-STEP_MAX, STEP_MAX) * rate)
}

#[inline(always)]
fn add<const D: usize>(to: &mut [f32; D], step: &[f32; D]) {
    to.iter_mut().zip(step).for_each(|(to, step)| *to += step);
}

/// Draws `own` towards a place.
#[inline(always)]
pub(super) fn draw_near<const D: usize>(own: &mut [f32; D], to: &[f32; D], forces: &Forces, rate: f32) -> [f32; D] {
    let apart = squared(own, to);
    if apart <= 0.0 {
        return [0.0; D];
    }
    let step = step(own, to, forces.pull(apart), rate);
    add(own, &step);
    step
}

/// Pushes `own` away from rows drawn at random; `skip` is none of them.
#[inline(always)]
pub(super) fn push_away<const D: usize>(
    own: &mut [f32; D],
    skip: usize,
    all: &[[f32; D]],
    samples: usize,
    (forces, rate): (&Forces, f32),
    draws: &mut Draws,
) {
    for _ in 0..samples {
        let other = draws.below(all.len());
        if other != skip {
            let apart = squared(own, &all[other]);
            let step = step(own, &all[other], forces.push(apart), rate);
            add(own, &step);
        }
    }
}

impl Block {
    fn all(graph: &FuzzyGraph, epochs: usize) -> Vec<Self> {
        let most = graph.weights.iter().copied().fold(0.0, f32::max);
        let block = |first: usize| {
            let rows = first..(first + BLOCK).min(graph.rows());
            let edges = rows.flat_map(|own| graph.of_position(own).map(move |(other, weight)| (own, other, weight)));
            // What is never due may go.
            let edges = edges.filter(|(_, _, weight)| *weight * epochs as f32 >= most).map(|(own, other, weight)| {
                let every = most / weight;
                Edge { own: (own - first) as u32, other, every, due: every }
            });
            Self { first, edges: edges.collect() }
        };
        (0..graph.rows()).into_par_iter().step_by(BLOCK).map(block).collect()
    }

    /// One pass over what is due.
    fn pass<const D: usize>(
        &mut self,
        own: &mut [[f32; D]],
        before: &[[f32; D]],
        pass: usize,
        rate: f32,
        forces: &Forces,
        descent: &Descent,
    ) {
        own.copy_from_slice(&before[self.first..][..own.len()]);
        let mut draws = Draws::new(descent.seed, self.first as u64, pass as u64);
        let now = (pass + 1) as f32;
        for edge in self.edges.iter_mut().filter(|edge| edge.due <= now) {
            edge.due += edge.every;
            let (here, other) = (edge.own as usize, edge.other as usize);
            let mut moved = own[here];
            if let Some(inside) = other.checked_sub(self.first).filter(|inside| *inside < own.len()) {
                let step = draw_near(&mut moved, &own[inside], forces, rate);
                own[inside].iter_mut().zip(&step).for_each(|(to, step)| *to -= step);
            } else {
                draw_near(&mut moved, &before[other], forces, rate);
                draw_near(&mut moved, &before[other], forces, rate);
            }
            push_away(&mut moved, self.first + here, before, descent.negative_samples, (forces, rate), &mut draws);
            own[here] = moved;
        }
    }
}

/// Moves the rows from where they stand.
fn run<const D: usize>(
    graph: &FuzzyGraph,
    start: &[f32],
    components: usize,
    forces: &Forces,
    descent: &Descent,
    watch: &dyn Watch,
) -> Result<Vec<f32>, Interrupted> {
    let mut before: Vec<[f32; D]> = start.chunks_exact(components).map(padded).collect();
    let mut after = before.clone();
    let mut blocks = Block::all(graph, descent.epochs);
    let progress = Progress::new(watch, (descent.epochs * blocks.len()) as u64);
    for pass in 0..descent.epochs {
        let rate = (descent.learning_rate * (1.0 - pass as f64 / descent.epochs as f64)) as f32;
        blocks.par_iter_mut().zip(after.par_chunks_mut(BLOCK)).try_for_each(|(block, own)| {
            block.pass(own, &before, pass, rate, forces, descent);
            progress.advance(1)
        })?;
        std::mem::swap(&mut before, &mut after);
    }
    Ok(before.iter().flat_map(|row| row[..components].to_vec()).collect())
}

/// Coordinates beyond those asked for stay 0: no force acts along them.
pub(super) fn padded<const D: usize>(row: &[f32]) -> [f32; D] {
    std::array::from_fn(|axis| row.get(axis).copied().unwrap_or(0.0))
}

/// Calls the function compiled for the number of coordinates, or the next greater power of two.
macro_rules! for_components {
    ($components:expr, $run:ident($($argument:expr),* $(,)?)) => {
        match $components {
            0..=2 => $run::<2>($($argument),*),
            3..=4 => $run::<4>($($argument),*),
            5..=8 => $run::<8>($($argument),*),
            9..=16 => $run::<16>($($argument),*),
            _ => $run::<32>($($argument),*),
        }
    };
}
pub(super) use for_components;

/// Where the rows stand in the end; `start` holds `components` values for each position.
pub(super) fn layout(
    graph: &FuzzyGraph,
    start: &[f32],
    components: usize,
    forces: &Forces,
    descent: &Descent,
    watch: &dyn Watch,
) -> Result<Vec<f32>, Interrupted> {
    for_components!(components, run(graph, start, components, forces, descent, watch))
}
