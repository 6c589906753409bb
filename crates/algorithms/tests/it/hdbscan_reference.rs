//! HDBSCAN* against the Python package `hdbscan` 0.8.44 on four published tables; how the figures were made stands in
//! `tests/data/clustering/README.md`.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{Array2, Axis};
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::hdbscan::{ClusterSelection, Hdbscan, HdbscanParams};

use crate::npz;

fn archive(set: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/clustering").join(format!("{set}.npz")))
        .unwrap()
}

fn standardised(x: &Array2<f64>) -> Array2<f64> {
    let mean = x.mean_axis(Axis(0)).unwrap();
    let sd = x.std_axis(Axis(0), 0.0).mapv(|sd| if sd > 0.0 { sd } else { 1.0 });
    (x - &mean) / &sd
}

fn params(run: &str, epsilon: f64) -> HdbscanParams {
    let params = Hdbscan::params();
    match run {
        "a" => params,
        "b" => params.min_cluster_size(10).min_samples(5),
        "c" => params.min_cluster_size(15).min_samples(3).cluster_selection(ClusterSelection::Leaf),
        "d" => params.min_cluster_size(20).min_samples(10).allow_single_cluster(true),
        _ => params.min_cluster_size(8).min_samples(4).cluster_selection_epsilon(epsilon),
    }
}

fn adjusted_rand(a: &[i32], b: &[i32]) -> f64 {
    let pairs = |counts: Vec<u64>| counts.iter().map(|n| (n * n.saturating_sub(1)) as f64 / 2.0).sum::<f64>();
    let count = |keys: Vec<(i32, i32)>| {
        let mut counts = BTreeMap::new();
        keys.into_iter().for_each(|key| *counts.entry(key).or_insert(0u64) += 1);
        pairs(counts.into_values().collect())
    };
    let both = count(a.iter().copied().zip(b.iter().copied()).collect());
    let (one, other) = (count(a.iter().map(|l| (*l, 0)).collect()), count(b.iter().map(|l| (*l, 0)).collect()));
    let all = pairs(vec![a.len() as u64]);
    let expected = one * other / all;
    if one == other && one == both { 1.0 } else { (both - expected) / ((one + other) / 2.0 - expected) }
}

/// Compares one run and says where it differs.
fn differences(set: &str, scaled: bool, run: &str) -> Option<String> {
    let archive = archive(set);
    let x = npz::array(&archive, "X");
    let x = if scaled { standardised(&x) } else { x };
    let key = format!("{}_{run}", if scaled { "scaled" } else { "raw" });
    let epsilon = npz::array(&archive, &format!("{key}_epsilon"))[[0, 0]];
    let expected = npz::array(&archive, &key);
    let model = params(run, epsilon).check().unwrap().fit(x.view(), &()).unwrap();
    let labels: Vec<i32> = expected.column(0).iter().map(|label| *label as i32).collect();
    let ari = adjusted_rand(model.labels(), &labels);
    let farthest = |own: &[f64], column: usize| {
        own.iter().zip(expected.column(column)).map(|(own, theirs)| (own - theirs).abs()).fold(0.0, f64::max)
    };
    let (probability, outlier) = (farthest(model.probabilities(), 1), farthest(model.outlier_scores(), 2));
    let apart = labels.iter().zip(model.labels()).filter(|(a, b)| (**a < 0) != (**b < 0)).count();
    println!(
        "{set:14} {key:9} adjusted Rand {ari:.5} noise differs {apart} probability {probability:.1e} outlier {outlier:.1e}"
    );
    (ari < 0.999 || probability > 1e-6 || outlier > 1e-6).then(|| format!("{set} {key}: {ari} {probability} {outlier}"))
}

#[test]
fn labels_memberships_and_outlier_scores_are_those_of_the_reference() {
    let mut off = Vec::new();
    for set in ["iris", "wine", "breast_cancer", "digits"] {
        for scaled in [false, true] {
            off.extend(["a", "b", "c", "d", "e"].iter().filter_map(|run| differences(set, scaled, run)));
        }
    }
    assert!(off.is_empty(), "{off:#?}");
}
