//! Log-densities of blocks of rows under all components.

use multiversion::multiversion;
use ndarray::{ArrayView1, ArrayView2, ArrayView3};

use super::errors::GaussianMixtureError;
use super::hyperparams::CovarianceKind;
use super::whitening::{Unusable, Whitening};
use crate::lanes::{LANES, Lane};
use crate::watch::Progress;

/// A mixture prepared for computing densities.
pub(super) struct Densities {
    whitenings: Vec<Whitening>,
    /// For each component the logarithm of its weight and of the factor before the exponential.
    offsets: Vec<f64>,
    pub(super) means: Vec<f64>,
    pub(super) columns: usize,
}

/// What one thread needs while it computes densities.
#[derive(Default)]
pub(super) struct Scratch {
    centred: Vec<Lane>,
    /// Log-density of each component, then its responsibility, for each row of the block.
    pub(super) by_component: Vec<Lane>,
}

impl Densities {
    /// `O(components columns^3)` for matrices.
    pub(super) fn new(
        weights: ArrayView1<'_, f64>,
        means: ArrayView2<'_, f64>,
        covariances: ArrayView3<'_, f64>,
        kind: CovarianceKind,
        progress: &Progress<'_>,
    ) -> Result<Self, GaussianMixtureError> {
        let whitenings = Whitening::all(covariances, kind, progress).map_err(|(component, why)| match why {
            Unusable::NotPositive => GaussianMixtureError::Singular { component },
            Unusable::Interrupted(interrupted) => interrupted.into(),
        })?;
        let columns = means.ncols();
        let constant = -0.5 * columns as f64 * std::f64::consts::TAU.ln();
        let offset = |(component, weight): (usize, &f64)| {
            weight.ln() + constant + whitenings[component.min(whitenings.len() - 1)].log_determinant()
        };
        let offsets = weights.iter().enumerate().map(offset).collect();
        Ok(Self { whitenings, offsets, means: means.iter().copied().collect(), columns })
    }

    pub(super) fn components(&self) -> usize {
        self.offsets.len()
    }

    pub(super) fn mean(&self, component: usize) -> &[f64] {
        &self.means[component * self.columns..][..self.columns]
    }

    /// Gives the log-likelihood of each row of the block and leaves the responsibilities in `scratch`.
    pub(super) fn responsibilities(&self, block: &[Lane], scratch: &mut Scratch) -> Lane {
        scratch.centred.resize(self.columns, [0.0; LANES]);
        scratch.by_component.resize(self.components(), [0.0; LANES]);
        for (component, logs) in scratch.by_component.iter_mut().enumerate() {
            let squared = match &self.whitenings[component.min(self.whitenings.len() - 1)] {
                Whitening::Triangle(lower) => {
                    squared_by_triangle(block, self.mean(component), lower, &mut scratch.centred)
                }
                Whitening::Scales(scales) => squared_by_scales(block, self.mean(component), scales),
            };
            for (log, squared) in logs.iter_mut().zip(squared) {
                *log = self.offsets[component] - 0.5 * squared;
            }
        }
        normalise(&mut scratch.by_component)
    }
}

/// Replaces log-densities by their shares in the sum of the densities and gives the logarithms of the sums.
fn normalise(by_component: &mut [Lane]) -> Lane {
    let mut greatest = [f64::NEG_INFINITY; LANES];
    for logs in by_component.iter() {
        greatest.iter_mut().zip(logs).for_each(|(greatest, log)| *greatest = greatest.max(*log));
    }
    let mut sums = [0.0; LANES];
    for logs in by_component.iter_mut() {
        for ((log, sum), greatest) in logs.iter_mut().zip(&mut sums).zip(&greatest) {
            *log = (*log - greatest).exp();
            *sum += *log;
        }
    }
    for shares in by_component.iter_mut() {
        shares.iter_mut().zip(&sums).for_each(|(share, sum)| *share /= sum);
    }
    let mut logs = greatest;
    logs.iter_mut().zip(&sums).for_each(|(log, sum)| *log += sum.ln());
    logs
}

/// Squared length of `W (x - mean)` for each row `x` of the block.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn squared_by_triangle(block: &[Lane], mean: &[f64], lower: &[f64], centred: &mut [Lane]) -> Lane {
    for ((centred, values), mean) in centred.iter_mut().zip(block).zip(mean) {
        for (centred, value) in centred.iter_mut().zip(values) {
            *centred = value - mean;
        }
    }
    let mut squared = [0.0; LANES];
    let mut rest = lower;
    for row in 0..mean.len() {
        let (entries, after) = rest.split_at(row + 1);
        rest = after;
        let mut sums = [0.0; LANES];
        for (entry, values) in entries.iter().zip(centred.iter()) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += entry * value;
            }
        }
        for (squared, sum) in squared.iter_mut().zip(sums) {
            *squared += sum * sum;
        }
    }
    squared
}

/// As [`squared_by_triangle`] for a diagonal `W`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn squared_by_scales(block: &[Lane], mean: &[f64], scales: &[f64]) -> Lane {
    let mut squared = [0.0; LANES];
    for ((values, mean), scale) in block.iter().zip(mean).zip(scales) {
        for (squared, value) in squared.iter_mut().zip(values) {
            let scaled = (value - mean) * scale;
            *squared += scaled * scaled;
        }
    }
    squared
}
