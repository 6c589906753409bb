use super::*;
use crate::ParamGuard;
use crate::k_means::KMeansParamsError;
use crate::lanes::squared_distance;
use crate::planted_clusters::planted_clusters;
use ndarray::{array, s};
use proptest::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

fn fit(x: &Array2<f64>, params: KMeansParams) -> KMeansFit {
    params.check().unwrap().fit(x.view(), &()).unwrap()
}

fn close(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-9, "{found} is not {expected}");
}

#[test]
fn autotraits() {
    fn has_autotraits<T: Send + Sync + Sized + Unpin>() {}
    has_autotraits::<KMeans>();
    has_autotraits::<KMeansFit>();
    has_autotraits::<KMeansParams>();
    has_autotraits::<KMeansValidParams>();
    has_autotraits::<KMeansError>();
    has_autotraits::<KMeansParamsError>();
}

/// `x = planted(2000, 3, 5)`, then `KMeans(5, init=x[:5], n_init=1).fit(x)`, with `tol=0` too; scikit-learn 1.9.1.
#[test]
fn from_the_same_start_the_steps_are_those_of_scikit_learn() {
    let x = planted_clusters(2000, 3, 5);
    let params = KMeans::params(5).start(x.slice(s![..5, ..]).to_owned());
    let found = fit(&x, params.clone());
    assert_eq!((found.model.iterations(), found.model.converged()), (7, true));
    close(found.model.inertia(), 1674.1413174624186);
    for (found, expected) in
        found.model.centroids().row(0).iter().zip([1.9932436810561722, 3.8125883765490993, 3.6431112312593084])
    {
        close(*found, expected);
    }
    let found = fit(&x, params.clone().tol(0.0));
    assert_eq!(found.model.iterations(), 9);
    close(found.model.inertia(), 1674.1374950626243);
    assert!(!fit(&x, params.max_iter(2)).model.converged());
}

/// `KMeans(8, n_init=1, random_state=seed).fit(x)` and `KMeans(8, n_init=4, random_state=1).fit(x)`; scikit-learn 1.9.1.
#[test]
fn from_the_same_seed_the_clusters_are_those_of_scikit_learn() {
    let x = planted_clusters(2000, 3, 5);
    for (seed, iterations, inertia, sizes) in [
        (0, 11, 1246.071423504557, [181, 376, 207, 219, 381, 198, 219, 219]),
        (42, 16, 1295.040748530864, [190, 389, 219, 199, 366, 223, 205, 209]),
    ] {
        let found = fit(&x, KMeans::params(8).seed(seed));
        assert_eq!(found.model.iterations(), iterations);
        close(found.model.inertia(), inertia);
        let size = |cluster: usize| found.labels.iter().filter(|label| **label == cluster).count();
        assert_eq!(std::array::from_fn(size), sizes);
    }
    let found = fit(&x, KMeans::params(8).seed(1).n_init(4));
    assert_eq!(found.model.iterations(), 15);
    close(found.model.inertia(), 1246.881734536008);
}

/// Two start centroids far off: `c = np.vstack([x[:2], np.full((2, 3), 50.0)])`, then
/// `KMeans(4, init=c, n_init=1).fit(x)`; scikit-learn 1.9.1.
#[test]
fn an_empty_cluster_takes_the_farthest_row() {
    let x = planted_clusters(2000, 3, 5);
    let far = Array2::from_elem((2, 3), 50.0);
    let start = ndarray::concatenate![Axis(0), x.slice(s![..2, ..]), far];
    let found = fit(&x, KMeans::params(4).start(start));
    assert_eq!(found.model.iterations(), 9);
    close(found.model.inertia(), 2203.3342851686957);
    let size = |cluster: usize| found.labels.iter().filter(|label| **label == cluster).count();
    assert_eq!(std::array::from_fn(size), [415, 786, 403, 396]);
}

#[test]
fn fewer_different_rows_than_clusters_are_no_trouble() {
    let x = array![[1.0, 1.0], [1.0, 1.0], [5.0, 5.0], [5.0, 5.0]];
    let found = fit(&x, KMeans::params(3));
    close(1.0 + found.model.inertia(), 1.0);
    assert!(found.model.centroids().iter().all(|value| value.is_finite()));
    assert_eq!((found.labels[0], found.labels[2]), (found.labels[1], found.labels[3]));
    let one = fit(&x, KMeans::params(1));
    assert_eq!(one.model.centroids(), array![[3.0, 3.0]]);
}

#[test]
fn the_number_of_threads_and_the_layout_do_not_matter() {
    let x = planted_clusters(5000, 3, 7);
    let run = |threads, x: ArrayView2<'_, f64>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| KMeans::params(9).seed(4).n_init(2).check().unwrap().fit(x, &()).unwrap())
    };
    let found = run(1, x.view());
    assert_eq!(run(3, x.view()), found);
    assert_eq!(run(2, x.t().as_standard_layout().to_owned().reversed_axes().view()), found);
    assert_eq!(found.model.predict(x.view(), &()).unwrap(), found.labels);
    let distances = found.model.transform(x.view(), &()).unwrap();
    let inertia: f64 = found.labels.iter().enumerate().map(|(row, label)| distances[[row, *label]].powi(2)).sum();
    close(inertia, found.model.inertia());
    let single = KMeans::params(9).seed(4).check().unwrap().fit(x.mapv(|value| value as f32).view(), &()).unwrap();
    assert!((single.model.inertia() / fit(&x, KMeans::params(9).seed(4)).model.inertia() - 1.0).abs() < 1e-3);
}

#[test]
fn every_interruption_is_heard() {
    let x = planted_clusters(3000, 3, 4);
    let calls = AtomicU64::new(0);
    let count = |_: u64, _: u64| {
        calls.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    let params = KMeans::params(6).check().unwrap();
    params.fit(x.view(), &count).unwrap();
    let all = calls.into_inner();
    for last in (0..all).step_by(7) {
        let calls = AtomicU64::new(0);
        let stop =
            |_: u64, _: u64| if calls.fetch_add(1, Ordering::Relaxed) < last { Ok(()) } else { Err(Interrupted) };
        assert_eq!(params.fit(x.view(), &stop), Err(KMeansError::Interrupted(Interrupted)));
    }
}

#[test]
fn bad_input_is_refused() {
    let error =
        |params: KMeansParams, x: &Array2<f64>| params.check().unwrap().fit(x.view(), &()).unwrap_err().to_string();
    let mut x = planted_clusters(10, 3, 2);
    assert!(error(KMeans::params(2), &Array2::zeros((0, 3))).starts_with("the input has 0 rows"));
    assert!(error(KMeans::params(11), &x).starts_with("10 rows for 11 clusters"));
    assert!(error(KMeans::params(2).start(Array2::zeros((2, 4))), &x).starts_with("the input has 3 columns, the"));
    let model = fit(&x, KMeans::params(2)).model;
    assert!(model.predict(Array2::<f32>::zeros((1, 2)).view(), &()).is_err());
    x[[3, 1]] = f64::NAN;
    assert!(error(KMeans::params(2), &x).starts_with("value at row 3, column 1"));
    assert!(model.transform(x.view(), &()).is_err());
}

/// Lloyd's iteration without any bounds.
fn plain(x: &Array2<f64>, mut centroids: Array2<f64>) -> (Vec<usize>, Array2<f64>, usize) {
    let mut labels = vec![usize::MAX; x.nrows()];
    for iteration in 1.. {
        let before = labels.clone();
        for (label, row) in labels.iter_mut().zip(x.outer_iter()) {
            let squared: Vec<f64> = centroids
                .outer_iter()
                .map(|centroid| squared_distance(row.as_slice().unwrap(), centroid.as_slice().unwrap()))
                .collect();
            *label = (0..squared.len()).min_by(|a, b| squared[*a].total_cmp(&squared[*b])).unwrap();
        }
        for (cluster, mut centroid) in centroids.outer_iter_mut().enumerate() {
            let rows: Vec<_> = x.outer_iter().zip(&labels).filter(|(_, label)| **label == cluster).collect();
            if !rows.is_empty() {
                centroid.fill(0.0);
                rows.iter().for_each(|(row, _)| centroid += row);
                centroid /= rows.len() as f64;
            }
        }
        if labels == before {
            return (labels, centroids, iteration);
        }
    }
    unreachable!("the iteration ends")
}

proptest! {
    #[test]
    fn bounds_change_nothing(
        values in prop::collection::vec(-1.0..1.0f64, 120 * 2), clusters in 1..9usize, scale in -3..9i32,
    ) {
        let x = Array2::from_shape_vec((120, 2), values).unwrap() * 10f64.powi(scale);
        let start = x.slice(s![..clusters, ..]).to_owned();
        let (labels, centroids, iterations) = plain(&x, start.clone());
        let found = fit(&x, KMeans::params(clusters).start(start).tol(0.0));
        // A start row keeps itself, so no cluster was ever empty unless rows repeat.
        prop_assert_eq!(found.labels, labels);
        prop_assert!((found.model.iterations() as i64 - iterations as i64).abs() <= 1);
        let size = 10f64.powi(scale);
        prop_assert!((&found.model.centroids - &centroids).iter().all(|value| value.abs() < 1e-12 * size));
    }
}
