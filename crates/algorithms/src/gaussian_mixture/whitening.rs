//! The linear map after which a component has unit variance in every direction.

use ndarray::{ArrayView2, ArrayView3, Axis};

use super::hyperparams::CovarianceKind;
use crate::watch::{Interrupted, Progress};

/// Why a covariance has no whitening.
pub(super) enum Unusable {
    NotPositive,
    Interrupted(Interrupted),
}

/// `W` with `W C W^T = 1` for a covariance `C`.
pub(super) enum Whitening {
    /// A lower triangle, row after row: entry (i, j), j <= i, at `i (i + 1) / 2 + j`.
    Triangle(Vec<f64>),
    /// A diagonal.
    Scales(Vec<f64>),
}

impl Whitening {
    /// Of one covariance matrix, `O(columns^3)`, or of one row of variances.
    pub(super) fn of(
        covariance: ArrayView2<'_, f64>,
        kind: CovarianceKind,
        progress: &Progress<'_>,
    ) -> Result<Self, Unusable> {
        if kind == CovarianceKind::Diagonal {
            let usable = covariance.iter().all(|variance| *variance > 0.0 && variance.is_finite());
            let scales = covariance.iter().map(|variance| variance.sqrt().recip()).collect();
            return if usable { Ok(Self::Scales(scales)) } else { Err(Unusable::NotPositive) };
        }
        let mut lower = Vec::new();
        for (row, values) in covariance.outer_iter().enumerate() {
            lower.extend(values.iter().take(row + 1));
        }
        factor(&mut lower, covariance.nrows(), progress)?;
        invert(&mut lower, covariance.nrows(), progress)?;
        Ok(Self::Triangle(lower))
    }

    /// Of all covariances of a model.
    pub(super) fn all(
        covariances: ArrayView3<'_, f64>,
        kind: CovarianceKind,
        progress: &Progress<'_>,
    ) -> Result<Vec<Self>, (usize, Unusable)> {
        let each = covariances.axis_iter(Axis(0)).enumerate();
        each.map(|(component, one)| Self::of(one, kind, progress).map_err(|why| (component, why))).collect()
    }

    /// Logarithm of its determinant.
    pub(super) fn log_determinant(&self) -> f64 {
        match self {
            Self::Triangle(lower) => {
                let mut diagonal = 0;
                let mut sum = 0.0;
                for step in 2.. {
                    let Some(entry) = lower.get(diagonal) else { break };
                    sum += entry.ln();
                    diagonal += step;
                }
                sum
            }
            Self::Scales(scales) => scales.iter().map(|scale| scale.ln()).sum(),
        }
    }
}

fn start(row: usize) -> usize {
    row * (row + 1) / 2
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Replaces a symmetric matrix by its Cholesky factor.
fn factor(lower: &mut [f64], order: usize, progress: &Progress<'_>) -> Result<(), Unusable> {
    for row in 0..order {
        progress.advance(0).map_err(Unusable::Interrupted)?;
        let (above, this) = lower.split_at_mut(start(row));
        for column in 0..row {
            let other = &above[start(column)..=start(column) + column];
            this[column] = (this[column] - dot(&this[..column], &other[..column])) / other[column];
        }
        let pivot = this[row] - dot(&this[..row], &this[..row]);
        if pivot.is_nan() || pivot <= 0.0 || pivot.is_infinite() {
            return Err(Unusable::NotPositive);
        }
        this[row] = pivot.sqrt();
    }
    Ok(())
}

/// Replaces a lower triangular matrix by its inverse: row `i` of it is `-1 / l_ii sum_j l_ij (row j)` and `1 / l_ii`.
fn invert(lower: &mut [f64], order: usize, progress: &Progress<'_>) -> Result<(), Unusable> {
    let mut sums = vec![0.0; order];
    for row in 0..order {
        progress.advance(0).map_err(Unusable::Interrupted)?;
        let (above, this) = lower.split_at_mut(start(row));
        sums[..row].fill(0.0);
        for column in 0..row {
            let other = &above[start(column)..=start(column) + column];
            sums.iter_mut().zip(other).for_each(|(sum, value)| *sum += this[column] * value);
        }
        let scale = this[row].recip();
        this[..row].iter_mut().zip(&sums).for_each(|(entry, sum)| *entry = -scale * sum);
        this[row] = scale;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn whitening_makes_the_covariance_one() {
        let covariance = array![[4.0, 1.0, 0.5], [1.0, 3.0, -0.7], [0.5, -0.7, 2.0]];
        let progress = Progress::new(&(), 1);
        let Ok(whitening) = Whitening::of(covariance.view(), CovarianceKind::Full, &progress) else {
            panic!("a positive definite matrix was refused")
        };
        let Whitening::Triangle(lower) = &whitening else { panic!("no triangle") };
        let mut map = Array2::<f64>::zeros((3, 3));
        for row in 0..3 {
            for column in 0..=row {
                map[[row, column]] = lower[start(row) + column];
            }
        }
        let one = map.dot(&covariance).dot(&map.t());
        assert!((one - Array2::<f64>::eye(3)).iter().all(|difference| difference.abs() < 1e-12));
        let product: f64 = (0..3).map(|row| map[[row, row]]).product();
        assert!((whitening.log_determinant() - product.ln()).abs() < 1e-12);
    }
}
