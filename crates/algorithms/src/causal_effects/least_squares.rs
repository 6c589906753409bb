//! Linear models on standardised columns, fitted from sums of products.

use std::borrow::Cow;

use multiversion::multiversion;
use ndarray::{Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use super::cross_products::cross_products;
use super::errors::CausalEffectError;
use super::learners::Basis;
use super::picked_rows::PickedRows;
use crate::cholesky::{Factor, Symmetric};
use crate::lanes::dot;
use crate::ridge::Covariance;
use crate::watch::{Interrupted, Progress};

/// Rows that mean and deviation of a column are taken from.
const SCALE_ROWS: usize = 4096;
/// Share of a column's square that must be its own.
const TOLERANCE: f64 = 1e-10;
/// Penalties tried, in rows that say "nothing".
const PENALTIES: [f64; 7] = [0.1, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0];

/// Columns on one scale, with squares and products of them if wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Features {
    means: Vec<f64>,
    /// What differences from the mean are multiplied with; 0 for a constant column.
    scales: Vec<f64>,
    basis: Basis,
}

impl Features {
    /// Means and deviations come from at most [`SCALE_ROWS`] rows, evenly spread: they set units, nothing else.
    pub(super) fn of(x: ArrayView2<'_, f64>, basis: Basis) -> Self {
        let step = x.nrows().div_ceil(SCALE_ROWS).max(1);
        let rows = || (0..x.nrows()).step_by(step).map(|row| x.row(row));
        let count = rows().count().max(1) as f64;
        let (mut means, mut squares) = (vec![0.0; x.ncols()], vec![0.0; x.ncols()]);
        rows().for_each(|row| means.iter_mut().zip(contiguous(&row).iter()).for_each(|(mean, value)| *mean += value));
        means.iter_mut().for_each(|mean| *mean /= count);
        for row in rows() {
            let row = contiguous(&row);
            let columns = squares.iter_mut().zip(&means).zip(row.iter());
            columns.for_each(|((square, mean), value)| *square += (value - mean) * (value - mean));
        }
        let scale = |square: f64| if square / count > 1e-24 { (square / count).sqrt().recip() } else { 0.0 };
        // A column that is constant in the sample but not everywhere is rare beyond use.
        Self { means, scales: squares.into_iter().map(scale).collect(), basis }
    }

    /// Columns read.
    pub(super) fn columns(&self) -> usize {
        self.means.len()
    }

    /// Columns written.
    pub(super) fn width(&self) -> usize {
        self.basis.width(self.columns())
    }

    /// Writes the features of a row.
    #[inline]
    pub(super) fn write(&self, row: ArrayView1<'_, f64>, to: &mut [f64]) {
        let (linear, further) = to.split_at_mut(self.columns().min(to.len()));
        standardise(&contiguous(&row), &self.means, &self.scales, linear);
        self.basis.expand(linear, further);
    }

    /// Coefficients of the linear features, for each column per unit of its own.
    pub(super) fn per_unit(&self, coefficients: &[f64]) -> Vec<f64> {
        coefficients.iter().zip(&self.scales).map(|(b, scale)| b * scale).collect()
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn standardise(row: &[f64], means: &[f64], scales: &[f64], to: &mut [f64]) {
    let columns = row.iter().zip(means).zip(scales);
    to.iter_mut().zip(columns).for_each(|(to, ((value, mean), scale))| *to = (value - mean) * scale);
}

/// The values of a row one after the other: loops over them become vector instructions.
fn contiguous<'a>(row: &'a ArrayView1<'_, f64>) -> Cow<'a, [f64]> {
    row.as_slice().map_or_else(|| Cow::Owned(row.to_vec()), Cow::Borrowed)
}

/// Sums over some rows: products of `1, features, target`.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    products: Array2<f64>,
}

impl Sums {
    /// Sums over rows of `x`, by their numbers, with `target` of each row. All of it is multiplied with `factor` of the row,
    /// where that is not 1.
    pub(super) fn of(
        features: &Features,
        x: ArrayView2<'_, f64>,
        rows: &[usize],
        target: impl Fn(usize) -> (f64, f64) + Sync,
        progress: &Progress<'_>,
    ) -> Result<Self, Interrupted> {
        let width = features.width();
        let picked = PickedRows::of(x.view(), rows);
        let fill = |place: usize, to: &mut [f64]| {
            let (factor, target) = target(picked.number(place));
            to[0] = 1.0;
            features.write(picked.row(place), &mut to[1..=width]);
            if factor != 1.0 {
                to[..=width].iter_mut().for_each(|value| *value *= factor);
            }
            to[width + 1] = target;
        };
        Ok(Self { products: cross_products(rows.len(), width + 2, fill, progress)? })
    }

    /// The sums over the rows of all of these; they have the same features.
    pub(super) fn total<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let mut products = parts.next()?.products.clone();
        parts.for_each(|part| products += &part.products);
        Some(Self { products })
    }

    fn order(&self) -> usize {
        self.products.nrows() - 1
    }

    /// The least-squares coefficients, the intercept first, under a penalty that spares the intercept.
    pub(super) fn fit(&self, l2: f64) -> Result<Linear, CausalEffectError> {
        let order = self.order();
        let mut gram = Symmetric::leading(&self.products, order);
        (1..order).for_each(|column| gram.add_diagonal(column, l2));
        let factor = gram.factor_of_independent(TOLERANCE).ok_or(CausalEffectError::Overflow)?;
        let cross: Vec<f64> = self.products.row(order).iter().take(order).copied().collect();
        Ok(Linear { coefficients: factor.solve(&cross), factor, l2 })
    }

    /// Squared error of a model on the summed rows.
    pub(super) fn squared_error(&self, model: &Linear) -> f64 {
        let order = self.order();
        let mut with_target = model.coefficients.clone();
        with_target.push(-1.0);
        let times = |row: usize| -> f64 { self.products.row(row).iter().zip(&with_target).map(|(a, b)| a * b).sum() };
        (0..=order).map(|row| with_target[row] * times(row)).sum::<f64>().max(0.0)
    }

    /// The penalty that does best when each part is predicted from the others.
    pub(super) fn best_penalty(parts: &[&Self]) -> Result<f64, CausalEffectError> {
        let mut best = (1.0, f64::INFINITY);
        for l2 in PENALTIES.into_iter().rev() {
            let error = Self::cross_validated(parts, l2)?;
            if error < best.1 {
                best = (l2, error);
            }
        }
        Ok(best.0)
    }

    /// Squared error under a penalty when each part is predicted from the others.
    pub(super) fn cross_validated(parts: &[&Self], l2: f64) -> Result<f64, CausalEffectError> {
        let mut error = 0.0;
        for (left_out, part) in parts.iter().enumerate() {
            let others = parts.iter().enumerate().filter(|(i, _)| *i != left_out).map(|(_, part)| *part);
            if let Some(others) = Self::total(others) {
                error += part.squared_error(&others.fit(l2)?);
            }
        }
        Ok(error)
    }
}

/// A fitted linear model.
#[derive(Clone)]
pub(super) struct Linear {
    /// The intercept, then one coefficient for each feature.
    pub(super) coefficients: Vec<f64>,
    factor: Factor,
    l2: f64,
}

impl Linear {
    /// The value at features.
    pub(super) fn value(&self, features: &[f64]) -> f64 {
        self.coefficients[0] + dot(features, &self.coefficients[1..])
    }

    /// The inverse of the penalised products, applied to a vector.
    pub(super) fn solve(&self, right: &[f64]) -> Vec<f64> {
        self.factor.solve(right)
    }

    /// How many coefficients were fitted.
    pub(super) fn freedom(&self) -> usize {
        (0..self.coefficients.len()).filter(|column| self.factor.keeps(*column)).count()
    }

    /// How uncertain the coefficients are: `A M A` with `A` the inverse of the penalised products and `M` the sum of squared
    /// residuals times products (White 1980). The penalty counts as the knowledge that coefficients scatter with variance
    /// `variance / l2` around 0, so that intervals hold on average over the rows in spite of it (Nychka 1988).
    pub(super) fn covariance(&self, mut meat: Symmetric, variance: f64) -> Result<Covariance, CausalEffectError> {
        let order = self.coefficients.len();
        (1..order).for_each(|column| meat.add_diagonal(column, self.l2 * variance));
        let half: Vec<Vec<f64>> = (0..order)
            .map(|column| self.factor.solve(&(0..order).map(|row| meat.entry(row, column)).collect::<Vec<f64>>()))
            .collect();
        let mut lower = Vec::with_capacity(order * (order + 1) / 2);
        for row in 0..order {
            let of_row: Vec<f64> = half.iter().map(|column| column[row]).collect();
            lower.extend_from_slice(&self.factor.solve(&of_row)[..=row]);
        }
        Covariance::of_lower(order, lower).ok_or(CausalEffectError::Overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_line_is_found_with_a_constant_and_a_doubled_column() {
        let x = array![[0.0, 5.0, 0.0], [1.0, 5.0, 2.0], [2.0, 5.0, 4.0], [4.0, 5.0, 8.0]];
        let features = Features::of(x.view(), Basis::Linear);
        let rows = [0, 1, 2, 3];
        let progress = Progress::new(&(), 1);
        let target = |row: usize| (1.0, 3.0 - 2.0 * x[[row, 0]]);
        let sums = Sums::of(&features, x.view(), &rows, target, &progress).unwrap();
        let model = sums.fit(0.0).unwrap();
        assert_eq!(model.freedom(), 2);
        let mut written = [0.0; 3];
        features.write(array![3.0, 5.0, 6.0].view(), &mut written);
        assert!((model.value(&written) + 3.0).abs() < 1e-9, "{}", model.value(&written));
        assert!(sums.squared_error(&model) < 1e-9);
        let parts: Vec<Sums> =
            [0..2, 2..4].map(|of| Sums::of(&features, x.view(), &rows[of], target, &progress).unwrap()).into();
        assert_eq!(Sums::best_penalty(&parts.iter().collect::<Vec<_>>()).unwrap(), 0.1);
    }
}
