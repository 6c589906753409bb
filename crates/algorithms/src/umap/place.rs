//! Placing new rows among those that were learnt from.

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::curve::Forces;
use super::fuzzy::Scale;
use super::layout::{Descent, Draws, draw_near, for_components, padded, push_away};
use crate::neighbors::Neighbor;
use crate::watch::{Interrupted, Progress, Watch};

/// Rows placed between two calls of the watch.
const ROWS_PER_CHUNK: usize = 16;

/// What new rows are placed among.
pub(super) struct Place<'a> {
    pub(super) embedding: &'a Array2<f32>,
    pub(super) forces: &'a Forces,
    pub(super) descent: Descent,
    pub(super) mean_distance: f64,
}

/// Coordinates of each row of `queries`, whose neighbours among the known rows are `found`.
pub(super) fn place(
    place: &Place<'_>,
    queries: ArrayView2<'_, f32>,
    found: &[Vec<Neighbor>],
    watch: &dyn Watch,
) -> Result<Array2<f32>, Interrupted> {
    for_components!(place.embedding.ncols(), run(place, queries, found, watch))
}

fn run<const D: usize>(
    place: &Place<'_>,
    queries: ArrayView2<'_, f32>,
    found: &[Vec<Neighbor>],
    watch: &dyn Watch,
) -> Result<Array2<f32>, Interrupted> {
    let known: Vec<[f32; D]> = place.embedding.outer_iter().map(|row| padded(&row.to_vec())).collect();
    let components = place.embedding.ncols();
    let mut placed = Array2::zeros((queries.nrows(), components));
    let progress = Progress::new(watch, queries.nrows() as u64);
    let chunks = placed.axis_chunks_iter_mut(Axis(0), ROWS_PER_CHUNK).into_par_iter();
    let queries = queries.axis_chunks_iter(Axis(0), ROWS_PER_CHUNK).into_par_iter();
    chunks.zip(queries).zip(found.par_chunks(ROWS_PER_CHUNK)).try_for_each(|((mut placed, queries), found)| {
        for ((mut to, query), found) in placed.outer_iter_mut().zip(queries.outer_iter()).zip(found) {
            // Chance follows from the row itself, so it does not matter which rows it comes with.
            let bits = |hash: u64, value: &f32| {
                (hash.rotate_left(23) ^ u64::from(value.to_bits())).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            };
            let mut draws = Draws::new(place.descent.seed, query.iter().fold(2, bits), 0);
            let at = place.one(&known, found, &mut draws);
            to.iter_mut().zip(at).for_each(|(to, value)| *to = value);
        }
        progress.advance(found.len() as u64)
    })?;
    Ok(placed)
}

impl Place<'_> {
    /// Starts at the weighted mean of the neighbours, then is drawn and pushed as the known rows were; these stand still.
    fn one<const D: usize>(&self, known: &[[f32; D]], found: &[Neighbor], draws: &mut Draws) -> [f32; D] {
        let distances: Vec<f32> = found.iter().map(|neighbor| neighbor.distance as f32).collect();
        let scale = Scale::of(&distances, 0.0, self.mean_distance);
        let weights: Vec<f64> = distances.iter().map(|distance| scale.weight(*distance)).collect();
        let sum: f64 = weights.iter().sum();
        let mut at = [0.0f32; D];
        for (neighbor, weight) in found.iter().zip(&weights) {
            let share = if sum > 0.0 { weight / sum } else { 1.0 / found.len() as f64 } as f32;
            at.iter_mut().zip(&known[neighbor.row]).for_each(|(at, value)| *at += share * value);
        }
        let most = weights.iter().copied().fold(0.0, f64::max);
        let mut due: Vec<f64> = weights.iter().map(|weight| most / weight).collect();
        for pass in 0..self.descent.epochs {
            let rate = (self.descent.learning_rate * (1.0 - pass as f64 / self.descent.epochs as f64)) as f32;
            for ((neighbor, weight), due) in found.iter().zip(&weights).zip(&mut due) {
                if *due <= (pass + 1) as f64 {
                    *due += most / weight;
                    draw_near(&mut at, &known[neighbor.row], self.forces, rate);
                    push_away(&mut at, neighbor.row, known, self.descent.negative_samples, (self.forces, rate), draws);
                }
            }
        }
        at
    }
}
