//! The start: k-means++ (Arthur and Vassilvitskii 2007), greedy over several candidates for each centroid.
//!
//! Random numbers are those of NumPy's `RandomState`, used as scikit-learn uses them: with the same seed both start
//! from the same rows.

use rayon::prelude::*;

use super::strips::{rows_per_strip, rows_per_tick};
use crate::input::Real;
use crate::isolation_forest::RandomState;
use crate::lanes::{LANES, Lane, RowMajor, squared_distances};
use crate::watch::{Interrupted, Progress};

/// Squared distances of some rows to the nearest centroid chosen so far.
struct Closest<'a, F> {
    rows: RowMajor<'a, F>,
    squared: Vec<f64>,
    /// What `squared` would be with each candidate added.
    offers: Vec<Vec<f64>>,
}

impl<F: Real> Closest<'_, F> {
    /// Computes the offers of all candidates and gives their sums.
    fn offer(&mut self, candidates: &[f64], progress: &Progress<'_>) -> Result<Vec<f64>, Interrupted> {
        let count = self.offers.len();
        let mut block = Vec::new();
        let mut distances: Vec<Lane> = vec![[0.0; LANES]; count];
        let mut sums = vec![0.0; count];
        let step = rows_per_tick(candidates.len());
        for start in (0..self.squared.len()).step_by(LANES) {
            let end = (start + LANES).min(self.squared.len());
            self.rows.gather(start..end, &mut block);
            squared_distances(&block, candidates, &mut distances);
            let squared = &self.squared[start..end];
            for ((offer, sum), distances) in self.offers.iter_mut().zip(&mut sums).zip(&distances) {
                for ((offer, distance), squared) in offer[start..end].iter_mut().zip(distances).zip(squared) {
                    *offer = if distance < squared { *distance } else { *squared };
                    *sum += *offer;
                }
            }
            if end.is_multiple_of(step) {
                progress.advance(0)?;
            }
        }
        Ok(sums)
    }
}

/// Chooses `clusters` rows far from each other and gives their values.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "counts stay far below 2^53, and the logarithm is small"
)]
pub(super) fn choose<F: Real>(
    rows: RowMajor<'_, F>,
    clusters: usize,
    random: &mut RandomState,
    progress: &Progress<'_>,
) -> Result<Vec<f64>, Interrupted> {
    let (count, step) = (rows.rows(), rows_per_strip(rows.rows()));
    let trials = 2 + (clusters as f64).ln() as usize;
    let first = ((random.unit() * count as f64) as usize).min(count - 1);
    let mut chosen = values(rows, first);
    let mut strips: Vec<Closest<'_, F>> = (0..count)
        .step_by(step)
        .map(|start| {
            let rows = rows.part(start, (start + step).min(count));
            let squared = vec![f64::INFINITY; rows.rows()];
            Closest { rows, offers: vec![squared.clone()], squared }
        })
        .collect();
    let mut sums = accept_best(&mut strips, &chosen, 1, progress)?.1;
    for _ in 1..clusters {
        let total: f64 = sums.iter().sum();
        let drawn: Vec<f64> = (0..trials).map(|_| random.unit() * total).collect();
        let candidates: Vec<f64> =
            drawn.iter().flat_map(|at| values(rows, row_at(&strips, &sums, step, *at))).collect();
        let (best, after) = accept_best(&mut strips, &candidates, trials, progress)?;
        sums = after;
        chosen.extend_from_slice(&candidates[best * rows.columns..][..rows.columns]);
    }
    Ok(chosen)
}

fn values<F: Real>(rows: RowMajor<'_, F>, row: usize) -> Vec<f64> {
    rows.row(row).iter().map(|value| value.to_f64()).collect()
}

/// Adds the candidate that leaves the least sum of squared distances, and gives it and that sum for each strip.
fn accept_best<F: Real>(
    strips: &mut [Closest<'_, F>],
    candidates: &[f64],
    count: usize,
    progress: &Progress<'_>,
) -> Result<(usize, Vec<f64>), Interrupted> {
    let sums: Result<Vec<Vec<f64>>, Interrupted> = strips
        .par_iter_mut()
        .map(|strip| {
            strip.offers.resize_with(count, || vec![0.0; strip.squared.len()]);
            strip.offer(candidates, progress)
        })
        .collect();
    let sums = sums?;
    let total = |candidate: usize| -> f64 { sums.iter().map(|strip| strip[candidate]).sum() };
    let totals: Vec<f64> = (0..count).map(total).collect();
    let best = (0..count).min_by(|a, b| totals[*a].total_cmp(&totals[*b])).unwrap_or(0);
    strips.iter_mut().for_each(|strip| std::mem::swap(&mut strip.squared, &mut strip.offers[best]));
    Ok((best, sums.iter().map(|strip| strip[best]).collect()))
}

/// The first row up to which, and with it, the squared distances sum to at least `at`.
fn row_at<F>(strips: &[Closest<'_, F>], sums: &[f64], step: usize, at: f64) -> usize {
    let mut before = 0.0;
    let mut last = 0;
    for (index, (strip, sum)) in strips.iter().zip(sums).enumerate() {
        if before + sum >= at {
            let mut reached = before;
            for (row, squared) in strip.squared.iter().enumerate() {
                reached += squared;
                if reached >= at {
                    return index * step + row;
                }
            }
        }
        before += sum;
        last = index * step + strip.squared.len() - 1;
    }
    last
}
