use std::sync::atomic::{AtomicU64, Ordering};

use ndarray::{Array2, array};
use proptest::prelude::*;

use super::super::made_rows::{made, renamed, shuffled};
use super::*;

/// `silhouette_score(x[l >= 0], l[l >= 0])` with `x, l = made(n, d, k, noise)` of `made_rows`, scikit-learn 1.9.1.
/// The second has rows that coincide, which scikit-learn finds some 1e-7 apart: hence the tolerance.
const REFERENCE: [((usize, usize, usize, usize), f64); 3] = [
    ((400, 3, 4, 11), 0.7388477689901503),
    ((1500, 31, 12, 7), -0.009072772441463553),
    ((97, 1, 3, 1000), 0.7913242182524589),
];

/// The definition, pair by pair.
fn by_definition(x: &Array2<f64>, labels: &[i32]) -> Vec<Option<f64>> {
    let clusters: std::collections::BTreeSet<i32> = labels.iter().copied().filter(|label| *label >= 0).collect();
    let distance = |a: usize, b: usize| (&x.row(a) - &x.row(b)).mapv(|v| v * v).sum().sqrt();
    let mean_to = |row: usize, cluster: i32| {
        let others = (0..x.nrows()).filter(|other| labels[*other] == cluster && *other != row);
        let distances: Vec<f64> = others.map(|other| distance(row, other)).collect();
        distances.iter().sum::<f64>() / distances.len() as f64
    };
    let value = |row: usize| {
        let own = labels[row];
        if own < 0 {
            return None;
        }
        let a = mean_to(row, own);
        let b = clusters.iter().filter(|c| **c != own).map(|c| mean_to(row, *c)).fold(f64::INFINITY, f64::min);
        Some(if a.is_nan() || a.max(b) == 0.0 { 0.0 } else { (b - a) / a.max(b) })
    };
    (0..x.nrows()).map(value).collect()
}

fn assert_rows(found: &[Option<f64>], expected: &[Option<f64>], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (row, (found, expected)) in found.iter().zip(expected).enumerate() {
        match (found, expected) {
            (Some(found), Some(expected)) => assert!((found - expected).abs() < tolerance, "{row}: {found} {expected}"),
            _ => assert_eq!(found, expected, "{row}"),
        }
    }
}

#[test]
fn agrees_with_scikit_learn() {
    for ((n, d, k, noise), expected) in REFERENCE {
        let (x, labels) = made(n, d, k, noise);
        let found = silhouette(x.view(), &labels, &()).unwrap();
        assert!((found.mean - expected).abs() < 1e-9, "{n} x {d}: {}, expected {expected}", found.mean);
    }
    let (x, labels) = made(400, 3, 4, 11);
    let found = silhouette(x.view(), &labels, &()).unwrap();
    // s = silhouette_samples(x[l >= 0], l[l >= 0]); s[:3]; [s[l[l >= 0] == c].mean() for c in range(4)]
    let first = [Some(0.7991052324491207), Some(0.6331322880644753), Some(0.7709686521350259)];
    assert_rows(&found.rows[..3], &first, 1e-10);
    let means = [0.8330455134942355, 0.6828763372726748, 0.7475888352384026, 0.6918803899552879];
    for (cluster, mean) in found.clusters.iter().zip(means) {
        assert!((cluster.value - mean).abs() < 1e-10);
    }
}

#[test]
fn both_ways_agree_with_the_definition() {
    for (n, d, k, noise) in [(130, 2, 7, 5), (61, 40, 2, 1000), (9, 1, 8, 1000), (257, 5, 100, 10)] {
        let (x, labels) = made(n, d, k, noise);
        let expected = by_definition(&x, &labels);
        assert_rows(&exact(x.view(), &labels, SUMS_MAX, &()).unwrap().rows, &expected, 1e-11);
        assert_rows(&exact(x.view(), &labels, 0, &()).unwrap().rows, &expected, 1e-11);
    }
}

#[test]
fn computed_by_hand() {
    let x = array![[0.0f32, 0.0], [3.0, 4.0], [0.0, 10.0], [0.0, 10.0], [50.0, 50.0]];
    let found = silhouette(x.view(), &[4, 4, 9, 9, 2], &()).unwrap();
    // Row 0: a = 5, b = 10 (cluster 9). Row 1: a = 5, b = 45^.5 > a. Rows 2 and 3: a = 0. Row 4 is alone.
    let next = 45f64.sqrt();
    let expected = [Some(0.5), Some((next - 5.0) / next), Some(1.0), Some(1.0), Some(0.0)];
    assert_rows(&found.rows, &expected, 1e-12);
    let labels: Vec<(i32, usize)> = found.clusters.iter().map(|c| (c.label, c.rows)).collect();
    assert_eq!(labels, [(2, 1), (4, 2), (9, 2)]);
}

#[test]
fn near_rows_far_from_the_others_keep_their_digits() {
    let mut x = Array2::from_shape_fn((40, 3), |(i, j)| ((i * (j + 3)) % 7) as f64 * 1e-6 + (i % 2) as f64 * 1e3);
    x.row_mut(38).fill(-4e4);
    x.row_mut(39).fill(-4e4);
    let labels: Vec<i32> = (0..40).map(|i| if i >= 38 { 5 } else { (i % 4) / 2 + 2 * (i % 2) }).collect();
    let found = silhouette(x.view(), &labels, &()).unwrap();
    assert_rows(&found.rows, &by_definition(&x, &labels), 1e-8);
    assert_eq!(found.rows[38], Some(1.0));
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let (x, labels) = made(3000, 5, 6, 10);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| silhouette(x.view(), &labels, &()).unwrap())
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(7));
}

#[test]
fn a_sample_of_all_rows_is_exact_and_a_smaller_one_within_its_error() {
    let (x, labels) = made(2000, 4, 5, 9);
    let exact = silhouette(x.view(), &labels, &()).unwrap();
    let all = silhouette_sampled(x.view(), &labels, 5000, 1, &()).unwrap();
    assert_eq!((all.rows, all.standard_error), (labels.iter().filter(|l| **l >= 0).count(), 0.0));
    assert!((all.mean - exact.mean).abs() < 1e-12);
    let mut within = 0;
    for seed in 0..40 {
        let some = silhouette_sampled(x.view(), &labels, 200, seed, &()).unwrap();
        assert_eq!(some, silhouette_sampled(x.view(), &labels, 200, seed, &()).unwrap());
        assert!(some.standard_error > 0.0 && some.standard_error < 1.0 / 200f64.sqrt());
        within += usize::from((some.mean - exact.mean).abs() < 2.0 * some.standard_error);
    }
    assert!(within >= 33, "{within} of 40 within two standard errors");
}

#[test]
fn every_pair_meets_once() {
    for teams in [2usize, 4, 10] {
        let mut met = std::collections::BTreeSet::new();
        for round in 0..teams - 1 {
            let mut busy = std::collections::BTreeSet::new();
            for meeting in 0..teams / 2 {
                let (one, other) = meeting_of(teams, round, meeting);
                assert!(busy.insert(one) && busy.insert(other));
                assert!(met.insert((one.min(other), one.max(other))));
            }
        }
        assert_eq!(met.len(), teams * (teams - 1) / 2);
    }
}

#[test]
fn bad_input_is_refused_and_the_watch_stops_it() {
    let (mut x, labels) = made(500, 3, 4, 11);
    let error = |x: &Array2<f64>, labels: &[i32]| silhouette(x.view(), labels, &()).unwrap_err().to_string();
    assert_eq!(
        error(&Array2::zeros((0, 3)), &[]),
        "the input has 0 rows and 3 columns: at least one of each is needed"
    );
    assert_eq!(error(&x, &[0, 1]), "500 rows but 2 labels: each row needs one");
    assert!(error(&x, &[0; 500]).starts_with("the labels name 1 clusters"));
    assert!(silhouette_sampled(x.view(), &labels, 1, 0, &()).unwrap_err().to_string().contains("1 rows"));
    let ticks = AtomicU64::new(0);
    let watch = |_: u64, _: u64| if ticks.fetch_add(1, Ordering::Relaxed) < 5 { Ok(()) } else { Err(Interrupted) };
    assert_eq!(silhouette(x.view(), &labels, &watch), Err(Interrupted.into()));
    x[[3, 1]] = f64::NAN;
    assert!(error(&x, &labels).starts_with("value at row 3, column 1"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn order_and_names_do_not_matter(columns in 1usize..6, k in 2usize..7, step in 1usize..100) {
        let (x, labels) = made(101, columns, k, 9);
        let expected = silhouette(x.view(), &labels, &()).unwrap();
        let (x, labels) = shuffled(&x, &renamed(&labels), step);
        let found = silhouette(x.view(), &labels, &()).unwrap();
        prop_assert!((found.mean - expected.mean).abs() <= 1e-12);
        for i in 0..101 {
            let (found, expected) = (found.rows[i], expected.rows[i * step % 101]);
            prop_assert!((found.unwrap_or(9.0) - expected.unwrap_or(9.0)).abs() < 1e-12);
        }
    }
}
