//! The PC algorithm on planted graphs.

use linfa::ParamGuard;
use ndarray::Array2;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::causal_discovery::oracle::Oracle;
use crate::causal_discovery::{Conflicts, FisherZ, edge_scores, structural_hamming_distance};
use crate::watch::Interrupted;

/// Arrows between eight variables in a random order.
fn arrows() -> impl Strategy<Value = Vec<(usize, usize)>> {
    let order = Just((0..8).collect::<Vec<usize>>()).prop_shuffle();
    (order, prop::collection::vec(prop::bool::weighted(0.3), 28)).prop_map(|(order, there)| {
        let pairs = (0..8).flat_map(|a| (a + 1..8).map(move |b| (a, b)));
        pairs.zip(there).filter(|(_, there)| *there).map(|((a, b), _)| (order[a], order[b])).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_test_that_is_never_wrong_leads_to_the_whole_truth(arrows in arrows()) {
        let oracle = Oracle::of(8, &arrows);
        for conflicts in [Conflicts::Overwrite, Conflicts::KeepFirst, Conflicts::Strongest] {
            let params = Pc::params().conflicts(conflicts).check().unwrap();
            let found = params.fit(&oracle, &Knowledge::none(8), &()).unwrap();
            prop_assert_eq!(&found.graph, &Cpdag::of_dag(8, &arrows, &Knowledge::none(8)));
        }
    }

    #[test]
    fn what_is_known_is_used_and_nothing_it_says_is_broken(arrows in arrows(), times in prop::collection::vec(0..3usize, 8)) {
        // Only arrows that do not point back in time.
        let arrows: Vec<_> = arrows.into_iter().filter(|(a, b)| times[*a] <= times[*b]).collect();
        let mut knowledge = Knowledge::none(8).tiers(&times).unwrap();
        if let Some((cause, effect)) = arrows.first() {
            knowledge = knowledge.require(*cause, *effect).unwrap();
        }
        let found = Pc::params().check().unwrap().fit(&Oracle::of(8, &arrows), &knowledge, &()).unwrap();
        prop_assert_eq!(&found.graph, &Cpdag::of_dag(8, &arrows, &knowledge));
        for edge in found.graph.edges() {
            prop_assert!(knowledge.may_cause(edge.from, edge.to));
            prop_assert!(edge.directed || knowledge.may_cause(edge.to, edge.from));
        }
    }
}

/// A linear model: each variable is noise plus a multiple of each cause, in the order of the variables.
fn linear(seed: u64, rows: usize, variables: usize, arrows: &[(usize, usize)]) -> Array2<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut x = Array2::zeros((rows, variables));
    for mut row in x.outer_iter_mut() {
        for v in 0..variables {
            let noise: f64 = (0..6).map(|_| rng.gen_range(-0.7..0.7)).sum();
            let causes: f64 = arrows.iter().filter(|(_, to)| *to == v).map(|(from, _)| 0.8 * row[*from]).sum();
            row[v] = causes + noise;
        }
    }
    x
}

const ARROWS: [(usize, usize); 6] = [(0, 2), (1, 2), (2, 3), (1, 4), (4, 5), (3, 5)];

#[test]
fn planted_effects_are_found_whatever_the_number_of_threads() {
    let x = linear(7, 4000, 6, &ARROWS);
    let test = FisherZ::of(x.view(), &()).unwrap();
    let params = Pc::params().alpha(0.001).check().unwrap();
    let truth = Cpdag::of_dag(6, &ARROWS, &Knowledge::none(6));
    let fit = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| params.fit(&test, &Knowledge::none(6), &()).unwrap())
    };
    let found = fit(1);
    assert_eq!(structural_hamming_distance(&found.graph, &truth), 0, "{:?}", found.graph.edges());
    assert!((edge_scores(&found.graph, &truth).f1 - 1.0).abs() < 1e-12);
    assert_eq!(found.separated_by(0, 3), Some(&[2][..]));
    assert!(found.p_value(0, 2).unwrap() < 1e-9 && found.p_value(0, 3).unwrap() > 0.001);
    assert_eq!(format!("{found:?}"), format!("{:?}", fit(4)));
}

#[test]
fn the_names_of_the_variables_do_not_matter() {
    let order = [3, 0, 5, 1, 4, 2];
    let x = linear(11, 600, 6, &ARROWS);
    let turned = Array2::from_shape_fn(x.dim(), |(row, v)| x[[row, order[v]]]);
    let params = Pc::params().alpha(0.05).check().unwrap();
    let fit =
        |x: &Array2<f64>| params.fit(&FisherZ::of(x.view(), &()).unwrap(), &Knowledge::none(6), &()).unwrap().graph;
    let (plain, turned) = (fit(&x), fit(&turned));
    for a in 0..6 {
        for b in 0..6 {
            assert_eq!(turned.directed(a, b), plain.directed(order[a], order[b]), "{a} {b}");
        }
    }
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let x = linear(1, 100, 6, &ARROWS);
    let test = FisherZ::of(x.view(), &()).unwrap();
    let params = Pc::params().check().unwrap();
    let error = params.fit(&test, &Knowledge::none(5), &()).unwrap_err();
    assert_eq!(error, CausalDiscoveryError::KnowledgeWidth { expected: 6, found: 5 });
    let stopped = params.fit(&test, &Knowledge::none(6), &|_: u64, _: u64| Err(Interrupted)).unwrap_err();
    assert_eq!(stopped, CausalDiscoveryError::Interrupted(Interrupted));
}
