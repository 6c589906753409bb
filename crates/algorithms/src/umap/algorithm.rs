//! The estimator: fit and transform.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize, Serializer};

use super::curve::{Curve, Forces};
use super::errors::UmapError;
use super::fuzzy::FuzzyGraph;
use super::hyperparams::{UmapParams, UmapValidParams};
use super::layout::{Descent, layout};
use super::place::{Place, place};
use super::start::start;
use crate::input::{Real, check_finite};
use crate::neighbor_graph::NeighborGraph;
use crate::neighbors::NeighborIndex;
use crate::watch::{Progress, Watch};

/// Up to this many rows there are more passes.
const FEW_ROWS: usize = 10_000;
const EPOCHS_FEW_ROWS: usize = 500;
const EPOCHS_MANY_ROWS: usize = 200;
/// New rows take this share of the passes, with steps as much shorter.
const TRANSFORM_SHARE: usize = 4;
/// Most rows.
const ROWS_MAX: usize = 1 << 24;
/// Rows copied between two calls of the watch.
const ROWS_PER_CHUNK: usize = 4096;

/// Uniform manifold approximation and projection (McInnes, Healy and Melville 2018, arXiv 1802.03426).
///
/// # What it does
/// Each row is surely a neighbour of the nearest other row, and less surely of the others, on a scale of its own that makes
/// the sum of its weights `log2(neighbors)`; what two rows say of each other is joined as `w + w' - w w'`. Rows are then moved
/// in few coordinates so that rows at distance `d` are as surely neighbours there, `1 / (1 + a d^(2b))`, by stochastic
/// gradient descent on the cross-entropy: an edge is followed as often as it is sure, and each time
/// [`negative_samples`](UmapParams::negative_samples) rows drawn at random push away. Curve, scales and passes are those of
/// umap-learn 0.5.
///
/// [`fit_labelled`](UmapValidParams::fit_labelled) also holds rows of one label together. [`transform`](Umap::transform)
/// places new rows among the known ones, which stay where they are; a row's place does not depend on those it comes with.
///
/// # When to use it
/// To see groups and shapes in many columns, or to keep neighbourhoods in very few coordinates. Distances between groups
/// and densities are not kept; nor is there a way back to the columns. Columns should be of comparable scale.
///
/// # Cost
/// Neighbours: exact search up to [`exact_rows_max`](UmapParams::exact_rows_max) rows, `O(rows^2 columns)` at the speed of
/// vector units at worst; beyond, descent, some `O(rows neighbors^2 columns)`. Layout: `O(epochs rows neighbors
/// negative_samples)`. Memory: the rows three times while fitting, and some 40 bytes for each neighbour of each row; the
/// model keeps one copy of the rows in single precision. Runs on the current rayon pool; results do not depend on its size.
///
/// # Errors
/// Named by [`UmapError`]: not more rows than neighbours, a value that is not finite as `f32`, labels of another number, or
/// the watch interrupted.
///
/// # Example
/// ```
/// use ndarray::Array2;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::umap::Umap;
///
/// // Two groups in four columns.
/// let x = Array2::from_shape_fn((60, 4), |(row, column)| (row % 2 * 9) as f64 + (row * (column + 3) % 7) as f64 / 7.0);
/// let model = Umap::params(2).neighbors(8).check()?.fit(x.view(), &())?;
/// assert_eq!(model.embedding().dim(), (60, 2));
/// let placed = model.transform(x.view(), &())?;
/// let apart = |a: usize, b: usize| (&placed.row(a) - &model.embedding().row(b)).mapv(|d| d * d).sum();
/// assert!(apart(0, 0) < apart(0, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Umap {
    parts: Stored,
}

impl Serialize for Umap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.parts.serialize(serializer)
    }
}

/// The parts of a model, before they are known to fit together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    mean: Array1<f64>,
    /// The centred rows.
    index: NeighborIndex<f32>,
    /// Rows x components.
    embedding: Array2<f32>,
    curve: Curve,
    neighbors: usize,
    epochs: usize,
    learning_rate: f64,
    negative_samples: usize,
    mean_distance: f64,
    seed: u64,
}

impl TryFrom<Stored> for Umap {
    type Error = &'static str;

    fn try_from(parts: Stored) -> Result<Self, Self::Error> {
        let (rows, components) = parts.embedding.dim();
        if rows != parts.index.rows() || parts.mean.len() != parts.index.columns() || !(1..=32).contains(&components) {
            return Err("umap: rows, columns and coordinates do not match");
        }
        if parts.neighbors < 2 || parts.neighbors > rows || parts.epochs > 10_000 || parts.negative_samples > 50 {
            return Err("umap: a setting is out of range");
        }
        let Curve { a, b } = parts.curve;
        let numbers = [a, b, parts.learning_rate, parts.mean_distance];
        let finite = parts.embedding.iter().all(|value| value.is_finite()) && parts.mean.iter().all(|v| v.is_finite());
        if !finite || numbers.iter().any(|value| !value.is_finite() || *value < 0.0) {
            return Err("umap: a value is not a number");
        }
        Ok(Self { parts })
    }
}

impl Umap {
    /// Hyperparameters for this number of coordinates, 1 to 32.
    pub fn params(components: usize) -> UmapParams {
        UmapParams::new(components)
    }

    /// Number of columns that rows must have.
    pub fn columns(&self) -> usize {
        self.parts.index.columns()
    }

    /// Coordinates of the rows learnt from, rows x components.
    pub fn embedding(&self) -> ArrayView2<'_, f32> {
        self.parts.embedding.view()
    }

    /// Coordinates of each row of `x`, rows x components. `x` is rows x columns.
    ///
    /// # Errors
    /// The width differs from that learnt from, a value is not finite as `f32`, or the watch interrupts.
    pub fn transform<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Array2<f32>, UmapError> {
        let parts = &self.parts;
        if x.ncols() != parts.mean.len() {
            return Err(UmapError::Columns { expected: parts.mean.len(), found: x.ncols() });
        }
        check_finite(x, watch)?;
        let queries = centred(x, &parts.mean, watch)?.mapv(|value| value as f32);
        let found = parts.index.nearest_batch(queries.view(), parts.neighbors - 1, watch)?;
        let forces = Forces::of(parts.curve);
        let descent = Descent {
            epochs: parts.epochs.div_ceil(TRANSFORM_SHARE),
            learning_rate: parts.learning_rate / TRANSFORM_SHARE as f64,
            negative_samples: parts.negative_samples,
            seed: parts.seed,
        };
        let among = Place { embedding: &parts.embedding, forces: &forces, descent, mean_distance: parts.mean_distance };
        Ok(place(&among, queries.view(), &found, watch)?)
    }
}

fn mean<F: Real>(x: ArrayView2<'_, F>, progress: &Progress<'_>) -> Result<Array1<f64>, UmapError> {
    let mut sum = Array1::<f64>::zeros(x.ncols());
    for chunk in x.axis_chunks_iter(Axis(0), ROWS_PER_CHUNK) {
        for row in chunk.outer_iter() {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value.to_f64());
        }
        progress.advance(chunk.nrows() as u64)?;
    }
    Ok(sum / x.nrows() as f64)
}

/// The rows less the mean.
fn centred<F: Real>(x: ArrayView2<'_, F>, mean: &Array1<f64>, watch: &dyn Watch) -> Result<Array2<f64>, UmapError> {
    let mut rows = Array2::zeros(x.dim());
    let progress = Progress::new(watch, x.nrows() as u64);
    let chunks = rows.axis_chunks_iter_mut(Axis(0), ROWS_PER_CHUNK).into_par_iter();
    chunks.zip(x.axis_chunks_iter(Axis(0), ROWS_PER_CHUNK).into_par_iter()).try_for_each(|(mut to, from)| {
        for (mut to, from) in to.outer_iter_mut().zip(from.outer_iter()) {
            to.iter_mut().zip(from).zip(mean).for_each(|((to, value), mean)| *to = value.to_f64() - mean);
        }
        progress.advance(from.nrows() as u64)
    })?;
    Ok(rows)
}

impl UmapValidParams {
    /// Arranges the rows of `x`, rows x columns.
    ///
    /// # Errors
    /// See [`Umap`].
    pub fn fit<F: Real>(&self, x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Umap, UmapError> {
        self.arrange(x, None, watch)
    }

    /// Arranges the rows of `x` so that rows of one label stand together: the fuzzy intersection with what the labels say,
    /// weighted by [`target_weight`](UmapParams::target_weight). Negative labels are unknown ones.
    ///
    /// # Errors
    /// See [`Umap`].
    pub fn fit_labelled<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        labels: &[i32],
        watch: &dyn Watch,
    ) -> Result<Umap, UmapError> {
        if labels.len() != x.nrows() {
            return Err(UmapError::Labels { rows: x.nrows(), labels: labels.len() });
        }
        self.arrange(x, Some(labels), watch)
    }

    fn arrange<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        labels: Option<&[i32]>,
        watch: &dyn Watch,
    ) -> Result<Umap, UmapError> {
        let (rows, columns) = x.dim();
        if rows <= self.neighbors || columns == 0 {
            return Err(UmapError::Empty { rows, columns, neighbors: self.neighbors });
        }
        if rows > ROWS_MAX {
            return Err(UmapError::TooManyRows(rows));
        }
        check_finite(x, watch)?;
        let mean = mean(x, &Progress::new(watch, rows as u64))?;
        let centred = centred(x, &mean, watch)?;
        let nearest = NeighborGraph::of(centred.view(), self.neighbors - 1, self.exact_rows_max, watch)?;
        let mut graph = FuzzyGraph::of(&nearest, &Progress::new(watch, 2 * rows as u64))?;
        if let Some(labels) = labels {
            let of_position = |row: &u32| labels[*row as usize];
            graph.intersect(&nearest.order.iter().map(of_position).collect::<Vec<i32>>(), self.target_weight);
        }
        let placed = (nearest.order.as_slice(), &graph);
        let start = start(self.start, centred.view(), placed, self.components, self.seed, watch)?;
        let epochs = self.epochs.unwrap_or(if rows <= FEW_ROWS { EPOCHS_FEW_ROWS } else { EPOCHS_MANY_ROWS });
        let curve = Curve::fit(self.min_dist, self.spread);
        let Self { learning_rate, negative_samples, seed, .. } = *self;
        let descent = Descent { epochs, learning_rate, negative_samples, seed };
        let found = layout(&graph, &start, self.components, &Forces::of(curve), &descent, watch)?;
        let mut embedding = Array2::zeros((rows, self.components));
        for (row, from) in nearest.order.iter().zip(found.chunks_exact(self.components)) {
            embedding.row_mut(*row as usize).iter_mut().zip(from).for_each(|(to, value)| *to = *value);
        }
        let index = NeighborIndex::new(centred.mapv(|value| value as f32).view(), watch)?;
        let parts = Stored {
            mean,
            index,
            embedding,
            curve,
            neighbors: self.neighbors,
            epochs,
            learning_rate,
            negative_samples,
            mean_distance: graph.mean_distance,
            seed,
        };
        Ok(Umap { parts })
    }
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
