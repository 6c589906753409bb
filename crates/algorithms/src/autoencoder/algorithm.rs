//! The estimator: fit, there and back.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize, Serializer};

use super::adam::Adam;
use super::errors::AutoencoderError;
use super::hyperparams::{AutoencoderParams, AutoencoderValidParams};
use super::network::Weights;
use crate::ParamGuard;
use crate::input::{Real, check_finite};
use crate::pca::{Pca, PcaError};
use crate::watch::{Progress, Watch};

/// Fewest rows.
const ROWS_MIN: usize = 10;
/// Rows mapped between two calls of the watch.
const ROWS_PER_BLOCK: usize = 128;
/// Progress on the rows held out counts from this share on.
const PROGRESS_LEAST: f64 = 1e-4;

/// An autoencoder: rows are mapped to a code of few numbers and back, with as little difference as possible (Hinton and
/// Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks", Science 313).
///
/// # What it does
/// Both ways are a linear map and, beside it, a hidden layer of `tanh` units. The linear maps start as principal components and
/// the hidden layers start mute, so the network is as good as principal components from the first step, and bends from there.
/// The mean squared difference is minimised by Adam (Kingma and Ba 2015) on batches in an order drawn anew for each pass. A
/// share of the rows is held out; training stops when the loss on them no longer falls, and the weights of its lowest point
/// are kept, the start among them: on rows held out it is never worse than principal components of the others.
///
/// Columns are centred and all scaled by one number, so units still matter: put columns on comparable scales.
///
/// # When to use it
/// Where rows lie near a bent surface that a plane of as few dimensions misses, and a way back is needed.
///
/// # Cost
/// `O(epochs rows (columns + code) hidden)` on one thread, in double precision; memory for the rows twice and the weights four
/// times. The same seed gives the same bytes.
///
/// # Errors
/// Named by [`AutoencoderError`]: fewer than 10 rows or than numbers in the code, fewer columns than these, a value that is
/// not finite as `f32`, or the watch interrupted.
///
/// # Example
/// ```
/// use ndarray::Array2;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::autoencoder::Autoencoder;
///
/// // Half a circle: one number says where on it.
/// let angle = |row: usize| std::f64::consts::PI * (row as f64 * 0.618_034).fract();
/// let x = Array2::from_shape_fn((600, 2), |(row, column)| [angle(row).cos(), angle(row).sin()][column]);
/// let model = Autoencoder::params(1).hidden(12).check()?.fit(x.view(), &())?;
/// assert!(model.held_out_loss() < 0.5 * model.start_loss());
/// let back = model.inverse_transform(model.transform(x.view(), &())?.view(), &())?;
/// assert_eq!(back.dim(), x.dim());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Autoencoder {
    parts: Stored,
}

impl Serialize for Autoencoder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.parts.serialize(serializer)
    }
}

/// The parts of a model, before they are known to fit together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    mean: Array1<f64>,
    /// What differences from the mean are divided by.
    scale: f64,
    weights: Weights,
    epochs: usize,
    start_loss: f64,
    held_out_loss: f64,
}

impl TryFrom<Stored> for Autoencoder {
    type Error = &'static str;

    fn try_from(parts: Stored) -> Result<Self, Self::Error> {
        if parts.weights.columns() != parts.mean.len() || parts.weights.code() == 0 || !parts.weights.is_sound() {
            return Err("autoencoder: weights and columns do not match");
        }
        let numbers = [parts.scale, parts.start_loss, parts.held_out_loss];
        if !parts.mean.iter().chain(&numbers).all(|value| value.is_finite()) || parts.scale <= 0.0 {
            return Err("autoencoder: a value is not a number");
        }
        Ok(Self { parts })
    }
}

impl Autoencoder {
    /// Hyperparameters for a code of so many numbers.
    pub fn params(code: usize) -> AutoencoderParams {
        AutoencoderParams::new(code)
    }
    /// Numbers in the code.
    pub fn code(&self) -> usize {
        self.parts.weights.code()
    }
    /// Number of columns that rows must have.
    pub fn columns(&self) -> usize {
        self.parts.mean.len()
    }
    /// Passes over the rows until the weights that were kept.
    pub fn epochs(&self) -> usize {
        self.parts.epochs
    }
    /// Mean squared difference on the rows held out, in units of the mean variance of a column.
    pub fn held_out_loss(&self) -> f64 {
        self.parts.held_out_loss
    }
    /// The same of the principal components it started from.
    pub fn start_loss(&self) -> f64 {
        self.parts.start_loss
    }

    /// The code of each row, rows x code. `x` is rows x columns.
    ///
    /// # Errors
    /// The width differs from that learnt from, a value is not finite as `f32`, or the watch interrupts.
    pub fn transform<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Array2<f64>, AutoencoderError> {
        let Stored { mean, scale, weights, .. } = &self.parts;
        by_block(x, (mean.len(), self.code()), watch, |rows| {
            weights.encode(((rows.mapv(Real::to_f64) - mean) / *scale).view())
        })
    }

    /// The rows that these codes stand for, rows x columns. `z` is rows x code.
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    pub fn inverse_transform<F: Real>(
        &self,
        z: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<Array2<f64>, AutoencoderError> {
        let Stored { mean, scale, weights, .. } = &self.parts;
        by_block(z, (self.code(), mean.len()), watch, |rows| {
            weights.decode(rows.mapv(Real::to_f64).view()) * *scale + mean
        })
    }
}

/// Maps rows of the first width to rows of the second, on all threads.
fn by_block<F: Real>(
    x: ArrayView2<'_, F>,
    (from, to): (usize, usize),
    watch: &dyn Watch,
    map: impl Fn(ArrayView2<'_, F>) -> Array2<f64> + Sync,
) -> Result<Array2<f64>, AutoencoderError> {
    if x.ncols() != from {
        return Err(AutoencoderError::Columns { expected: from, found: x.ncols() });
    }
    check_finite(x, watch)?;
    let progress = Progress::new(watch, x.nrows() as u64);
    let mut found = Array2::zeros((x.nrows(), to));
    let blocks = found.axis_chunks_iter_mut(Axis(0), ROWS_PER_BLOCK).into_par_iter();
    blocks.zip(x.axis_chunks_iter(Axis(0), ROWS_PER_BLOCK).into_par_iter()).try_for_each(|(mut block, rows)| {
        block.assign(&map(rows));
        progress.advance(rows.nrows() as u64)
    })?;
    Ok(found)
}

impl AutoencoderValidParams {
    /// Trains on `x`, rows x columns.
    ///
    /// # Errors
    /// See [`Autoencoder`].
    pub fn fit<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Autoencoder, AutoencoderError> {
        let (rows, columns) = x.dim();
        // As many must be left for the start as it has components.
        let needed = ROWS_MIN.max(2 * self.code + 2);
        if rows < needed || columns < self.code {
            return Err(AutoencoderError::TooSmall { rows, columns, needed, code: self.code });
        }
        check_finite(x, watch)?;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let mut order: Vec<usize> = (0..rows).collect();
        order.shuffle(&mut rng);
        let held_out = ((self.held_out * rows as f64) as usize).max(1);
        let (held_out, mut learnt) = (order[..held_out].to_vec(), order[held_out..].to_vec());
        learnt.sort_unstable();
        let chosen = |rows: &[usize]| x.select(Axis(0), rows).mapv(Real::to_f64);
        let (mut held_out, mut learnt) = (chosen(&held_out), chosen(&learnt));
        let pca = Pca::params().components(self.code).check().map_err(PcaError::from)?.fit(learnt.view(), watch)?;
        let mean = pca.mean().to_owned();
        let variance = pca.total_variance() / columns as f64;
        let scale = if variance > 0.0 { variance.sqrt() } else { 1.0 };
        for part in [&mut held_out, &mut learnt] {
            *part -= &mean;
            *part /= scale;
        }
        let weights = Weights::start(pca.components(), self.hidden, || rng.gen_range(-1.0..1.0));
        let start_loss = weights.loss(held_out.view());
        let descent = self.descend(weights, start_loss, (&learnt, &held_out), &mut rng, watch)?;
        let Best { weights, epochs, loss } = descent;
        Ok(Autoencoder { parts: Stored { mean, scale, weights, epochs, start_loss, held_out_loss: loss } })
    }

    /// Steps until the loss on the rows held out no longer falls.
    fn descend(
        &self,
        mut weights: Weights,
        start_loss: f64,
        (learnt, held_out): (&Array2<f64>, &Array2<f64>),
        rng: &mut Xoshiro256PlusPlus,
        watch: &dyn Watch,
    ) -> Result<Best, AutoencoderError> {
        let mut best = Best { weights: weights.clone(), epochs: 0, loss: start_loss };
        let mut adam = Adam::new(&weights, self.learning_rate);
        let mut order: Vec<usize> = (0..learnt.nrows()).collect();
        let progress = Progress::new(watch, (self.epochs * learnt.nrows()) as u64);
        for epoch in 1..=self.epochs {
            order.shuffle(rng);
            for batch in order.chunks(self.batch) {
                // A large batch is summed in parts, so that the watch is asked often enough.
                let mut gradient = weights.zeros();
                for part in batch.chunks(ROWS_PER_BLOCK) {
                    let share = part.len() as f64 / batch.len() as f64;
                    let of_part = weights.gradient(learnt.select(Axis(0), part).view());
                    gradient.0.iter_mut().zip(&of_part.0).for_each(|(to, part)| to.scaled_add(share, part));
                    progress.advance(part.len() as u64)?;
                }
                adam.step(&mut weights, &gradient);
            }
            let mut loss = 0.0;
            for start in (0..held_out.nrows()).step_by(ROWS_PER_BLOCK) {
                let rows = held_out.slice(s![start..(start + ROWS_PER_BLOCK).min(held_out.nrows()), ..]);
                loss += weights.loss(rows) * rows.nrows() as f64 / held_out.nrows() as f64;
                progress.advance(0)?;
            }
            if loss < best.loss * (1.0 - PROGRESS_LEAST) {
                best = Best { weights: weights.clone(), epochs: epoch, loss };
            } else if epoch >= best.epochs + self.patience {
                break;
            }
        }
        Ok(best)
    }
}

/// The lowest point seen.
struct Best {
    weights: Weights,
    epochs: usize,
    loss: f64,
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
