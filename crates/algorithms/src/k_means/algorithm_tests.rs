use std::sync::atomic::{AtomicU64, Ordering};

use linfa::ParamGuard;
use ndarray::{Array2, s};

use super::*;
use crate::watch::Interrupted;

/// Four groups of 50 rows around the first four axes.
fn grouped() -> Array2<f64> {
    Array2::from_shape_fn((200, 5), |(i, j)| {
        ((i * 7919 + j * 104_729) % 1009) as f64 / 1009.0 + if j == i % 4 { 2.0 } else { 0.0 }
    })
}

/// i, j = np.mgrid[:200, :5]; x = ((i * 7919 + j * 104729) % 1009) / 1009 + np.where(j == i % 4, 2.0, 0.0)
/// m = KMeans(4, init=x[:4], n_init=1, tol=1e-4).fit(x); m.inertia_, m.n_iter_, m.cluster_centers_[0]
#[test]
fn it_is_that_of_scikit_learn() {
    let x = grouped();
    let found = KMeans::params(4).start(x.slice(s![..4, ..]).to_owned()).check().unwrap().fit(x.view(), &()).unwrap();
    assert!((found.model.inertia() - 83.266_061_344_824_24).abs() < 1e-9, "{}", found.model.inertia());
    assert_eq!(found.model.iterations(), 2);
    assert!((0..200).all(|row| found.labels[row] == row % 4));
    let expected = [2.499_742_32, 0.514_588_7, 0.509_435_08, 0.504_281_47, 0.499_127_85];
    assert!(found.model.centroids().row(0).iter().zip(expected).all(|(own, theirs)| (own - theirs).abs() < 1e-8));
}

#[test]
fn random_starts_find_the_same_groups_and_a_seed_repeats() {
    let x = grouped();
    let params = KMeans::params(4).n_init(5).seed(7).check().unwrap();
    let found = params.fit(x.view(), &()).unwrap();
    assert!((found.model.inertia() - 83.266_061_344_824_24).abs() < 1e-9);
    assert_eq!(found.labels, params.fit(x.view(), &()).unwrap().labels);
    assert_eq!(found.model.predict(x.view(), &()).unwrap(), found.labels);
    let single = x.mapv(|v| v as f32);
    assert_eq!(params.fit(single.view(), &()).unwrap().model.predict(x.view(), &()).unwrap().len(), 200);
}

#[test]
fn one_thread_and_four_give_the_same_model() {
    let x = Array2::from_shape_fn((9000, 6), |(i, j)| ((i * (j + 3) * 7919) % 10_007) as f64 / 10_007.0);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let params = KMeans::params(9).seed(3).check().unwrap();
        let found = pool.install(|| params.fit(x.view(), &()).unwrap());
        (found.model, found.labels)
    };
    assert_eq!(on(1), on(4));
}

#[test]
fn bad_input_is_refused_and_the_watch_stops_it() {
    let x = grouped();
    let params = KMeans::params(4).check().unwrap();
    assert!(params.fit(x.slice(s![..2, ..]), &()).is_err());
    let mut bad = x.clone();
    bad[[3, 1]] = f64::NAN;
    assert!(params.fit(bad.view(), &()).unwrap_err().to_string().contains("row 3, column 1"));
    let ticks = AtomicU64::new(0);
    let count = |_: u64, _: u64| {
        ticks.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    params.fit(x.view(), &count).unwrap();
    for stop in 0..ticks.load(Ordering::Relaxed) {
        let seen = AtomicU64::new(0);
        let watch =
            |_: u64, _: u64| if seen.fetch_add(1, Ordering::Relaxed) < stop { Ok(()) } else { Err(Interrupted) };
        assert!(params.fit(x.view(), &watch).is_err(), "it went on after {stop} signs of life");
    }
}
