//! Turning rows so that they spread most along the first axes.

use linfa_linalg::eigh::EighInto;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

/// Columns beyond which rows are only centred: turning costs their square for each row.
const COLUMNS_MAX: usize = 256;
/// Rows the axes are learnt from, evenly spaced.
const ROWS_MAX: usize = 4096;

/// Share of the variance that the main axes carry.
const MAIN_SHARE: f64 = 0.8;

/// A change of coordinates that keeps distances up to rounding: centring, turning, one factor for all.
pub(super) struct Rotation {
    centre: Array1<f64>,
    axes: Option<Array2<f64>>,
    /// The first axes, on which nearly all of the variance lies.
    pub(super) main: usize,
    /// The factor: a power of two that brings every coordinate into [-1, 1].
    pub(super) factor: f64,
}

impl Rotation {
    /// Principal axes of the rows, the strongest first.
    pub(super) fn of(rows: ArrayView2<'_, f64>) -> Self {
        let step = rows.nrows().div_ceil(ROWS_MAX).max(1);
        let mut sample = rows.slice(s![..;step, ..]).to_owned();
        let centre = sample.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(rows.ncols()));
        sample -= &centre;
        // One outlier must neither make the factor useless nor be lost: the farthest row sets it.
        let farthest = rows
            .outer_iter()
            .map(|row| row.iter().zip(&centre).map(|(v, c)| (v - c) * (v - c)).sum::<f64>())
            .fold(0.0, f64::max)
            .sqrt();
        let factor = if farthest > 0.0 { (-farthest.log2().ceil()).exp2() } else { 1.0 };
        let (axes, main) = principal_axes(&(sample * factor)).unzip();
        Self { axes, main: main.unwrap_or(rows.ncols()), centre, factor }
    }

    /// The rows in the new coordinates.
    pub(super) fn apply(&self, rows: ArrayView2<'_, f64>) -> Array2<f32> {
        let moved = (&rows - &self.centre) * self.factor;
        let turned = match &self.axes {
            Some(axes) => moved.dot(axes),
            None => moved,
        };
        turned.mapv(|value| value as f32)
    }
}

/// Orthonormal columns, the direction of the largest variance first, and how many of them carry [`MAIN_SHARE`] of it;
/// none where they cannot be had.
fn principal_axes(centred: &Array2<f64>) -> Option<(Array2<f64>, usize)> {
    let columns = centred.ncols();
    if !(2..=COLUMNS_MAX).contains(&columns) || centred.nrows() < 2 {
        return None;
    }
    let (values, vectors) = centred.t().dot(centred).eigh_into().ok()?;
    let mut order: Vec<usize> = (0..columns).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let axes = vectors.select(Axis(1), &order);
    // Turning by axes that are not orthonormal would change distances: rather not turn at all.
    let product = axes.t().dot(&axes) - Array2::<f64>::eye(columns);
    if product.iter().any(|error| error.abs() > 1e-9) {
        return None;
    }
    let enough = MAIN_SHARE * values.sum();
    let carried = order.iter().scan(0.0, |sum, axis| {
        *sum += values[*axis];
        Some(*sum)
    });
    let main = carried.take_while(|carried| *carried < enough).count() + 1;
    Some((axes, main.min(columns)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_stay_and_the_first_axis_spreads_most() {
        let rows = Array2::from_shape_fn((50, 3), |(i, j)| 100.0 + (i * (j + 2) % 13) as f64 + (i * j) as f64);
        let rotation = Rotation::of(rows.view());
        let turned = rotation.apply(rows.view()).mapv(f64::from);
        for (i, j) in [(0, 1), (3, 40), (7, 22)] {
            let apart = |x: &Array2<f64>| (&x.row(i) - &x.row(j)).mapv(|v| v * v).sum().sqrt();
            assert!((apart(&turned) / rotation.factor - apart(&rows)).abs() < 1e-4 * apart(&rows));
        }
        assert!(turned.std(0.0) <= 1.0 && turned.var_axis(Axis(0), 0.0)[0] >= turned.var_axis(Axis(0), 0.0)[2]);
    }
}
