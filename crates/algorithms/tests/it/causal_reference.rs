//! Causal graphs against causal-learn's on its own test data; where the figures come from stands in
//! `tests/data/causal/README.md`.

use std::io::Read;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::causal_discovery::{
    Categories, Conflicts, ContingencyTest, Cpdag, Edge, Fci, FisherZ, IndependenceTest, Knowledge, Mark, Pc,
    Statistic, edge_scores, skeleton_scores, structural_hamming_distance,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/causal").join(name)
}

/// The numbers of a compressed table; the first line holds the names.
fn table(path: &Path) -> Array2<f64> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let rows: Vec<Vec<f64>> =
        text.lines().skip(1).map(|line| line.split_whitespace().map(|v| v.parse().unwrap()).collect()).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

fn categories(name: &str) -> Categories {
    Categories::of(table(&fixture(&format!("{name}.txt.gz"))).mapv(|v| v as i32).view(), &()).unwrap()
}

/// A graph in causal-learn's matrix form.
fn graph(path: &Path) -> Cpdag {
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<i32>> =
        text.lines().map(|line| line.split_whitespace().map(|v| v.parse().unwrap()).collect()).collect();
    let mut edges = Vec::new();
    for (from, row) in rows.iter().enumerate() {
        for (to, mark) in row.iter().enumerate().filter(|(_, mark)| **mark == -1) {
            match rows[to][from] {
                1 => edges.push(Edge { from, to, directed: true }),
                -1 if from < to => edges.push(Edge { from, to, directed: false }),
                -1 => {}
                other => panic!("{from} {to}: {mark} {other}"),
            }
        }
    }
    Cpdag::from_edges(rows.len(), &edges)
}

/// The true graph's arrows: lines `1. X1 --> X2` after the names.
fn arrows(name: &str) -> Vec<(usize, usize)> {
    let text = std::fs::read_to_string(fixture(&format!("{name}.truth.txt"))).unwrap();
    let number = |word: &str| word.trim_start_matches('X').parse::<usize>().unwrap() - 1;
    text.lines()
        .filter_map(|line| line.split_once(" --> "))
        .map(|(from, to)| (number(from.rsplit(' ').next().unwrap()), number(to.trim())))
        .collect()
}

/// What can be known of the true graph.
fn truth(name: &str, variables: usize) -> Cpdag {
    Cpdag::of_dag(variables, &arrows(name), &Knowledge::none(variables))
}

fn found(test: &impl IndependenceTest, conflicts: Conflicts) -> Cpdag {
    let params = Pc::params().alpha(0.05).conflicts(conflicts).check().unwrap();
    params.fit(test, &Knowledge::none(test.variables()), &()).unwrap().graph
}

/// causal-learn's number of the rule.
fn priority(conflicts: Conflicts) -> usize {
    match conflicts {
        Conflicts::Overwrite => 0,
        Conflicts::KeepFirst => 2,
        Conflicts::Strongest => 3,
    }
}

#[test]
fn discrete_networks_are_found_as_by_the_reference() {
    for (name, skeleton_f1) in
        [("asia", 0.714), ("cancer", 1.0), ("earthquake", 1.0), ("survey", 1.0), ("sachs", 1.0), ("child", 1.0)]
    {
        let test = ContingencyTest::new(categories(name), Statistic::ChiSquare);
        let found = found(&test, Conflicts::Strongest);
        assert_eq!(found, graph(&fixture(&format!("{name}.chisq_3.txt"))), "{name}: {:?}", found.edges());
        let scores = skeleton_scores(&found, &truth(name, test.variables()));
        assert!((scores.f1 - skeleton_f1).abs() < 1e-3, "{name}: {scores:?}");
    }
}

#[test]
fn where_nothing_is_hidden_marks_of_fci_hold_in_the_network() {
    // Of each network: marks that are no circles, and those of them that are wrong, because tests err. Of causal-learn's FCI 0, 2, 0, 4, 6 and
    // 4 are wrong, of the marks of PC, which says more, 0, 4, 0, 4, 14 and 8.
    let expected =
        [("asia", 2, 0), ("cancer", 4, 2), ("earthquake", 6, 0), ("survey", 6, 3), ("sachs", 26, 6), ("child", 39, 4)];
    let counted = expected.map(|(name, ..)| {
        let test = ContingencyTest::new(categories(name), Statistic::ChiSquare);
        let variables = test.variables();
        let params = Fci::params().alpha(0.05).max_condition(5).check().unwrap();
        let found = params.fit(&test, &Knowledge::none(variables), &()).unwrap().graph;
        let plain = self::found(&test, Conflicts::Strongest);
        let arrows: Vec<Edge> = arrows(name).into_iter().map(|(from, to)| Edge { from, to, directed: true }).collect();
        let dag = Cpdag::from_edges(variables, &arrows);
        let (mut said, mut wrong) = (0, 0);
        for a in 0..variables {
            for b in found.adjacents(a) {
                assert!(plain.adjacent(a, b), "{name}: {a} and {b} are apart already for PC");
                let acts = dag.descendants(a).contains(&b);
                let of_acting = found.end(b, a) == Some(Mark::Tail);
                said += usize::from(found.end(b, a) != Some(Mark::Circle));
                wrong += usize::from(found.end(b, a) != Some(Mark::Circle) && of_acting != acts);
            }
        }
        (name, said, wrong)
    });
    assert_eq!(counted, expected);
}

#[test]
fn contradicting_colliders_are_settled_as_by_the_reference() {
    for (name, statistic, word, conflicts) in [
        ("survey", Statistic::ChiSquare, "chisq", Conflicts::Overwrite),
        ("survey", Statistic::ChiSquare, "chisq", Conflicts::KeepFirst),
        ("child", Statistic::ChiSquare, "chisq", Conflicts::KeepFirst),
        ("asia", Statistic::GSquare, "gsq", Conflicts::Strongest),
    ] {
        let found = found(&ContingencyTest::new(categories(name), statistic), conflicts);
        let expected = graph(&fixture(&format!("{name}.{word}_{}.txt", priority(conflicts))));
        assert_eq!(found, expected, "{name} {conflicts:?}");
    }
}

#[test]
fn a_linear_model_is_found_as_by_the_reference() {
    let test = FisherZ::of(table(&fixture("linear_2000.txt.gz")).view(), &()).unwrap();
    for conflicts in [Conflicts::Overwrite, Conflicts::KeepFirst] {
        let expected = graph(&fixture(&format!("linear_2000.fisherz_{}.txt", priority(conflicts))));
        assert_eq!(structural_hamming_distance(&found(&test, conflicts), &expected), 0, "{conflicts:?}");
    }
}

#[test]
fn the_whole_linear_set_is_found_as_by_the_reference() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("SOUFFLEUR_SHARED").map_or(beside, PathBuf::from).join("data/causal/linear");
    if !shared.exists() {
        println!("skipped: no reference data (SOUFFLEUR_SHARED)");
        return;
    }
    let test = FisherZ::of(table(&shared.join("data_linear_10.txt.gz")).view(), &()).unwrap();
    let expected = graph(&shared.join("linear_10_pc_fisherz_reference.txt"));
    let found = found(&test, Conflicts::Overwrite);
    assert_eq!(found, expected, "{:?}", edge_scores(&found, &expected));
}
