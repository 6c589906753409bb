use std::sync::atomic::{AtomicU64, Ordering};

use linfa::ParamGuard;
use ndarray::{Array2, ArrayView2, array, concatenate};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::watch::Interrupted;

/// Groups of rows around random centres, and some rows anywhere.
fn grouped(seed: u64, rows: usize, columns: usize) -> Array2<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let centres = Array2::from_shape_simple_fn((4, columns), || rng.gen_range(-6.0..6.0));
    let mut x = Array2::zeros((rows, columns));
    for mut row in x.outer_iter_mut() {
        let (centre, stray) = (rng.gen_range(0..4), rng.gen_bool(0.05));
        for (column, value) in row.iter_mut().enumerate() {
            let near = centres[[centre, column]] + rng.gen_range(-1.0..1.0);
            *value = if stray { rng.gen_range(-30.0..30.0) } else { near };
        }
    }
    x
}

fn distance(x: ArrayView2<'_, f64>, a: usize, b: usize) -> f64 {
    x.row(a).iter().zip(x.row(b)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

/// Weights of the minimum spanning tree by Prim's algorithm on all pairs, in rising order.
fn prim(x: ArrayView2<'_, f64>, min_samples: usize) -> Vec<f64> {
    let n = x.nrows();
    let core: Vec<f64> = (0..n)
        .map(|a| {
            let mut apart: Vec<f64> = (0..n).filter(|b| *b != a).map(|b| distance(x, a, b)).collect();
            apart.sort_by(f64::total_cmp);
            apart[min_samples - 1]
        })
        .collect();
    let mut nearest = vec![f64::INFINITY; n];
    let mut outside: Vec<usize> = (1..n).collect();
    let (mut current, mut weights) = (0, Vec::new());
    while !outside.is_empty() {
        for &other in &outside {
            let weight = distance(x, current, other).max(core[current]).max(core[other]);
            nearest[other] = nearest[other].min(weight);
        }
        let next = (0..outside.len()).min_by(|a, b| nearest[outside[*a]].total_cmp(&nearest[outside[*b]])).unwrap();
        current = outside.swap_remove(next);
        weights.push(nearest[current]);
    }
    weights.sort_by(f64::total_cmp);
    weights
}

fn assert_tree_is_minimal(x: ArrayView2<'_, f64>, min_samples: usize) {
    let params = Hdbscan::params().min_samples(min_samples).check().unwrap();
    let found = params.reachability(x, &()).unwrap();
    let mut weights: Vec<f64> = found.edges().iter().map(|edge| edge.weight).collect();
    weights.sort_by(f64::total_cmp);
    let expected = prim(x, min_samples);
    assert_eq!(weights.len(), expected.len());
    for (own, expected) in weights.iter().zip(&expected) {
        assert!((own - expected).abs() <= 1e-12 * expected.max(1.0), "{own} where {expected} is least");
    }
}

#[test]
fn the_tree_is_minimal_in_few_dimensions_and_in_many() {
    for (seed, columns) in [(1, 1), (2, 2), (3, 3), (4, 7), (5, 31), (6, 64), (7, 300)] {
        assert_tree_is_minimal(grouped(seed, 700, columns).view(), 5);
    }
}

#[test]
fn the_tree_is_minimal_far_from_the_origin_and_beside_a_giant() {
    let mut x = grouped(8, 400, 5) + 1e6;
    assert_tree_is_minimal(x.view(), 4);
    x[[17, 2]] = 1e15;
    assert_tree_is_minimal(x.view(), 4);
}

#[test]
fn the_tree_is_minimal_where_rows_repeat_and_lie_on_a_lattice() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
    let lattice = Array2::from_shape_simple_fn((500, 3), || f64::from(rng.gen_range(0..4)));
    for min_samples in [1, 3, 20] {
        assert_tree_is_minimal(lattice.view(), min_samples);
    }
    assert_tree_is_minimal(Array2::from_elem((50, 4), 2.0).view(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_tree_is_minimal_whatever_the_rows(seed in 0u64..1 << 32, rows in 4usize..200, columns in 1usize..12, k in 1usize..4) {
        assert_tree_is_minimal(grouped(seed, rows, columns).view(), k);
    }

    #[test]
    fn the_order_of_the_rows_changes_no_cluster(seed in 0u64..1 << 32) {
        let x = grouped(seed, 300, 4);
        let params = Hdbscan::params().min_cluster_size(12).check().unwrap();
        let model = params.fit(x.view(), &()).unwrap();
        let turned = params.fit(x.slice(ndarray::s![..;-1, ..]), &()).unwrap();
        prop_assert_eq!(model.n_clusters(), turned.n_clusters());
        for (one, other) in model.outlier_scores().iter().zip(turned.outlier_scores().iter().rev()) {
            prop_assert!((one - other).abs() < 1e-9);
        }
    }
}

#[test]
fn one_thread_and_four_give_the_same_model() {
    let x = grouped(11, 3000, 8);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let params = Hdbscan::params().min_cluster_size(20).check().unwrap();
        pool.install(|| params.fit(x.view(), &()).unwrap())
    };
    assert_eq!(on(1), on(4));
}

#[test]
fn groups_are_found_and_what_is_far_is_noise() {
    let line = |start: f64| Array2::from_shape_fn((30, 2), |(i, j)| start + i as f64 * 0.1 + j as f64);
    let x = concatenate![ndarray::Axis(0), line(0.0), line(50.0), array![[400.0, -300.0]]];
    let model = Hdbscan::params().min_cluster_size(10).min_samples(3).check().unwrap().fit(x.view(), &()).unwrap();
    let expected: Vec<i32> = (0..61).map(|i| [0, 1, -1][i / 30]).collect();
    assert_eq!(model.labels(), expected);
    assert_eq!(model.probabilities()[60], 0.0);
    assert!(model.outlier_scores()[60] > 0.99);
    let placed = model.predict(array![[1.55, 2.55], [51.0, 52.0], [-300.0, 0.0]].view(), &()).unwrap();
    assert_eq!(placed.iter().map(|m| m.label).collect::<Vec<_>>(), [0, 1, -1]);
    assert!(placed[0].probability > 0.5);
}

#[test]
fn a_weight_stretches_its_column_and_a_category_counts_as_one() {
    let x = grouped(12, 200, 3);
    let stretched = &x * &array![1.0, 2.0, 0.0];
    let plain = Hdbscan::params().check().unwrap().fit(stretched.view(), &()).unwrap();
    let metric = Metric::Weighted(vec![1.0, 4.0, 0.0]);
    let weighted = Hdbscan::params().metric(metric).check().unwrap().fit(x.view(), &()).unwrap();
    assert_eq!(plain.labels(), weighted.labels());
    let Metric::Weighted(weights) = Metric::one_hot_aware(6, std::slice::from_ref(&(1..4)), 3.0) else {
        panic!("weights")
    };
    assert_eq!(weights, [1.0, 1.5, 1.5, 1.5, 1.0, 1.0]);
}

#[test]
fn a_known_reachability_serves_other_sizes() {
    let x = grouped(13, 500, 4);
    let params = |size| Hdbscan::params().min_samples(6).min_cluster_size(size).check().unwrap();
    let known = params(5).reachability(x.view(), &()).unwrap();
    for size in [5, 17, 60] {
        assert_eq!(params(size).fit_reachability(&known, &()).unwrap(), params(size).fit(x.view(), &()).unwrap());
    }
    let other = Hdbscan::params().min_samples(7).check().unwrap().fit_reachability(&known, &()).unwrap_err();
    assert!(other.to_string().contains("another min_samples"));
}

#[test]
fn bad_input_is_refused() {
    let params = Hdbscan::params().min_samples(2).check().unwrap();
    let error = |x: Array2<f64>| params.fit(x.view(), &()).unwrap_err().to_string();
    assert!(error(Array2::zeros((0, 3))).starts_with("the input has 0 rows"));
    assert!(error(Array2::zeros((2, 3))).contains("min_samples 2 needs at least 3"));
    assert!(error(array![[1.0], [f64::NAN], [2.0]]).contains("row 1, column 0"));
    let metric = Metric::Weighted(vec![1.0]);
    let weights = Hdbscan::params().metric(metric).check().unwrap().fit(grouped(1, 20, 2).view(), &());
    assert!(weights.unwrap_err().to_string().starts_with("the metric has 1 weights"));
    let model = params.fit(grouped(1, 20, 2).view(), &()).unwrap();
    assert!(model.predict(Array2::<f64>::zeros((1, 3)).view(), &()).unwrap_err().to_string().contains("3 columns"));
}

#[test]
fn it_stops_wherever_it_is_interrupted() {
    let x = grouped(14, 2000, 6);
    let params = Hdbscan::params().check().unwrap();
    let ticks = AtomicU64::new(0);
    let count = |_: u64, _: u64| {
        ticks.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    params.fit(x.view(), &count).unwrap();
    let all = ticks.load(Ordering::Relaxed);
    assert!(all > 100, "{all} signs of life");
    for stop in (0..all * 9 / 10).step_by(23) {
        let seen = AtomicU64::new(0);
        let watch =
            |_: u64, _: u64| if seen.fetch_add(1, Ordering::Relaxed) < stop { Ok(()) } else { Err(Interrupted) };
        assert_eq!(params.fit(x.view(), &watch).unwrap_err(), HdbscanError::Interrupted(Interrupted));
    }
}
