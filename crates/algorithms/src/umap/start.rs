//! Where the rows stand before they are moved.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::errors::UmapError;
use super::fuzzy::FuzzyGraph;
use super::hyperparams::Start;
use super::layout::Draws;
use crate::ParamGuard;
use crate::pca::{Pca, PcaError};
use crate::symmetric_eigen::{EigenStop, SymmetricEigen};
use crate::watch::{Progress, Watch};

/// The start fills a cube of this width.
const WIDTH: f32 = 10.0;
/// Noise that parts rows of equal coordinates.
const NOISE: f32 = 1e-3;
/// Steps of Lanczos' method, for one coordinate and for each further one.
const STEPS: usize = 60;
const STEPS_PER_COMPONENT: usize = 10;
/// Rows multiplied between two calls of the watch.
const ROWS_PER_CHUNK: usize = 2048;

/// `components` coordinates for each position. `rows` are centred, in the order given at first; `order` is the row at each
/// position.
pub(super) fn start(
    kind: Start,
    rows: ArrayView2<'_, f64>,
    (order, graph): (&[u32], &FuzzyGraph),
    components: usize,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Vec<f32>, UmapError> {
    let n = order.len();
    let mut start = vec![0.0f32; n * components];
    if kind == Start::Spectral && n > components + 1 && is_connected(graph) {
        for (axis, vector) in smoothest(graph, components, seed, watch)?.iter().enumerate() {
            start.iter_mut().skip(axis).step_by(components).zip(vector).for_each(|(to, value)| *to = *value as f32);
        }
    } else {
        let kept = components.min(rows.ncols()).min(n);
        let projected = principal(rows, kept, watch)?;
        for (to, row) in start.chunks_exact_mut(components).zip(order) {
            to.iter_mut().zip(projected.row(*row as usize)).for_each(|(to, value)| *to = *value as f32);
        }
    }
    spread(&mut start, components, seed);
    Ok(start)
}

fn principal(rows: ArrayView2<'_, f64>, kept: usize, watch: &dyn Watch) -> Result<Array2<f64>, UmapError> {
    let params = Pca::params().components(kept).check().map_err(PcaError::from);
    let projected = params.and_then(|params| params.fit(rows, watch)).and_then(|pca| pca.transform(rows, watch));
    projected.map_err(|error| match error {
        PcaError::Interrupted(interrupted) => interrupted.into(),
        PcaError::NotFinite(found) => found.into(),
        _ => UmapError::NotConverged,
    })
}

/// Stretches every coordinate over the same width, and adds a little noise.
fn spread(start: &mut [f32], components: usize, seed: u64) {
    for axis in 0..components {
        let values = || start.iter().skip(axis).step_by(components);
        let (least, most) = values().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, m), v| (l.min(*v), m.max(*v)));
        let stretch = if most > least { WIDTH / (most - least) } else { 0.0 };
        let mut draws = Draws::new(seed, u64::MAX, axis as u64);
        for value in start.iter_mut().skip(axis).step_by(components) {
            let noise = NOISE * (draws.below(1 << 20) as f32 / (1 << 19) as f32 - 1.0);
            *value = (*value - least) * stretch + noise;
        }
    }
}

fn is_connected(graph: &FuzzyGraph) -> bool {
    let mut seen = vec![false; graph.rows()];
    let mut open = vec![0u32];
    let mut reached = 0;
    seen[0] = true;
    while let Some(own) = open.pop() {
        reached += 1;
        for (other, _) in graph.of_position(own as usize) {
            if !std::mem::replace(&mut seen[other as usize], true) {
                open.push(other);
            }
        }
    }
    reached == graph.rows()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn take_out(vector: &mut [f64], along: &[f64]) -> f64 {
    let share = dot(vector, along);
    vector.iter_mut().zip(along).for_each(|(value, along)| *value -= share * along);
    share
}

/// Divides by the length, which is returned; leaves nothing as it is.
fn to_unit(vector: &mut [f64]) -> f64 {
    let length = dot(vector, vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    length
}

/// The vectors that vary least along the edges of the graph, without the one that does not vary: those of the greatest
/// eigenvalues of `D^-1/2 W D^-1/2`, by Lanczos' method with full orthogonalisation (Golub and Van Loan). As a start they
/// need not have converged.
fn smoothest(graph: &FuzzyGraph, components: usize, seed: u64, watch: &dyn Watch) -> Result<Vec<Vec<f64>>, UmapError> {
    let n = graph.rows();
    let steps = (STEPS + STEPS_PER_COMPONENT * components).min(n - 1);
    let progress = Progress::new(watch, steps as u64);
    let degree = |own: usize| graph.of_position(own).map(|(_, weight)| f64::from(weight)).sum::<f64>();
    let roots: Vec<f64> = (0..n).into_par_iter().map(|own| degree(own).sqrt()).collect();
    let mut constant = roots.clone();
    to_unit(&mut constant);
    let mut draws = Draws::new(seed, 1, 0);
    let mut vector: Vec<f64> = (0..n).map(|_| draws.below(1 << 30) as f64 / (1 << 29) as f64 - 1.0).collect();
    take_out(&mut vector, &constant);
    to_unit(&mut vector);
    let mut basis = vec![vector];
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    while let Some(last) = basis.last() {
        let multiplied = |own: usize| {
            let edges = graph.of_position(own);
            let sum: f64 = edges.map(|(o, weight)| f64::from(weight) * last[o as usize] / roots[o as usize]).sum();
            sum / roots[own]
        };
        let mut next = vec![0.0; n];
        next.par_chunks_mut(ROWS_PER_CHUNK).enumerate().try_for_each(|(chunk, next)| {
            next.iter_mut().enumerate().for_each(|(at, to)| *to = multiplied(chunk * ROWS_PER_CHUNK + at));
            progress.advance(0)
        })?;
        diagonal.push(dot(&next, last));
        take_out(&mut next, &constant);
        for other in basis.iter().rev() {
            take_out(&mut next, other);
            progress.advance(0)?;
        }
        let length = to_unit(&mut next);
        if diagonal.len() == steps || length < 1e-10 {
            break;
        }
        progress.advance(1)?;
        beside.push(length);
        basis.push(next);
    }
    let mut small = Array2::<f64>::zeros((diagonal.len(), diagonal.len()));
    for (at, value) in diagonal.iter().enumerate() {
        small[[at, at]] = *value;
        if let Some(value) = beside.get(at).filter(|_| at + 1 < diagonal.len()) {
            small[[at, at + 1]] = *value;
            small[[at + 1, at]] = *value;
        }
    }
    let eigen = SymmetricEigen::of(small.view(), &progress).map_err(|stop| match stop {
        EigenStop::NotConverged => UmapError::NotConverged,
        EigenStop::Interrupted(interrupted) => interrupted.into(),
    })?;
    let mut found = Vec::new();
    for weights in eigen.vectors.outer_iter().take(components) {
        let mut vector = vec![0.0; n];
        for (weight, part) in weights.iter().zip(&basis) {
            vector.iter_mut().zip(part).for_each(|(to, value)| *to += weight * value);
            progress.advance(0)?;
        }
        found.push(vector);
    }
    Ok(found)
}
