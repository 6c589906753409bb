//! The estimate from distances to neighbours.

use ndarray::{ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::distinct::distinct_rows;
use super::errors::IntrinsicDimensionError;
use super::hyperparams::{IntrinsicDimensionParams, IntrinsicDimensionValidParams, Method};
use crate::input::{Real, check_finite};
use crate::isolation_forest::RandomState;
use crate::neighbors::{Neighbor, NeighborIndex};
use crate::watch::{Progress, Watch};

/// Least number of different rows to estimate anything from.
const ROWS_MIN: usize = 10;

/// The dimension of the surface that rows lie on, as far as the distances to their neighbours tell.
///
/// # What it does
/// On a surface of dimension `d` the number of neighbours within distance `r` grows as `r^d`, whatever the number of
/// columns. Two estimators read `d` off the distances:
///
/// - [`two_nn`](Self::two_nn) (Facco, d'Errico, Rodriguez and Laio 2017, "Estimating the intrinsic
///   dimension of datasets by a minimal neighborhood information", Sci. Rep. 7): the ratio `m` of the distances to the
///   second and to the first neighbour has the distribution `1 - m^-d`. `d` is the slope of a line through the origin
///   of `-ln(1 - F(m))` over `ln m`, without the tenth of the rows with the greatest ratios. It sees the finest scale.
/// - [`maximum_likelihood`](Self::maximum_likelihood) (Levina and Bickel 2004, NIPS): `1 / d` is
///   the mean of `ln(T_k / T_j)` over the `k - 1` nearer neighbours, and over the rows as MacKay and Ghahramani (2005)
///   correct it: inverses are averaged. It is steadier and sees a coarser scale.
///
/// Rows that repeat an earlier one are left out. The neighbours of at most `max_queries` rows, drawn at random, are
/// looked for among all. The standard error takes queries as independent.
///
/// # When to use it
/// To see how much less there is in the data than columns, before choosing a number of components. Both estimators
/// fall short in high dimensions (beyond some 10, with thousands of rows); noise in all columns counts as dimensions
/// on the scale of the noise.
///
/// # Cost
/// `O(rows columns)` for each query, see [`NeighborIndex`]; memory for one copy of the rows, two if rows repeat, and
/// 16 bytes a row.
///
/// # Errors
/// Named by [`IntrinsicDimensionError`]: fewer than 10 different rows or than neighbours asked for, distances that do
/// not grow, a value that is not finite as `f32`, or the watch interrupted.
///
/// # Example
/// ```
/// use ndarray::Array2;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::intrinsic_dimension::IntrinsicDimension;
///
/// // A spiral: a line in three columns, unevenly covered.
/// let x = Array2::from_shape_fn((500, 3), |(row, column)| {
///     let at = (row as f64 * 0.618_034).fract();
///     [at.cos(), at.sin(), at][column]
/// });
/// let found = IntrinsicDimension::maximum_likelihood(10).check()?.estimate(x.view(), &())?;
/// assert!((found.dimension - 1.0).abs() < 0.3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IntrinsicDimension {
    /// The estimate.
    pub dimension: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Rows whose neighbours it rests on.
    pub queries: usize,
    /// Rows that differ from all before them.
    pub distinct_rows: usize,
}

impl IntrinsicDimension {
    /// Hyperparameters of the estimate from two neighbours.
    pub fn two_nn() -> IntrinsicDimensionParams {
        IntrinsicDimensionParams::two_nn()
    }
    /// Hyperparameters of the estimate by maximum likelihood on this many neighbours, 3 to 1,000.
    pub fn maximum_likelihood(neighbors: usize) -> IntrinsicDimensionParams {
        IntrinsicDimensionParams::maximum_likelihood(neighbors)
    }
}

impl IntrinsicDimensionValidParams {
    /// Estimates the dimension of `x`, rows x columns.
    ///
    /// # Errors
    /// See [`IntrinsicDimension`].
    pub fn estimate<F: Real>(
        &self,
        x: ArrayView2<'_, F>,
        watch: &dyn Watch,
    ) -> Result<IntrinsicDimension, IntrinsicDimensionError> {
        if u32::try_from(x.nrows()).is_err() {
            return Err(IntrinsicDimensionError::TooManyRows(x.nrows()));
        }
        check_finite(x, watch)?;
        let rows = distinct_rows(x, &Progress::new(watch, x.nrows() as u64))?;
        let neighbors = match self.method() {
            Method::TwoNn { .. } => 2,
            Method::MaximumLikelihood { neighbors } => neighbors,
        };
        let (distinct, needed) = (rows.nrows(), ROWS_MIN.max(neighbors + 1));
        if distinct < needed {
            return Err(IntrinsicDimensionError::Distinct { distinct, needed });
        }
        let index = NeighborIndex::new(rows.view(), watch)?;
        let queries = rows.select(Axis(0), &self.choose(distinct));
        // The nearest row to a query is itself.
        let found = index.nearest_batch(queries.view(), neighbors + 1, watch)?;
        let distances: Vec<Vec<f64>> = found.iter().map(|found| growing(found)).collect();
        let complete: Vec<&[f64]> =
            distances.iter().map(Vec::as_slice).filter(|distances| distances.len() == neighbors).collect();
        let (dimension, standard_error) = match self.method() {
            Method::TwoNn { discarded } => two_nn(&complete, discarded),
            Method::MaximumLikelihood { .. } => maximum_likelihood(&complete),
        };
        if !dimension.is_finite() || !standard_error.is_finite() {
            return Err(IntrinsicDimensionError::Undefined);
        }
        Ok(IntrinsicDimension { dimension, standard_error, queries: complete.len(), distinct_rows: distinct })
    }

    /// The rows whose neighbours are looked for, in order.
    #[expect(clippy::cast_possible_truncation, reason = "there are at most 4294967295 rows")]
    fn choose(&self, rows: usize) -> Vec<usize> {
        if rows <= self.max_queries() {
            return (0..rows).collect();
        }
        let chosen = RandomState::folded(self.seed()).sample(rows as u32, self.max_queries() as u32);
        let mut chosen: Vec<usize> = chosen.into_iter().map(|row| row as usize).collect();
        chosen.sort_unstable();
        chosen
    }
}

/// Distances to the neighbours that are not the query itself, nearest first.
fn growing(found: &[Neighbor]) -> Vec<f64> {
    found.iter().map(|neighbor| neighbor.distance).filter(|distance| *distance > 0.0).collect()
}

/// Slope of the line through the origin, and the standard error of as many observations of an exponential variable.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few queries")]
fn two_nn(distances: &[&[f64]], discarded: f64) -> (f64, f64) {
    let mut logs: Vec<f64> = distances.iter().map(|distances| (distances[1] / distances[0]).ln()).collect();
    logs.sort_by(f64::total_cmp);
    let count = logs.len() as f64;
    // The last one stands for a probability of 1, whose logarithm is infinite.
    let kept = (((1.0 - discarded) * count) as usize).min(logs.len().saturating_sub(1));
    let (mut products, mut squares) = (0.0, 0.0);
    for (position, log) in logs[..kept].iter().enumerate() {
        let share = (position + 1) as f64 / count;
        products -= log * (-share).ln_1p();
        squares += log * log;
    }
    let dimension = products / squares;
    (dimension, dimension / (kept as f64).sqrt())
}

/// Inverse of the mean inverse over the queries, and its standard error by linearisation.
fn maximum_likelihood(distances: &[&[f64]]) -> (f64, f64) {
    let inverse = |distances: &&[f64]| match distances.split_last() {
        Some((last, nearer)) => nearer.iter().map(|near| (last / near).ln()).sum::<f64>() / nearer.len() as f64,
        None => 0.0,
    };
    let inverses: Vec<f64> = distances.iter().map(inverse).collect();
    let count = inverses.len() as f64;
    let mean = inverses.iter().sum::<f64>() / count;
    let variance = inverses.iter().map(|inverse| (inverse - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (1.0 / mean, (variance / count).sqrt() / (mean * mean))
}

#[cfg(test)]
#[path = "estimate_tests.rs"]
mod tests;
