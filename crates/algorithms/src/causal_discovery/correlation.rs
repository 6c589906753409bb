//! Correlations of the columns in one pass over the rows, and what is left of them given other columns.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, s};
use rayon::prelude::*;

use super::errors::CausalDiscoveryError;
use crate::input::{NotFinite, Real, Refused};
use crate::watch::{Progress, Watch};

/// Most columns: a matrix of 128 MiB.
const COLUMNS_MAX: usize = 4096;
/// Most parts, each with sums of its own.
const STRIPS: usize = 32;
/// Most values in the sums of all parts: 128 MiB, unless one part alone takes more.
const SUMS_MAX: usize = 1 << 24;
/// Products between two calls of the watch.
const PRODUCTS_PER_TICK: usize = 1 << 22;
/// Most rows that are centred and multiplied at a time.
const ROWS_PER_BLOCK: usize = 256;
/// What rounding may leave of a variance of 1 when nothing is left.
const RANK_TOLERANCE: f64 = 1e-10;

/// Correlations of the columns of some rows.
#[derive(Debug, Clone)]
pub(super) struct Correlations {
    pub(super) order: usize,
    pub(super) rows: usize,
    values: Vec<f64>,
}

/// Sums of one part: of the columns, and of their products.
struct Sums {
    column: Array1<f64>,
    products: Array2<f64>,
}

impl Correlations {
    /// Of all rows of `x`, or of the rows picked (some perhaps several times). `O(rows columns^2)`.
    pub(super) fn of<F: Real>(
        x: ArrayView2<'_, F>,
        picked: Option<&[u32]>,
        watch: &dyn Watch,
    ) -> Result<Self, CausalDiscoveryError> {
        let order = x.ncols();
        let rows = picked.map_or(x.nrows(), <[u32]>::len);
        if rows < 4 || order < 2 || x.nrows() == 0 {
            return Err(CausalDiscoveryError::Empty { rows, variables: order });
        }
        if order > COLUMNS_MAX {
            return Err(CausalDiscoveryError::TooMany(order, "columns", COLUMNS_MAX));
        }
        // Values are taken relative to the first row, so that a common offset costs no precision.
        let origin: Vec<f64> = x.row(0).iter().map(|value| value.to_f64()).collect();
        let strips = STRIPS.min((SUMS_MAX / (order * order)).max(1));
        let per_strip = rows.div_ceil(strips).next_multiple_of(ROWS_PER_BLOCK);
        let progress = Progress::new(watch, rows as u64);
        let starts: Vec<usize> = (0..rows).step_by(per_strip).collect();
        let parts: Vec<Result<Sums, Refused>> = starts
            .into_par_iter()
            .map(|start| strip(x, picked, (start, rows.min(start + per_strip)), &origin, &progress))
            .collect();
        // The first part that was refused tells why, whichever thread came to its own first.
        let parts: Result<Vec<Sums>, Refused> = parts.into_iter().collect();
        let mut parts = parts?.into_iter();
        let empty = Sums { column: Array1::zeros(order), products: Array2::zeros((order, order)) };
        let mut total = parts.next().unwrap_or(empty);
        for part in parts {
            total.column += &part.column;
            total.products += &part.products;
        }
        Self::from_sums(&total, rows, &origin)
    }

    fn from_sums(total: &Sums, rows: usize, origin: &[f64]) -> Result<Self, CausalDiscoveryError> {
        let (order, n) = (total.column.len(), rows as f64);
        let spread = |a: usize, b: usize| total.products[[a, b]] - total.column[a] * total.column[b] / n;
        let mut deviation = Vec::with_capacity(order);
        for (a, origin) in origin.iter().enumerate() {
            // What rounding leaves of the spread of a constant column: the first row may differ from all others.
            let rounding = n * f64::EPSILON * total.products[[a, a]].max(origin * origin * f64::EPSILON);
            if spread(a, a) <= rounding {
                return Err(CausalDiscoveryError::Constant(a));
            }
            deviation.push(spread(a, a).sqrt());
        }
        let mut values = vec![1.0; order * order];
        for a in 0..order {
            for b in 0..a {
                let r = (spread(a, b) / (deviation[a] * deviation[b])).clamp(-1.0, 1.0);
                values[a * order + b] = r;
                values[b * order + a] = r;
            }
        }
        Ok(Self { order, rows, values })
    }

    pub(super) fn get(&self, a: usize, b: usize) -> f64 {
        self.values[a * self.order + b]
    }

    /// Correlation of `x` and `y` given other columns: from the last rows of the Cholesky factor of the correlations of
    /// `given`, `x` and `y`. `O(given^3)`. 0 where nothing is left of one of them.
    pub(super) fn partial(&self, x: usize, y: usize, given: &[usize], scratch: &mut Vec<f64>) -> f64 {
        match given {
            [] => self.get(x, y),
            [z] => {
                let (xz, yz) = (self.get(x, *z), self.get(y, *z));
                let (left_x, left_y) = (1.0 - xz * xz, 1.0 - yz * yz);
                if left_x <= RANK_TOLERANCE || left_y <= RANK_TOLERANCE {
                    return 0.0;
                }
                (self.get(x, y) - xz * yz) / (left_x * left_y).sqrt()
            }
            _ => {
                let order = given.len() + 2;
                let of = |i: usize| given.get(i).copied().unwrap_or(if i == order - 2 { x } else { y });
                self.factor(order, of, scratch);
                let last = &scratch[order * (order - 1) / 2..];
                let (shared, own) = (last[order - 2], last[order - 1]);
                let left_y = shared.hypot(own);
                if left_y * left_y <= RANK_TOLERANCE { 0.0 } else { shared / left_y }
            }
        }
    }

    /// The Cholesky factor of the correlations of the columns `of(0)`, `of(1)` and so on, its rows one after the other. A
    /// column that those before it determine has a zero on the diagonal and adds nothing to those after it.
    pub(super) fn factor(&self, order: usize, of: impl Fn(usize) -> usize, factor: &mut Vec<f64>) {
        factor.clear();
        factor.resize(order * (order + 1) / 2, 0.0);
        for row in 0..order {
            let (above, this) = factor.split_at_mut(row * (row + 1) / 2);
            let at = of(row);
            for column in 0..row {
                let other = &above[column * (column + 1) / 2..][..=column];
                let known: f64 = this[..column].iter().zip(other).map(|(a, b)| a * b).sum();
                let pivot = other[column];
                this[column] = if pivot > 0.0 { (self.get(at, of(column)) - known) / pivot } else { 0.0 };
            }
            let left = 1.0 - this[..row].iter().map(|a| a * a).sum::<f64>();
            this[row] = if left > RANK_TOLERANCE { left.sqrt() } else { 0.0 };
        }
    }
}

/// Sums over the rows from `start` to before `end`.
fn strip<F: Real>(
    x: ArrayView2<'_, F>,
    picked: Option<&[u32]>,
    (start, end): (usize, usize),
    origin: &[f64],
    progress: &Progress<'_>,
) -> Result<Sums, Refused> {
    let order = origin.len();
    let step = (PRODUCTS_PER_TICK / (order * order)).clamp(1, ROWS_PER_BLOCK);
    let mut sums = Sums { column: Array1::zeros(order), products: Array2::zeros((order, order)) };
    let mut block = Array2::<f64>::zeros((step, order));
    for from in (start..end).step_by(step) {
        let rows = step.min(end - from);
        for (i, mut centred) in block.outer_iter_mut().take(rows).enumerate() {
            let row = picked.map_or(from + i, |picked| picked[from + i] as usize);
            let values = x.row(row);
            let mut finite = true;
            for ((to, value), origin) in centred.iter_mut().zip(values).zip(origin) {
                finite &= value.to_f32().is_finite();
                *to = value.to_f64() - origin;
            }
            if !finite {
                let column = values.iter().position(|value| !value.to_f32().is_finite()).unwrap_or(0);
                return Err(Refused::NotFinite(NotFinite { row, column }));
            }
            sums.column += &centred;
        }
        let centred = block.slice(s![..rows, ..]);
        general_mat_mul(1.0, &centred.t(), &centred, 1.0, &mut sums.products);
        progress.advance(rows as u64).map_err(Refused::Interrupted)?;
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Interrupted;
    use proptest::prelude::*;

    /// The textbook's recursion.
    fn recursive(of: &Correlations, x: usize, y: usize, given: &[usize]) -> f64 {
        let Some((z, rest)) = given.split_last() else { return of.get(x, y) };
        let (xy, xz, yz) = (recursive(of, x, y, rest), recursive(of, x, *z, rest), recursive(of, y, *z, rest));
        (xy - xz * yz) / ((1.0 - xz * xz) * (1.0 - yz * yz)).sqrt()
    }

    proptest! {
        #[test]
        fn the_factor_and_the_recursion_agree(values in prop::collection::vec(-3.0..3.0f64, 30 * 6)) {
            let x = Array2::from_shape_vec((30, 6), values).unwrap();
            let of = Correlations::of(x.view(), None, &()).unwrap();
            let mut scratch = Vec::new();
            for given in [&[][..], &[2], &[2, 3], &[2, 3, 4], &[2, 3, 4, 5]] {
                let expected = recursive(&of, 0, 1, given);
                prop_assert!((of.partial(0, 1, given, &mut scratch) - expected).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_column_that_others_determine_is_independent_given_them() {
        let x = Array2::from_shape_fn((50, 4), |(i, j)| {
            let (a, b) = ((i * 7 % 11) as f64, (i * 5 % 13) as f64);
            [a, b, a + b, 2.0 * b][j]
        });
        let of = Correlations::of(x.view(), None, &()).unwrap();
        let mut scratch = Vec::new();
        assert!(of.partial(0, 2, &[1], &mut scratch) > 0.999_999);
        assert_eq!(of.partial(1, 2, &[3], &mut scratch), 0.0);
        assert!(of.partial(0, 2, &[1, 3], &mut scratch) > 0.999_999, "the fourth column adds nothing to the second");
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let mut x = Array2::from_shape_fn((600, 3), |(i, j)| (i * (j + 3) % 17) as f64 + 1e6);
        let error = |x: &Array2<f64>| Correlations::of(x.view(), None, &()).unwrap_err();
        assert_eq!(error(&Array2::zeros((3, 3))), CausalDiscoveryError::Empty { rows: 3, variables: 3 });
        x.column_mut(1).fill(0.1);
        assert_eq!(error(&x), CausalDiscoveryError::Constant(1));
        x[[500, 2]] = f64::NAN;
        assert_eq!(error(&x), CausalDiscoveryError::NotFinite(NotFinite { row: 500, column: 2 }));
        x[[100, 0]] = f64::INFINITY;
        assert_eq!(error(&x), CausalDiscoveryError::NotFinite(NotFinite { row: 100, column: 0 }));
        // Rows that can be used: of two reasons to stop, the one of the first rows is told.
        x[[100, 0]] = 1.0;
        x[[500, 2]] = 1.0;
        let stopped = Correlations::of(x.view(), None, &|_: u64, _: u64| Err(Interrupted)).unwrap_err();
        assert_eq!(stopped, CausalDiscoveryError::Interrupted(Interrupted));
    }
}
