//! The Davies-Bouldin index: how wide clusters are, measured by the distance between them.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::centroids::{Centroid, centroids, squared_distance};
use super::errors::ClusteringQualityError;
use super::groups::Groups;
use crate::input::Real;
use crate::watch::{Interrupted, Progress, Watch};

/// Davies-Bouldin index (Davies and Bouldin 1979, "A cluster separation measure", IEEE TPAMI 1): 0 or more, lower is
/// better.
///
/// With `s` the mean distance of a cluster's rows to its centroid and `m` the distance of two centroids, it is the
/// mean over clusters of the greatest `(s_i + s_j) / m_ij`. As in scikit-learn, clusters whose centroids coincide are
/// not compared, and the index is 0 if no rows scatter or all centroids coincide. Noise rows (negative labels) take
/// no part. `x` is rows x columns.
///
/// Good for round clusters; a long or bent cluster counts as a bad one. `O((n + k^2) columns)`.
///
/// # Errors
/// `x` is empty, lengths differ, there are fewer than two clusters, a value is not finite as `f32`, or the watch
/// interrupts.
///
/// # Example
/// ```
/// use ndarray::array;
/// use souffleur_algorithms::clustering_quality::davies_bouldin;
/// let x = array![[0.0], [2.0], [10.0], [12.0]];
/// // Both clusters scatter by 1, and their centroids are 10 apart.
/// assert!((davies_bouldin(x.view(), &[0, 0, 1, 1], &())? - 0.2).abs() < 1e-12);
/// # Ok::<(), souffleur_algorithms::clustering_quality::ClusteringQualityError>(())
/// ```
pub fn davies_bouldin<F: Real>(
    x: ArrayView2<'_, F>,
    labels: &[i32],
    watch: &dyn Watch,
) -> Result<f64, ClusteringQualityError> {
    let groups = Groups::checked(x, labels, watch)?;
    let centroids = centroids(x, &groups, watch)?;
    let progress = Progress::new(watch, (centroids.len() * centroids.len()) as u64);
    let worst: Result<Vec<f64>, Interrupted> = (0..centroids.len())
        .into_par_iter()
        .map(|own| {
            let ratios = (0..centroids.len()).filter(|other| *other != own);
            let worst = ratios.map(|other| ratio(&centroids[own], &centroids[other])).fold(0.0, f64::max);
            progress.advance(centroids.len() as u64)?;
            Ok(worst)
        })
        .collect();
    Ok(worst?.iter().sum::<f64>() / centroids.len() as f64)
}

fn ratio(one: &Centroid, other: &Centroid) -> f64 {
    let apart = squared_distance(one.mean.iter().copied(), &other.mean).sqrt();
    if apart > 0.0 { (one.mean_distance + other.mean_distance) / apart } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::super::made_rows::{made, renamed, shuffled};
    use super::*;

    /// `sklearn.metrics.davies_bouldin_score(x[l >= 0], l[l >= 0])` with `x, l = made(n, d, k, noise)` of `made_rows`,
    /// scikit-learn 1.9.1.
    #[test]
    fn agrees_with_scikit_learn() {
        for ((n, d, k, noise), expected) in REFERENCE {
            let (x, labels) = made(n, d, k, noise);
            let found = davies_bouldin(x.view(), &labels, &()).unwrap();
            assert!((found / expected - 1.0).abs() < 1e-10, "{n} x {d}, {k} clusters: {found}, expected {expected}");
        }
    }
    const REFERENCE: [((usize, usize, usize, usize), f64); 3] = [
        ((400, 3, 4, 11), 0.38341415204073737),
        ((1500, 31, 12, 7), 31.255669548588983),
        ((97, 1, 3, 1000), 0.2794328779653308),
    ];

    #[test]
    fn coinciding_centroids_are_not_compared() {
        let x = array![[0.0], [2.0], [0.0], [2.0], [5.0], [7.0]];
        // Clusters 0 and 1 have their centroid at 1, cluster 2 at 6; all scatter by 1.
        let found = davies_bouldin(x.view(), &[0, 0, 1, 1, 2, 2], &()).unwrap();
        assert!((found - 0.4).abs() < 1e-12);
        assert_eq!(davies_bouldin(x.slice(ndarray::s![..4, ..]), &[0, 0, 1, 1], &()).unwrap(), 0.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn order_and_names_do_not_matter(columns in 1usize..6, k in 2usize..7, step in 1usize..100) {
            let (x, labels) = made(101, columns, k, 9);
            let expected = davies_bouldin(x.view(), &labels, &()).unwrap();
            let (x, labels) = shuffled(&x, &renamed(&labels), step);
            let found = davies_bouldin(x.view(), &labels, &()).unwrap();
            prop_assert!((found - expected).abs() <= 1e-9 * expected);
        }
    }
}
