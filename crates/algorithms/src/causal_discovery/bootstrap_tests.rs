//! Confidence of planted edges.

use linfa::ParamGuard;
use ndarray::Array2;

use super::*;
use crate::causal_discovery::{Fci, NumberRows, Pc};

/// 0 -> 1 <- 2, the first effect strong and the second weak; 3 by itself.
fn rows() -> Array2<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let mut x = Array2::from_shape_simple_fn((300, 4), || (0..4).map(|_| rng.gen_range(-1.0..1.0)).sum::<f64>());
    for mut row in x.outer_iter_mut() {
        row[1] += row[0] + 0.2 * row[2];
    }
    x
}

#[test]
fn strong_effects_are_found_again_more_often_than_weak_ones_and_weak_ones_than_none() {
    let x = rows();
    let params = Pc::params().check().unwrap();
    let run = |threads, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let knowledge = Knowledge::none(4);
        pool.install(|| bootstrap(&params, &NumberRows(x.view()), &knowledge, (60, seed), &()).unwrap())
    };
    let found = run(1, 5);
    let joined = |a, b| found.of(a, b).adjacent();
    assert!(joined(0, 1) > 0.99 && joined(1, 2) < joined(0, 1) && joined(1, 2) > joined(0, 3) + 0.2, "{found:?}");
    assert!(found.of(0, 1).forward > found.of(0, 1).backward);
    assert_eq!(found.of(1, 0).backward, found.of(0, 1).forward);
    assert_eq!(found, run(3, 5));
    assert_ne!(found, run(1, 6));
}

#[test]
fn every_kind_of_edge_is_counted() {
    let x = rows();
    let params = Fci::params().check().unwrap();
    let found = bootstrap(&params, &NumberRows(x.view()), &Knowledge::none(4), (40, 5), &()).unwrap();
    let pair = found.of(0, 1);
    // The strong cause is found always, as `o->` where the weak one is found as well.
    assert!((pair.adjacent() - 1.0).abs() < 1e-12 && pair.partly_forward > 0.4, "{pair:?}");
    assert_eq!(
        (pair.of_kind(EdgeKind::PartlyDirected), found.of(1, 0).partly_backward),
        (pair.partly_forward, pair.partly_forward)
    );
}

#[test]
fn bad_draws_are_refused() {
    let x = rows();
    let params = Pc::params().check().unwrap();
    let error = |resamples, watch: &dyn Watch| {
        bootstrap(&params, &NumberRows(x.view()), &Knowledge::none(4), (resamples, 1), watch).unwrap_err()
    };
    assert!(error(0, &()).to_string().starts_with("resamples is 0"));
    assert_eq!(error(5, &|_: u64, _: u64| Err(Interrupted)), CausalDiscoveryError::Interrupted(Interrupted));
}
