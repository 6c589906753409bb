//! Density-based cluster validation.

use ndarray::{ArrayView1, ArrayView2};
use rand::SeedableRng;
use rand::seq::index;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::errors::ClusteringQualityError;
use super::{ClusterValue, groups::Groups};
use crate::input::Real;
use crate::watch::{Interrupted, Progress, Watch};

/// Two reachabilities closer than this share of either are a tie; the tree then joins the row that comes first, as the
/// Python package does.
const TIE_RELATIVE: f64 = 1e-5;
const TIE_ABSOLUTE: f64 = 1e-8;

/// How well clusters are separated by places of low density.
#[derive(Debug, Clone, PartialEq)]
pub struct Dbcv {
    /// The index, in [-1, 1]: the clusters' values weighted by their shares of all rows, noise included.
    pub value: f64,
    /// Each cluster's validity, in [-1, 1]: above 0 if it is less sparse inside than between it and the nearest other.
    pub clusters: Vec<ClusterValue>,
}

/// One cluster as the index sees it.
struct Density {
    rows: Vec<usize>,
    /// All-points core distance of each row.
    core: Vec<f64>,
    /// Rows that have more than one neighbour in the spanning tree.
    inner: Vec<usize>,
    /// The longest edge between inner rows.
    sparseness: f64,
}

/// The density-based clustering validation index (Moulavi et al. 2014).
///
/// A row's all-points core distance is a mean of its distances to the rest of its cluster, so close ones count most; a
/// cluster's *sparseness* is the longest edge inside the spanning tree of mutual reachabilities, the *separation* of two
/// the least reachability between their inner rows. Unlike the silhouette it is fair to clusters of any shape, and noise
/// lowers it, as only clusters add to it.
///
/// Clusters of more than `rows_max` rows are judged by a seeded sample of so many. Where no edge is inside a tree, all its
/// edges count, as in the authors' own program; a cluster of one row adds 0 and
/// is near to none. Equal to `hdbscan.validity.validity_index`
/// where nothing is sampled.
///
/// `O(rows_max columns n)` time, memory linear in the rows. In parallel; the result does not depend on the threads.
///
/// # Errors
/// No rows, rows and labels of different number, fewer than two clusters, a value that is not finite as `f32`, `rows_max`
/// below 2, or the watch interrupts.
pub fn dbcv<F: Real>(
    x: ArrayView2<'_, F>,
    labels: &[i32],
    rows_max: usize,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Dbcv, ClusteringQualityError> {
    if rows_max < 2 {
        return Err(ClusteringQualityError::Sample { rows: rows_max, least: 2 });
    }
    let groups = Groups::checked(x, labels, watch)?;
    let x = x.mapv(Real::to_f64);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let rows: Vec<Vec<usize>> = (0..groups.len())
        .map(|c| match groups.members(c) {
            members if members.len() <= rows_max => members.to_vec(),
            members => {
                let mut drawn = index::sample(&mut rng, members.len(), rows_max).into_vec();
                drawn.sort_unstable();
                drawn.into_iter().map(|i| members[i]).collect()
            }
        })
        .collect();
    let progress = Progress::new(watch, 3 * rows.iter().map(|rows| rows.len() as u64).sum::<u64>());
    let densities: Result<Vec<Density>, Interrupted> =
        rows.into_par_iter().map(|rows| Density::of(x.view(), rows, &progress)).collect();
    let densities = densities?;
    let separations = separations(x.view(), &densities, &progress)?;
    let clusters: Vec<ClusterValue> = (0..groups.len())
        .map(|c| {
            let (sparse, apart) = (densities[c].sparseness, separations[c]);
            let value = if densities[c].rows.len() < 2 { 0.0 } else { (apart - sparse) / apart.max(sparse) };
            let value = if value.is_nan() { 0.0 } else { value };
            ClusterValue { label: groups.label(c), rows: groups.members(c).len(), value }
        })
        .collect();
    let value = clusters.iter().map(|c| c.value * c.rows as f64).sum::<f64>() / labels.len() as f64;
    Ok(Dbcv { value, clusters })
}

fn distance(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

impl Density {
    fn of(x: ArrayView2<'_, f64>, rows: Vec<usize>, progress: &Progress<'_>) -> Result<Self, Interrupted> {
        let core: Result<Vec<f64>, Interrupted> = rows
            .par_iter()
            .map(|&row| {
                progress.advance(1)?;
                Ok(core_distance(x, row, &rows))
            })
            .collect();
        let mut density = Self { core: core?, inner: vec![0], sparseness: 0.0, rows };
        let edges = density.spanning_tree(x, progress)?;
        let mut degrees = vec![0; density.rows.len()];
        edges.iter().for_each(|(a, b, _)| [*a, *b].iter().for_each(|end| degrees[*end] += 1));
        let inner: Vec<usize> = (0..degrees.len()).filter(|row| degrees[*row] > 1).collect();
        let longest = |inside: bool| {
            let counts = |(a, b, _): &&(usize, usize, f64)| !inside || degrees[*a] > 1 && degrees[*b] > 1;
            edges.iter().filter(counts).map(|edge| edge.2).reduce(f64::max)
        };
        density.sparseness = longest(true).or_else(|| longest(false)).unwrap_or(0.0);
        if !inner.is_empty() {
            density.inner = inner;
        }
        Ok(density)
    }

    fn reachability(&self, x: ArrayView2<'_, f64>, a: usize, b: usize) -> f64 {
        distance(x.row(self.rows[a]), x.row(self.rows[b])).max(self.core[a]).max(self.core[b])
    }

    /// Prim's algorithm; each new row is joined to the first row of the tree that is as near as any.
    fn spanning_tree(
        &self,
        x: ArrayView2<'_, f64>,
        progress: &Progress<'_>,
    ) -> Result<Vec<(usize, usize, f64)>, Interrupted> {
        let n = self.rows.len();
        let mut nearest = vec![f64::INFINITY; n];
        let mut joined = vec![false; n];
        let mut edges = Vec::with_capacity(n.saturating_sub(1));
        let mut current = 0;
        for _ in 1..n {
            progress.advance(1)?;
            joined[current] = true;
            let mut next = (f64::INFINITY, current);
            for other in (0..n).filter(|other| !joined[*other]) {
                nearest[other] = nearest[other].min(self.reachability(x, current, other));
                if nearest[other] < next.0 {
                    next = (nearest[other], other);
                }
            }
            let (weight, row) = next;
            let tied = |other: &usize| {
                let apart = self.reachability(x, *other, row);
                (apart - weight).abs() <= TIE_ABSOLUTE + TIE_RELATIVE * weight.abs()
            };
            let parent = (0..n).filter(|other| joined[*other]).find(tied).unwrap_or(current);
            edges.push((parent, row, weight));
            current = row;
        }
        Ok(edges)
    }
}

/// All-points core distance of a row among those of its cluster: the `-1/d`-th power of the mean of the `-d`-th powers of
/// its distances, `d` being the number of columns. Equal rows do not count.
fn core_distance(x: ArrayView2<'_, f64>, row: usize, rows: &[usize]) -> f64 {
    let apart: Vec<f64> = rows.iter().map(|&other| distance(x.row(row), x.row(other))).filter(|d| *d > 0.0).collect();
    let Some(least) = apart.iter().copied().reduce(f64::min) else { return 0.0 };
    // In units of the least distance, so that no power overflows.
    let columns = x.ncols() as f64;
    let sum: f64 = apart.iter().map(|d| (least / d).powf(columns)).sum();
    least * (sum / (rows.len() - 1) as f64).powf(-1.0 / columns)
}

/// For each cluster the least separation from any other.
fn separations(
    x: ArrayView2<'_, f64>,
    densities: &[Density],
    progress: &Progress<'_>,
) -> Result<Vec<f64>, Interrupted> {
    let mut least = vec![f64::INFINITY; densities.len()];
    // A single row is no dense place that could lie near another.
    let clusters = || densities.iter().enumerate().filter(|(_, density)| density.rows.len() > 1);
    for (c, one) in clusters() {
        for (o, other) in clusters().filter(|(o, _)| *o > c) {
            let apart: Result<Vec<f64>, Interrupted> = one
                .inner
                .par_iter()
                .map(|&a| {
                    progress.advance(0)?;
                    let reach = other.inner.iter().map(|&b| {
                        distance(x.row(one.rows[a]), x.row(other.rows[b])).max(one.core[a]).max(other.core[b])
                    });
                    Ok(reach.fold(f64::INFINITY, f64::min))
                })
                .collect();
            let apart = apart?.into_iter().fold(f64::INFINITY, f64::min);
            least[c] = least[c].min(apart);
            least[o] = least[o].min(apart);
        }
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// Three strips of 20 rows, and 5 rows of noise.
    fn strips() -> (Array2<f64>, Vec<i32>) {
        let x = Array2::from_shape_fn((65, 3), |(i, j)| {
            let wobble = ((i * 7919 + j * 104_729) % 1009) as f64 / 1009.0;
            if i < 60 { (i / 20) as f64 * 3.0 + wobble * (1.0 + (i / 20) as f64 * 0.5) } else { wobble * 12.0 - 3.0 }
        });
        let labels = (0..65).map(|i| if i < 60 { i / 20 } else { -1 }).collect();
        (x, labels)
    }

    #[test]
    fn it_is_that_of_the_python_package() {
        // i, j = np.mgrid[:65, :3]; w = ((i * 7919 + j * 104729) % 1009) / 1009
        // x = np.where(i < 60, i // 20 * 3.0 + w * (1 + i // 20 * .5), w * 12 - 3)
        // hdbscan.validity.validity_index(x, np.r_[np.repeat(range(3), 20), [-1] * 5], per_cluster_scores=True)
        let (x, labels) = strips();
        let found = dbcv(x.view(), &labels, 1000, 0, &()).unwrap();
        let expected = DBCV_EXPECTED;
        assert!((found.value - expected.0).abs() < 1e-9, "{found:?}");
        for (own, expected) in found.clusters.iter().zip(expected.1) {
            assert!((own.value - expected).abs() < 1e-8, "{found:?}");
        }
    }

    const DBCV_EXPECTED: (f64, [f64; 3]) = (0.660_734_454_870_674, [0.832_768_54, 0.706_265_04, 0.608_353_39]);

    #[test]
    fn a_wrong_cut_is_worse_and_the_order_of_rows_does_not_matter() {
        let (x, labels) = strips();
        let right = dbcv(x.view(), &labels, 1000, 0, &()).unwrap().value;
        let wrong: Vec<i32> = (0..65).map(|i| i % 3).collect();
        assert!(dbcv(x.view(), &wrong, 1000, 0, &()).unwrap().value < 0.0 && right > 0.0);
        let turned: Vec<i32> = labels.iter().rev().map(|label| if *label < 0 { -1 } else { 9 - label }).collect();
        let turned = dbcv(x.slice(ndarray::s![..;-1, ..]), &turned, 1000, 0, &()).unwrap().value;
        assert!((turned - right).abs() < 0.05, "{turned} {right}");
    }

    #[test]
    fn a_single_row_counts_like_noise() {
        let (x, labels) = strips();
        let single: Vec<i32> = labels.iter().enumerate().map(|(i, l)| if i == 62 { 9 } else { *l }).collect();
        let value = |labels: &[i32]| dbcv(x.view(), labels, 1000, 0, &()).unwrap().value;
        assert_eq!(value(&labels), value(&single));
    }

    #[test]
    fn a_sample_comes_near_and_bad_input_is_refused() {
        let (x, labels) = strips();
        let all = dbcv(x.view(), &labels, 1000, 0, &()).unwrap().value;
        assert!((dbcv(x.view(), &labels, 15, 3, &()).unwrap().value - all).abs() < 0.3);
        assert!(dbcv(x.view(), &labels, 1, 0, &()).is_err());
        assert!(dbcv(x.view(), &[0; 65], 10, 0, &()).is_err());
    }
}
