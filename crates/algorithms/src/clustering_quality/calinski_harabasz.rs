//! The Calinski-Harabasz index: variance between clusters over variance within.

use ndarray::ArrayView2;

use super::centroids::{centroids, squared_distance};
use super::errors::ClusteringQualityError;
use super::groups::Groups;
use crate::input::Real;
use crate::watch::Watch;

/// Calinski-Harabasz index, the variance ratio criterion (Caliński and Harabasz 1974, "A dendrite method for cluster
/// analysis", Communications in Statistics 3): 0 or more, higher is better.
///
/// With `B` the squared distances of cluster centroids to the overall centroid, each times the cluster's rows, and `W`
/// those of rows to their centroid, it is `(B / (k - 1)) / (W / (n - k))`, and 1 if `W = 0`, as in scikit-learn. Noise
/// rows (negative labels) take no part. `x` is rows x columns.
///
/// Good for comparing clusterings of the same rows into round clusters; it grows with the number of rows. `O(n columns)`.
///
/// # Errors
/// `x` is empty, lengths differ, there are fewer than two clusters or as many as rows, a value is not finite as
/// `f32`, or the watch interrupts.
///
/// # Example
/// ```
/// use ndarray::array;
/// use souffleur_algorithms::clustering_quality::calinski_harabasz;
/// let x = array![[0.0], [2.0], [10.0], [12.0]];
/// // B = 4 * 25, W = 4 * 1, n - k = 2.
/// assert!((calinski_harabasz(x.view(), &[0, 0, 1, 1], &())? - 50.0).abs() < 1e-12);
/// # Ok::<(), souffleur_algorithms::clustering_quality::ClusteringQualityError>(())
/// ```
pub fn calinski_harabasz<F: Real>(
    x: ArrayView2<'_, F>,
    labels: &[i32],
    watch: &dyn Watch,
) -> Result<f64, ClusteringQualityError> {
    let groups = Groups::checked(x, labels, watch)?;
    let (rows, clusters) = (groups.all_members().len(), groups.len());
    if rows == clusters {
        return Err(ClusteringQualityError::Singletons { clusters, rows });
    }
    let centroids = centroids(x, &groups, watch)?;
    let mut overall = vec![0.0; x.ncols()];
    for centroid in &centroids {
        let share = centroid.rows as f64 / rows as f64;
        overall.iter_mut().zip(&centroid.mean).for_each(|(sum, mean)| *sum += share * mean);
    }
    let about = |mean: &[f64]| squared_distance(mean.iter().copied(), &overall);
    let between: f64 = centroids.iter().map(|centroid| centroid.rows as f64 * about(&centroid.mean)).sum();
    let within: f64 = centroids.iter().map(|centroid| centroid.squares).sum();
    if within == 0.0 {
        return Ok(1.0);
    }
    Ok(between * (rows - clusters) as f64 / (within * (clusters - 1) as f64))
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::super::made_rows::{made, renamed, shuffled};
    use super::*;

    /// `sklearn.metrics.calinski_harabasz_score(x[l >= 0], l[l >= 0])` with `x, l = made(n, d, k, noise)` of
    /// `made_rows`, scikit-learn 1.9.1.
    #[test]
    fn agrees_with_scikit_learn() {
        for ((n, d, k, noise), expected) in REFERENCE {
            let (x, labels) = made(n, d, k, noise);
            let found = calinski_harabasz(x.view(), &labels, &()).unwrap();
            assert!((found / expected - 1.0).abs() < 1e-10, "{n} x {d}, {k} clusters: {found}, expected {expected}");
        }
    }
    const REFERENCE: [((usize, usize, usize, usize), f64); 3] = [
        ((400, 3, 4, 11), 2449.354262415175),
        ((1500, 31, 12, 7), 1875.127918617427),
        ((97, 1, 3, 1000), 1181.0281964770986),
    ];

    #[test]
    fn clusters_without_scatter_have_one_and_singletons_none() {
        let x = array![[0.0], [0.0], [3.0]];
        assert_eq!(calinski_harabasz(x.view(), &[0, 0, 1], &()), Ok(1.0));
        let refused = calinski_harabasz(x.view(), &[0, 1, 2], &()).unwrap_err();
        assert_eq!(refused, ClusteringQualityError::Singletons { clusters: 3, rows: 3 });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn order_and_names_do_not_matter(columns in 1usize..6, k in 2usize..7, step in 1usize..100) {
            let (x, labels) = made(101, columns, k, 9);
            let expected = calinski_harabasz(x.view(), &labels, &()).unwrap();
            let (x, labels) = shuffled(&x, &renamed(&labels), step);
            let found = calinski_harabasz(x.view(), &labels, &()).unwrap();
            prop_assert!((found - expected).abs() <= 1e-9 * expected);
        }
    }
}
