//! Eigenvalues and eigenvectors of a symmetric matrix.
//!
//! Reduction to tridiagonal form by Householder reflections, then implicit QL (Golub and Van Loan, "Matrix
//! Computations"; the QL step is that of EISPACK's `tql2`, Bowdler, Martin, Reinsch and Wilkinson 1968). linfa-linalg's
//! `eigh` is as precise and as fast up to some 100 columns; beyond, it was measured 5 times slower and more, and it
//! cannot be interrupted: 0.1 s at 256 columns, 3 s at 512. Here eigenvectors are rows, so that all loops run along
//! memory.

use ndarray::{Array2, ArrayView2};

use crate::watch::{Interrupted, Progress};

/// Most QL steps for one eigenvalue; two or three are usual.
const STEPS_MAX: usize = 60;
/// Rotations between two calls of the watch.
const ROTATIONS_PER_TICK: usize = 64;

/// Why there is no decomposition.
pub(crate) enum EigenStop {
    NotConverged,
    Interrupted(Interrupted),
}

/// Eigenvalues, greatest first, and the eigenvectors as rows in the same order.
pub(crate) struct SymmetricEigen {
    pub(crate) values: Vec<f64>,
    pub(crate) vectors: Array2<f64>,
}

/// A matrix, row after row.
struct Square {
    order: usize,
    values: Vec<f64>,
}

impl Square {
    fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.order..][..self.order]
    }
    fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.values[row * self.order..][..self.order]
    }
    fn one(order: usize) -> Self {
        let mut values = vec![0.0; order * order];
        values.iter_mut().step_by(order + 1).for_each(|value| *value = 1.0);
        Self { order, values }
    }
}

/// Sum of products, in eight parts so that it vectorises.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

fn add_scaled(to: &mut [f64], scale: f64, from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += scale * from);
}

impl SymmetricEigen {
    /// `O(order^3)`; only finite values are allowed.
    pub(crate) fn of(matrix: ArrayView2<'_, f64>, progress: &Progress<'_>) -> Result<Self, EigenStop> {
        let order = matrix.nrows();
        let scale = matrix.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        let scale = if scale > 0.0 { scale } else { 1.0 };
        let mut square = Square { order, values: matrix.iter().map(|value| value / scale).collect() };
        let (mut diagonal, mut beside, mut vectors) = tridiagonal(&mut square, progress)?;
        diagonalise(&mut diagonal, &mut beside, &mut vectors, progress)?;
        let mut by_value: Vec<usize> = (0..order).collect();
        by_value.sort_by(|a, b| diagonal[*b].total_cmp(&diagonal[*a]));
        let sorted = Array2::from_shape_fn((order, order), |(row, column)| vectors.row(by_value[row])[column]);
        Ok(Self { values: by_value.iter().map(|at| diagonal[*at] * scale).collect(), vectors: sorted })
    }
}

/// Diagonal, values beside it (one more, 0 at the end) and the transpose of `Q` in `Q^T A Q`. Overwrites `a`.
fn tridiagonal(a: &mut Square, progress: &Progress<'_>) -> Result<(Vec<f64>, Vec<f64>, Square), EigenStop> {
    let order = a.order;
    let mut beside = vec![0.0; order];
    let mut factors = vec![0.0; order];
    for step in 0..order.saturating_sub(2) {
        progress.advance(0).map_err(EigenStop::Interrupted)?;
        let mut v = a.row(step)[step + 1..].to_vec();
        let length = dot(&v, &v).sqrt();
        let reflected = if v[0] > 0.0 { -length } else { length };
        beside[step] = reflected;
        v[0] -= reflected;
        let square = dot(&v, &v);
        if square <= 0.0 {
            continue;
        }
        let factor = 2.0 / square;
        let mut w: Vec<f64> = (step + 1..order).map(|row| factor * dot(&a.row(row)[step + 1..], &v)).collect();
        let half = factor * 0.5 * dot(&w, &v);
        add_scaled(&mut w, -half, &v);
        for (at, row) in (step + 1..order).enumerate() {
            let values = &mut a.row_mut(row)[step + 1..];
            add_scaled(values, -v[at], &w);
            add_scaled(values, -w[at], &v);
        }
        factors[step] = factor;
        a.row_mut(step)[step + 1..].copy_from_slice(&v);
    }
    if order > 1 {
        beside[order - 2] = a.row(order - 2)[order - 1];
    }
    let diagonal = (0..order).map(|row| a.row(row)[row]).collect();
    let mut transposed = Square::one(order);
    for step in (0..order.saturating_sub(2)).rev().filter(|step| factors[*step] > 0.0) {
        progress.advance(0).map_err(EigenStop::Interrupted)?;
        let v = &a.row(step)[step + 1..];
        for row in step + 1..order {
            let values = &mut transposed.row_mut(row)[step + 1..];
            let along = dot(values, v);
            add_scaled(values, -factors[step] * along, v);
        }
    }
    Ok((diagonal, beside, transposed))
}

/// Turns the rows of `vectors` until the tridiagonal matrix is diagonal.
fn diagonalise(
    diagonal: &mut [f64],
    beside: &mut [f64],
    vectors: &mut Square,
    progress: &Progress<'_>,
) -> Result<(), EigenStop> {
    for first in 0..diagonal.len() {
        let mut steps = 0;
        loop {
            progress.advance(0).map_err(EigenStop::Interrupted)?;
            let negligible =
                |at: &usize| beside[*at].abs() <= f64::EPSILON * (diagonal[*at].abs() + diagonal[*at + 1].abs());
            let last = (first..diagonal.len() - 1).find(negligible).unwrap_or(diagonal.len() - 1);
            if last == first {
                break;
            }
            if steps == STEPS_MAX {
                return Err(EigenStop::NotConverged);
            }
            steps += 1;
            ql_step(first, last, diagonal, beside, vectors, progress)?;
        }
    }
    Ok(())
}

/// One implicit QL step on the block from `first` to `last`.
fn ql_step(
    first: usize,
    last: usize,
    diagonal: &mut [f64],
    beside: &mut [f64],
    vectors: &mut Square,
    progress: &Progress<'_>,
) -> Result<(), EigenStop> {
    let ratio = (diagonal[first + 1] - diagonal[first]) / (2.0 * beside[first]);
    let root = ratio.hypot(1.0).copysign(ratio);
    let mut g = diagonal[last] - diagonal[first] + beside[first] / (ratio + root);
    let (mut sine, mut cosine, mut shift) = (1.0, 1.0, 0.0);
    for at in (first..last).rev() {
        if at % ROTATIONS_PER_TICK == 0 {
            progress.advance(0).map_err(EigenStop::Interrupted)?;
        }
        let (f, b) = (sine * beside[at], cosine * beside[at]);
        let radius = f.hypot(g);
        beside[at + 1] = radius;
        if radius <= 0.0 {
            diagonal[at + 1] -= shift;
            beside[last] = 0.0;
            return Ok(());
        }
        sine = f / radius;
        cosine = g / radius;
        g = diagonal[at + 1] - shift;
        let turned = (diagonal[at] - g) * sine + 2.0 * cosine * b;
        shift = sine * turned;
        diagonal[at + 1] = g + shift;
        g = cosine * turned - b;
        let (upper, lower) = vectors.values.split_at_mut((at + 1) * vectors.order);
        let rows = upper[at * vectors.order..].iter_mut().zip(&mut lower[..vectors.order]);
        for (this, next) in rows {
            let (before, after) = (*this, *next);
            *next = sine * before + cosine * after;
            *this = cosine * before - sine * after;
        }
    }
    diagonal[first] -= shift;
    beside[first] = g;
    beside[last] = 0.0;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;
    use proptest::prelude::*;

    fn eigen(matrix: &Array2<f64>) -> SymmetricEigen {
        match SymmetricEigen::of(matrix.view(), &Progress::new(&(), 1)) {
            Ok(found) => found,
            Err(_) => panic!("no decomposition"),
        }
    }

    fn check(matrix: &Array2<f64>) {
        let found = eigen(matrix);
        let order = matrix.nrows();
        let scale = matrix.iter().fold(1e-300, |most: f64, value| most.max(value.abs())) * order as f64;
        let one = found.vectors.dot(&found.vectors.t());
        assert!((one - Array2::<f64>::eye(order)).iter().all(|value| value.abs() < 1e-13 * order.max(10) as f64));
        let values = Array1::from(found.values.clone());
        let rebuilt = found.vectors.t().dot(&(&found.vectors * &values.insert_axis(ndarray::Axis(1))));
        assert!((rebuilt - matrix).iter().all(|value| value.abs() < 1e-13 * scale), "{matrix}");
        assert!(found.values.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn special_matrices_are_taken_apart() {
        check(&Array2::zeros((3, 3)));
        check(&Array2::eye(4));
        check(&Array2::ones((5, 5)));
        check(&ndarray::array![[2.0]]);
        check(&ndarray::array![[1.0, 2.0], [2.0, 1.0]]);
        check(&ndarray::array![[1e200, 2e199], [2e199, 1.0]]);
    }

    proptest! {
        #[test]
        fn the_parts_make_the_whole(order in 1..24usize, seed in prop::collection::vec(-1.0..1.0f64, 24 * 24)) {
            let half = Array2::from_shape_fn((order, order), |(row, column)| seed[row * 24 + column]);
            check(&(&half + &half.t()));
            check(&half.t().dot(&half));
        }
    }
}
