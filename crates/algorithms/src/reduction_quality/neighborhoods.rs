//! Which neighbours stay neighbours.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::errors::ReductionQualityError;
use crate::input::{Real, check_finite};
use crate::isolation_forest::RandomState;
use crate::watch::{Interrupted, Progress, Watch};

/// How well neighbourhoods are kept, each in [0, 1], 1 at best.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Neighborhoods {
    /// How near the neighbours in the picture are in truth: 1 if none comes from beyond the true ones; chance gives .5.
    pub trustworthiness: f64,
    /// How near the true neighbours are in the picture.
    pub continuity: f64,
    /// Share of the true neighbours that are neighbours in the picture.
    pub recall: f64,
    /// Rows whose neighbourhoods were compared.
    pub rows_judged: usize,
}

/// Compares the `neighbors` nearest others of rows in `x` with those in their picture `z` (both with one row for each), by
/// Euclidean distance.
///
/// Trustworthiness and continuity are those of Venna and Kaski (2001, "Neighborhood preservation in nonlinear projection
/// methods", ICANN): with `r(i, j)` the rank of `j` among the rows by distance from `i`, and over the neighbours `j` of `i` in
/// the picture, `1 - 2 / (n k (2n - 3k - 1))` times the sum of all `r(i, j) - k` above 0, where ranks are in `x`; and the same
/// with `x` and `z` exchanged. Rows at equal distance rank in row order.
///
/// At most `rows_max` rows, drawn with `seed` if there are more, are judged among all: an estimate without bias. `O(n (c +
/// k))` for each of them, on all threads; the same whatever their number.
///
/// # Errors
/// Different numbers of rows, half as many neighbours as rows or more, none, a value that is not finite as `f32`, or the
/// watch interrupted.
///
/// # Example
/// ```
/// use ndarray::{Array2, s};
/// use souffleur_algorithms::reduction_quality::neighborhoods;
/// // The second column says nothing of note.
/// let x = Array2::from_shape_fn((40, 2), |(row, column)| if column == 0 { (row * row) as f64 } else { 0.1 });
/// let found = neighborhoods(x.view(), x.slice(s![.., ..1]), 5, 100, 0, &())?;
/// assert_eq!((found.trustworthiness, found.continuity, found.recall), (1.0, 1.0, 1.0));
/// # Ok::<(), souffleur_algorithms::reduction_quality::ReductionQualityError>(())
/// ```
pub fn neighborhoods<F: Real, G: Real>(
    x: ArrayView2<'_, F>,
    z: ArrayView2<'_, G>,
    neighbors: usize,
    rows_max: usize,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Neighborhoods, ReductionQualityError> {
    let n = x.nrows();
    if n != z.nrows() {
        return Err(ReductionQualityError::Rows { rows: n, reduced: z.nrows() });
    }
    if neighbors == 0 || 2 * neighbors >= n || rows_max == 0 || u32::try_from(n).is_err() {
        return Err(ReductionQualityError::Neighbors { neighbors, rows: n });
    }
    check_finite(x, watch)?;
    check_finite(z, watch)?;
    let (x, z) = (Columns::of(x), Columns::of(z));
    let judged = chosen(n, rows_max, seed);
    let progress = Progress::new(watch, judged.len() as u64);
    let each = judged.par_iter().map_init(
        || (Ranked::default(), Ranked::default()),
        |(far, near), row| {
            far.look(&x, *row, neighbors);
            near.look(&z, *row, neighbors);
            let kept = far.nearest.iter().filter(|(_, other)| near.nearest.iter().any(|(_, b)| b == other)).count();
            let counts = [far.beyond(&near.nearest, neighbors), near.beyond(&far.nearest, neighbors), kept as u64];
            progress.advance(1).map(|()| counts)
        },
    );
    let each: Result<Vec<[u64; 3]>, Interrupted> = each.collect();
    let sum = each?.iter().fold([0u64; 3], |sum, one| std::array::from_fn(|at| sum[at] + one[at]));
    let (rows, k, of) = (judged.len() as f64, neighbors as f64, n as f64);
    let scale = 2.0 / (rows * k * (2.0 * of - 3.0 * k - 1.0));
    Ok(Neighborhoods {
        trustworthiness: 1.0 - scale * sum[0] as f64,
        continuity: 1.0 - scale * sum[1] as f64,
        recall: sum[2] as f64 / (rows * k),
        rows_judged: judged.len(),
    })
}

/// The rows that are judged, in order.
fn chosen(rows: usize, most: usize, seed: u64) -> Vec<usize> {
    if rows <= most {
        return (0..rows).collect();
    }
    let drawn = RandomState::folded(seed).sample(rows as u32, most as u32);
    let mut drawn: Vec<usize> = drawn.into_iter().map(|row| row as usize).collect();
    drawn.sort_unstable();
    drawn
}

/// The rows, column after column, so that all distances from one row are summed side by side.
struct Columns(Array2<f64>);

impl Columns {
    fn of<F: Real>(x: ArrayView2<'_, F>) -> Self {
        Self(x.t().mapv(Real::to_f64).as_standard_layout().into_owned())
    }
}

/// The rows by their distance from one of them.
#[derive(Default)]
struct Ranked {
    squared: Vec<f64>,
    nearest: Vec<(f64, u32)>,
}

impl Ranked {
    fn look(&mut self, x: &Columns, row: usize, neighbors: usize) {
        self.squared.clear();
        self.squared.resize(x.0.ncols(), 0.0);
        for column in x.0.outer_iter() {
            let at = column[row];
            self.squared.iter_mut().zip(column).for_each(|(sum, value)| *sum += (value - at) * (value - at));
        }
        // The row itself is none of its neighbours.
        self.squared[row] = f64::INFINITY;
        self.nearest.clear();
        let mut bound = f64::INFINITY;
        for (other, squared) in self.squared.iter().enumerate() {
            if *squared < bound {
                let place = self.nearest.partition_point(|(near, _)| near <= squared);
                self.nearest.insert(place, (*squared, other as u32));
                self.nearest.truncate(neighbors);
                bound = if self.nearest.len() == neighbors { self.nearest[neighbors - 1].0 } else { f64::INFINITY };
            }
        }
    }

    /// Sum of the ranks beyond `neighbors` that these rows have here.
    fn beyond(&self, rows: &[(f64, u32)], neighbors: usize) -> u64 {
        let rank = |other: usize| {
            let at = self.squared[other];
            let nearer = self.squared.iter().map(|squared| u64::from(*squared < at)).sum::<u64>();
            nearer + self.squared[..other].iter().map(|squared| u64::from(*squared == at)).sum::<u64>() + 1
        };
        let known = |other: &u32| self.nearest.iter().any(|(_, row)| row == other);
        let strangers = rows.iter().filter(|(_, other)| !known(other));
        strangers.map(|(_, other)| rank(*other as usize).saturating_sub(neighbors as u64)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted_clusters::planted_clusters;
    use ndarray::s;

    /// By the definition, with all ranks sorted.
    fn naive(x: &Array2<f64>, z: &Array2<f64>, k: usize) -> [f64; 3] {
        let n = x.nrows();
        let order = |x: &Array2<f64>, i: usize| {
            let squared = |j: usize| (&x.row(i) - &x.row(j)).mapv(|d| d * d).sum();
            let mut others: Vec<usize> = (0..n).filter(|j| *j != i).collect();
            others.sort_by(|a, b| squared(*a).total_cmp(&squared(*b)).then(a.cmp(b)));
            others
        };
        let (mut trust, mut continuity, mut kept) = (0.0, 0.0, 0.0);
        for i in 0..n {
            let (a, b) = (order(x, i), order(z, i));
            let rank = |order: &[usize], j: usize| order.iter().position(|o| *o == j).unwrap() as f64 + 1.0;
            trust += b[..k].iter().map(|j| (rank(&a, *j) - k as f64).max(0.0)).sum::<f64>();
            continuity += a[..k].iter().map(|j| (rank(&b, *j) - k as f64).max(0.0)).sum::<f64>();
            kept += a[..k].iter().filter(|j| b[..k].contains(j)).count() as f64;
        }
        let (n, k) = (n as f64, k as f64);
        let scale = 2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0));
        [1.0 - scale * trust, 1.0 - scale * continuity, kept / (n * k)]
    }

    #[test]
    fn the_definition_is_kept_with_ties_too() {
        let x = planted_clusters(120, 5, 3);
        let coarse = x.mapv(|value| (2.0 * value).round());
        for (x, z) in [(&x, x.slice(s![.., ..2]).to_owned()), (&coarse, coarse.slice(s![.., 1..3]).to_owned())] {
            let found = neighborhoods(x.view(), z.view(), 7, 1000, 0, &()).unwrap();
            let expected = naive(x, &z, 7);
            for (found, expected) in [found.trustworthiness, found.continuity, found.recall].iter().zip(expected) {
                assert!((found - expected).abs() < 1e-12, "{found} {expected}");
            }
        }
    }

    #[test]
    fn some_rows_speak_for_all() {
        let x = planted_clusters(900, 5, 3);
        let z = x.slice(s![.., ..2]);
        let of = |rows_max| neighborhoods(x.view(), z, 10, rows_max, 3, &()).unwrap();
        let (all, some) = (of(900), of(300));
        assert_eq!((all.rows_judged, some.rows_judged), (900, 300));
        assert!((all.trustworthiness - some.trustworthiness).abs() < 0.02 && (all.recall - some.recall).abs() < 0.03);
    }

    #[test]
    fn bad_input_is_refused_and_interruptions_heard() {
        let x = planted_clusters(30, 3, 2);
        let error = |x: &Array2<f64>, z: &Array2<f64>, k| neighborhoods(x.view(), z.view(), k, 9, 0, &()).unwrap_err();
        assert_eq!(error(&x, &Array2::zeros((29, 1)), 3), ReductionQualityError::Rows { rows: 30, reduced: 29 });
        assert_eq!(error(&x, &x, 15), ReductionQualityError::Neighbors { neighbors: 15, rows: 30 });
        assert_eq!(error(&x, &x, 0), ReductionQualityError::Neighbors { neighbors: 0, rows: 30 });
        let stop = |_: u64, _: u64| Err(Interrupted);
        assert_eq!(neighborhoods(x.view(), x.view(), 3, 9, 0, &stop), Err(Interrupted.into()));
    }
}
