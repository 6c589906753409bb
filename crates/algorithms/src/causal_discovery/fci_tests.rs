//! The FCI algorithm on planted graphs with hidden variables.

use linfa::ParamGuard;
use ndarray::Array2;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::causal_discovery::oracle::{Independences, Oracle};
use crate::causal_discovery::{FisherZ, MarkedGraph, Pc};
use Mark::{Arrow, Circle, Tail};

fn found(oracle: &Oracle, selection: bool) -> Pag {
    let params = Fci::params().selection(selection).check().unwrap();
    params.fit(oracle, &Knowledge::none(oracle.variables()), &()).unwrap().graph
}

#[test]
fn textbook_graphs_are_found() {
    // (variables, arrows, observed, edges of the graph found): numbers of edges are places among the observed.
    // A hidden cause (4) of two variables, each with a cause of its own.
    let m = Oracle::of_some(5, &[(0, 1), (4, 1), (4, 2), (3, 2)], &[0, 1, 2, 3], &[]);
    let expected = [((0, Circle), (1, Arrow)), ((1, Arrow), (2, Arrow)), ((3, Circle), (2, Arrow))];
    assert_eq!(found(&m, false), Pag::from_edges(4, &expected));
    // Two causes of one variable that acts on another: nothing hidden can stand for the last arrow.
    let y = Oracle::of(4, &[(0, 2), (1, 2), (2, 3)]);
    let expected = [((0, Circle), (2, Arrow)), ((1, Circle), (2, Arrow)), ((2, Tail), (3, Arrow))];
    assert_eq!(found(&y, false), Pag::from_edges(4, &expected));
    // A path that discriminates: 0 -> 1 <-> 2 -> 3 and 1 -> 3; then with something hidden between 2 and 3 in place of the arrow.
    let expected =
        |at_2| [((0, Circle), (1, Arrow)), ((1, Arrow), (2, Arrow)), ((1, Tail), (3, Arrow)), ((2, at_2), (3, Arrow))];
    let acts = Oracle::of_some(5, &[(0, 1), (4, 1), (4, 2), (1, 3), (2, 3)], &[0, 1, 2, 3], &[]);
    let mut edges = expected(Tail);
    edges[1].1.1 = Circle;
    assert_eq!(found(&acts, false), Pag::from_edges(4, &edges));
    let hidden = Oracle::of_some(6, &[(0, 1), (4, 1), (4, 2), (1, 3), (5, 2), (5, 3)], &[0, 1, 2, 3], &[]);
    assert_eq!(found(&hidden, false), Pag::from_edges(4, &expected(Arrow)));
    // A circle of four without its diagonals can come from selection alone: 0 - 1 - 2 - 3 - 0.
    let selecting = [(0, 4), (1, 4), (1, 5), (2, 5), (2, 6), (3, 6), (3, 7), (0, 7)];
    let circle = Oracle::of_some(8, &selecting, &[0, 1, 2, 3], &[4, 5, 6, 7]);
    let expected: Vec<_> = [(0, 1), (1, 2), (2, 3), (0, 3)].map(|(a, b)| ((a, Tail), (b, Tail))).to_vec();
    assert_eq!(found(&circle, true), Pag::from_edges(4, &expected));
}

#[test]
fn what_is_joined_to_neither_may_part_two_variables() {
    // 0 and 4 share a hidden cause with 1 and with 3 each; 2 acts on both of these, 1 on 4 and 3 on 0. Only 1, 2 and 3 together part 0 and
    // 4, and 2 is joined to neither of them.
    let arrows = [(5, 0), (5, 1), (6, 3), (6, 4), (2, 1), (2, 3), (1, 4), (3, 0)];
    let oracle = Oracle::of_some(7, &arrows, &[0, 1, 2, 3, 4], &[]);
    let fit =
        |max_path| Fci::params().max_path(max_path).check().unwrap().fit(&oracle, &Knowledge::none(5), &()).unwrap();
    assert!(fit(1).graph.adjacent(0, 4) && !fit(2).graph.adjacent(0, 4));
    assert_eq!((fit(2).separated_by(0, 4), fit(2).condition_max), (Some(&[1, 2, 3][..]), 3));
    assert_eq!(fit(2).graph, Independences::of(&oracle).pag(false));
}

/// Arrows between `variables` in a random order.
fn arrows(variables: usize, density: f64) -> impl Strategy<Value = Vec<(usize, usize)>> {
    let order = Just((0..variables).collect::<Vec<usize>>()).prop_shuffle();
    let pairs = variables * (variables - 1) / 2;
    (order, prop::collection::vec(prop::bool::weighted(density), pairs)).prop_map(move |(order, there)| {
        let pairs = (0..variables).flat_map(|a| (a + 1..variables).map(move |b| (a, b)));
        pairs.zip(there).filter(|(_, there)| *there).map(|((a, b), _)| (order[a], order[b])).collect()
    })
}

/// Every mark that is no circle holds in the graph itself, and pairs are joined that nothing makes independent.
fn holds(graph: &Pag, oracle: &Oracle) -> Result<(), TestCaseError> {
    let joined: Vec<(usize, usize)> =
        graph.marked_edges().iter().map(|edge| (edge.from.min(edge.to), edge.from.max(edge.to))).collect();
    prop_assert_eq!(joined, Independences::of(oracle).joined());
    for a in 0..graph.variables() {
        for b in graph.adjacents(a) {
            match graph.end(b, a) {
                Some(Arrow) => prop_assert!(!oracle.acts(a, b), "{} acts on {}", a, b),
                Some(Tail) => prop_assert!(oracle.acts(a, b), "{} does not act on {}", a, b),
                _ => {}
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn all_that_can_be_known_is_found_and_no_more(arrows in arrows(7, 0.35)) {
        let oracle = Oracle::of_some(7, &arrows, &[0, 1, 2, 3, 4], &[]);
        let all = Independences::of(&oracle);
        prop_assume!(all.joined().len() <= 7);
        prop_assert_eq!(found(&oracle, false), all.pag(false));
    }

    #[test]
    fn all_that_can_be_known_of_selected_rows_is_found(arrows in arrows(8, 0.3)) {
        // What is hidden last in the order selects rows where it has no effects; the rest is hidden and acts.
        let selected: Vec<usize> = (5..8).filter(|v| !arrows.iter().any(|(from, _)| from == v)).collect();
        let oracle = Oracle::of_some(8, &arrows, &[0, 1, 2, 3, 4], &selected);
        let all = Independences::of(&oracle);
        prop_assume!(all.joined().len() <= 6);
        prop_assert_eq!(found(&oracle, true), all.pag(true));
    }

    #[test]
    fn marks_hold_in_larger_graphs(arrows in arrows(11, 0.25)) {
        let oracle = Oracle::of_some(11, &arrows, &[0, 1, 2, 3, 4, 5, 6, 7], &[]);
        holds(&found(&oracle, false), &oracle)?;
    }

    #[test]
    fn what_is_known_is_used_and_nothing_it_says_is_broken(
        arrows in arrows(10, 0.3), times in prop::collection::vec(0..3usize, 10),
    ) {
        // Only arrows that do not point back in time.
        let arrows: Vec<_> = arrows.into_iter().filter(|(a, b)| times[*a] <= times[*b]).collect();
        let oracle = Oracle::of_some(10, &arrows, &[0, 1, 2, 3, 4, 5, 6], &[]);
        let mut knowledge = Knowledge::none(7).tiers(&times[..7]).unwrap();
        if let Some((cause, effect)) = arrows.iter().find(|(cause, effect)| *cause.max(effect) < 7) {
            knowledge = knowledge.require(*cause, *effect).unwrap();
        }
        if let Some((a, b)) = (0..7).flat_map(|a| (0..7).map(move |b| (a, b)))
            .find(|(a, b)| a != b && !arrows.contains(&(*a, *b)) && !knowledge.requires(*a, *b))
        {
            // No direct effect, of hidden variables neither.
            let through_hidden = (7..10).any(|hidden| arrows.contains(&(a, hidden)));
            knowledge = if through_hidden { knowledge } else { knowledge.forbid(a, b).unwrap() };
        }
        let graph = Fci::params().check().unwrap().fit(&oracle, &knowledge, &()).unwrap().graph;
        holds(&graph, &oracle)?;
        for edge in graph.marked_edges() {
            prop_assert!(!graph.directed(edge.from, edge.to) || times[edge.from] <= times[edge.to]);
        }
        // Nothing is lost that is found without.
        for a in 0..7 {
            for b in (0..7).filter(|b| found(&oracle, false).end(*b, a) == Some(Tail)) {
                prop_assert_eq!(graph.end(b, a), Some(Tail));
            }
        }
    }

    #[test]
    fn where_nothing_is_hidden_pc_and_fci_do_not_contradict_each_other(arrows in arrows(8, 0.3)) {
        let oracle = Oracle::of(8, &arrows);
        let graph = found(&oracle, false);
        let plain = Pc::params().check().unwrap().fit(&oracle, &Knowledge::none(8), &()).unwrap().graph;
        for a in 0..8 {
            for b in (0..8).filter(|b| *b != a) {
                prop_assert_eq!(graph.adjacent(a, b), plain.adjacent(a, b));
                prop_assert!(!graph.directed(a, b) || plain.directed(a, b));
                prop_assert!(graph.end(b, a) != Some(Arrow) || plain.directed(b, a));
            }
        }
    }
}

/// A linear model: each variable is noise plus a multiple of each cause, in the order of the variables; the last ones are hidden.
fn linear(seed: u64, rows: usize, (variables, observed): (usize, usize), arrows: &[(usize, usize)]) -> Array2<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut x = Array2::zeros((rows, variables));
    for mut row in x.outer_iter_mut() {
        for v in (0..variables).rev() {
            let noise: f64 = (0..6).map(|_| rng.gen_range(-0.7..0.7)).sum();
            let causes: f64 = arrows.iter().filter(|(_, to)| *to == v).map(|(from, _)| 0.9 * row[*from]).sum();
            row[v] = causes + noise;
        }
    }
    x.slice(ndarray::s![.., ..observed]).to_owned()
}

/// From higher numbers to lower ones; 6 and 7 are hidden.
const ARROWS: [(usize, usize); 8] = [(5, 4), (6, 4), (6, 2), (3, 2), (2, 1), (7, 1), (7, 0), (4, 0)];

#[test]
fn planted_effects_are_found_whatever_the_number_of_threads() {
    let x = linear(7, 6000, (8, 6), &ARROWS);
    let test = FisherZ::of(x.view(), &()).unwrap();
    let params = Fci::params().alpha(0.001).check().unwrap();
    let fit = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| params.fit(&test, &Knowledge::none(6), &()).unwrap())
    };
    let planted = fit(1);
    let truth = found(&Oracle::of_some(8, &ARROWS, &[0, 1, 2, 3, 4, 5], &[]), false);
    assert_eq!(planted.graph, truth, "{:?}", planted.graph.marked_edges());
    assert!(truth.marked_edges().iter().any(|edge| edge.kind == crate::causal_discovery::EdgeKind::Bidirected));
    assert!(planted.p_value(2, 3).unwrap() < 1e-9 && planted.separated_by(3, 5) == Some(&[]));
    assert_eq!(format!("{planted:?}"), format!("{:?}", fit(4)));
}

#[test]
fn the_names_of_the_variables_do_not_matter() {
    let order = [3, 0, 5, 1, 4, 2];
    let params = Fci::params().alpha(0.05).selection(true).check().unwrap();
    for seed in 0..20 {
        let x = linear(seed, 250, (8, 6), &ARROWS);
        let turned = Array2::from_shape_fn(x.dim(), |(row, v)| x[[row, order[v]]]);
        let fit =
            |x: &Array2<f64>| params.fit(&FisherZ::of(x.view(), &()).unwrap(), &Knowledge::none(6), &()).unwrap().graph;
        let (plain, turned) = (fit(&x), fit(&turned));
        for a in 0..6 {
            for b in 0..6 {
                assert_eq!(turned.end(a, b), plain.end(order[a], order[b]), "seed {seed}: {a} {b}");
            }
        }
    }
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let x = linear(1, 100, (8, 6), &ARROWS);
    let test = FisherZ::of(x.view(), &()).unwrap();
    let params = Fci::params().check().unwrap();
    let error = params.fit(&test, &Knowledge::none(5), &()).unwrap_err();
    assert_eq!(error, CausalDiscoveryError::KnowledgeWidth { expected: 6, found: 5 });
    // Whenever it is asked to stop, it does.
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let count = |stop_at: usize| {
        calls.store(0, std::sync::atomic::Ordering::Relaxed);
        let watch = |_: u64, _: u64| {
            let call = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if call >= stop_at { Err(Interrupted) } else { Ok(()) }
        };
        params.fit(&test, &Knowledge::none(6), &watch)
    };
    assert!(count(usize::MAX).is_ok());
    let all = calls.load(std::sync::atomic::Ordering::Relaxed);
    for stop_at in (0..all.min(400)).step_by(7) {
        assert_eq!(count(stop_at).unwrap_err(), CausalDiscoveryError::Interrupted(Interrupted));
    }
}
