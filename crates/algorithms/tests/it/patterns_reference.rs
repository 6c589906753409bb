//! Itemsets, sequences and subgraphs against published tools on published data; where the figures come from stands in
//! `tests/data/patterns/README.md`.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::itemsets::{
    AssociationRulesParams, FrequentItemsets, ItemsetAlgorithm, ItemsetTarget, Transactions,
};
use souffleur_algorithms::patterns::MinSupport;
use souffleur_algorithms::sequences::{FrequentSequences, Sequences};
use souffleur_algorithms::subgraphs::{FrequentSubgraphs, Graphs};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/patterns").join(name)
}

fn unzipped(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// How many patterns of each length, from 1 on, and the sum of their supports.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    by_length: Vec<u64>,
    supports: u64,
}

impl Found {
    fn add(&mut self, length: usize, support: u32) -> ControlFlow<()> {
        self.by_length.resize(self.by_length.len().max(length), 0);
        self.by_length[length - 1] += 1;
        self.supports += u64::from(support);
        ControlFlow::Continue(())
    }

    fn total(&self) -> u64 {
        self.by_length.iter().sum()
    }
}

fn mushroom() -> Transactions {
    let text = unzipped(&fixture("mushroom.dat.gz"));
    let row = |line: &str| line.split_whitespace().map(|item| item.parse().unwrap()).collect::<Vec<u32>>();
    Transactions::from_rows(text.lines().map(row), &()).unwrap()
}

fn itemsets(rows: &Transactions, share: f64, algorithm: ItemsetAlgorithm, target: ItemsetTarget) -> Found {
    let params = FrequentItemsets::params(MinSupport::Share(share)).algorithm(algorithm).target(target);
    let mut found = Found::default();
    params.check().unwrap().mine(rows, &(), |items, support| found.add(items.len(), support)).unwrap();
    found
}

#[test]
fn mushroom_itemsets_are_those_of_the_reference() {
    let rows = mushroom();
    assert_eq!((rows.len(), rows.items().len()), (8124, 119));
    let expected: [(f64, &[u64], u64); 5] = [
        (0.6, &[8, 18, 17, 7, 1], 321_916),
        (0.5, &[13, 41, 56, 35, 8], 777_188),
        (0.4, &[21, 97, 185, 170, 76, 15, 1], 2_252_092),
        (0.3, &[28, 163, 455, 725, 712, 441, 169, 38, 4], 8_192_060),
        (0.2, &[43, 376, 1472, 3559, 6267, 8802, 10_151, 9488, 7010, 4004, 1729, 546, 119, 16, 1], 98_797_340),
    ];
    for algorithm in [ItemsetAlgorithm::Eclat, ItemsetAlgorithm::FpGrowth] {
        for ((share, by_length, supports), total) in expected.into_iter().zip([51, 153, 565, 2735, 53_583]) {
            let found = itemsets(&rows, share, algorithm, ItemsetTarget::All);
            assert_eq!(found, Found { by_length: by_length.to_vec(), supports }, "{algorithm:?} at {share}");
            assert_eq!(found.total(), total);
        }
    }
}

#[test]
fn mushroom_closed_and_maximal_itemsets_are_those_of_the_reference() {
    let rows = mushroom();
    let expected = [
        (0.6, (19, 123_216), (5, 26_570)),
        (0.5, (45, 238_282), (15, 67_030)),
        (0.4, (140, 577_780), (41, 141_376)),
        (0.3, (427, 1_384_872), (63, 164_820)),
        (0.2, (1197, 2_883_804), (158, 270_554)),
    ];
    for (share, closed, maximal) in expected {
        for (target, expected) in [(ItemsetTarget::Closed, closed), (ItemsetTarget::Maximal, maximal)] {
            let found = itemsets(&rows, share, ItemsetAlgorithm::Automatic, target);
            assert_eq!((found.total(), found.supports), expected, "{target:?} at {share}");
        }
    }
}

/// mlxtend 0.25.0: `association_rules(fpgrowth(table, .4), metric="confidence", min_threshold=.9)`.
#[test]
fn mushroom_rules_are_those_of_the_reference() {
    let rows = mushroom();
    let sets = FrequentItemsets::params(MinSupport::Share(0.4)).check().unwrap().collect(&rows, &()).unwrap();
    let rules = AssociationRulesParams::new().min_confidence(0.9).check().unwrap();
    let rules = rules.collect(&sets, rows.len(), &()).unwrap();
    assert_eq!((sets.len(), rules.len()), (565, 2404));
    let finite: Vec<f64> = rules.iter().map(|rule| rule.conviction).filter(|value| value.is_finite()).collect();
    assert_eq!(finite.len(), 1465);
    for (found, expected) in [
        (rules.iter().map(|rule| rule.confidence).sum::<f64>(), 2_331.267_017_305_121_5),
        (rules.iter().map(|rule| rule.lift).sum(), 2_623.761_621_952_961),
        (rules.iter().map(|rule| rule.leverage).sum(), 72.449_838_071_196_33),
        (finite.iter().sum(), 5_084.178_208_793_301),
    ] {
        assert!((found / expected - 1.0_f64).abs() < 1e-11, "{found}, not {expected}");
    }
    let best = rules.iter().filter(|rule| rule.lift >= 1.5);
    assert_eq!(best.count(), 93);
}

/// Hobbes' Leviathan (1651), one sequence of words for each sentence; nothing where it is absent.
fn leviathan() -> Option<Sequences> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("SOUFFLEUR_SHARED").map_or(beside, PathBuf::from);
    let path = shared.join("data/patterns/LEVIATHAN.txt.gz");
    if !path.exists() {
        println!("skipped: no reference data (SOUFFLEUR_SHARED)");
        return None;
    }
    // -1 ends an itemset, here of a single word, and -2 a sequence.
    let row = |line: &str| line.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<u32>>();
    let text = unzipped(&path);
    Some(Sequences::from_rows(text.lines().map(row).filter(|row| !row.is_empty()), &()).unwrap())
}

#[test]
fn leviathan_sequences_are_those_of_the_reference() {
    let Some(sequences) = leviathan() else { return };
    assert_eq!((sequences.len(), sequences.items().len()), (5834, 9025));
    let expected: [(u32, bool, &[u64], u64); 3] = [
        (584, false, &[39, 171, 238, 154, 45, 4], 594_642),
        (584, true, &[39, 171, 238, 154, 45, 4], 594_642),
        (292, false, &[86, 508, 1094, 1110, 647, 209, 43, 1], 1_754_097),
    ];
    let find = |min_support, closed| {
        let params = FrequentSequences::params(MinSupport::Rows(min_support)).closed(closed).check().unwrap();
        let mut found = Found::default();
        params.mine(&sequences, &(), |items, support| found.add(items.len(), support)).unwrap();
        found
    };
    for ((min_support, closed, by_length, supports), total) in expected.into_iter().zip([651, 651, 3698]) {
        let found = find(min_support, closed);
        assert_eq!(found, Found { by_length: by_length.to_vec(), supports }, "{min_support}, closed: {closed}");
        assert_eq!(found.total(), total);
    }
    // Closed among the 3,698, by comparing them all with each other.
    let closed = find(292, true);
    assert_eq!((closed.total(), closed.supports), (3679, 1_747_354));
}

/// Graphs in gSpan's text format: `t` begins one, `v` is a vertex and its label, `e` an edge and its.
fn graphs(name: &str) -> Graphs {
    let text = std::fs::read_to_string(fixture(name)).unwrap();
    let mut graphs: Vec<(Vec<u32>, Vec<[u32; 3]>)> = Vec::new();
    for line in text.lines().filter(|line| *line != "t # -1") {
        let numbers: Vec<u32> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        match (&line[..1], &numbers[..], graphs.last_mut()) {
            ("t", ..) => graphs.push((Vec::new(), Vec::new())),
            ("v", [vertex, label], Some((labels, _))) if *vertex as usize == labels.len() => labels.push(*label),
            ("e", [a, b, label], Some((_, edges))) => edges.push([*a, *b, *label]),
            _ => panic!("{name}: {line}"),
        }
    }
    Graphs::from_graphs(graphs, &()).unwrap()
}

#[test]
fn subgraphs_are_those_of_the_reference() {
    // For each support the patterns of 2, 3 ... vertices.
    let expected: [(&str, u32, &[u64]); 8] = [
        ("graph_data_5.txt", 2, &[6, 8, 10, 10, 15, 16, 12, 11, 13, 14, 14, 12, 10]),
        ("graph_data_5.txt", 3, &[4, 3, 1, 1, 2]),
        ("graph_data_5.txt", 4, &[1]),
        ("graph_data_5.txt", 5, &[1]),
        ("graph_data_simple_5.txt", 2, &[5, 4, 4, 3, 1]),
        ("graph_data_simple_5.txt", 3, &[1]),
        ("graph_data_simple_5.txt", 4, &[1]),
        ("graph_data_simple_5.txt", 5, &[]),
    ];
    for ((name, min_support, by_vertices), total) in expected.into_iter().zip([151, 11, 1, 1, 17, 1, 1, 0]) {
        let graphs = graphs(name);
        assert_eq!(graphs.len(), 5);
        let params = FrequentSubgraphs::params(MinSupport::Rows(min_support)).check().unwrap();
        let mut found = Found::default();
        params.mine(&graphs, &(), |pattern, support| found.add(pattern.vertex_labels.len() - 1, support)).unwrap();
        assert_eq!((found.total(), &found.by_length[..]), (total, by_vertices), "{name} at {min_support}");
    }
}
