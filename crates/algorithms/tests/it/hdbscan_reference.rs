//! HDBSCAN* against the Python package `hdbscan` 0.8.44 on four published tables; how the figures were made stands in
//! `tests/data/clustering/README.md`.
//!
//! Where one row's core distance joins two clusters, both are equally reachable from it: which of them gets the row is a
//! tie, and the package's own algorithms (Prim's and Boruvka's) decide it differently. So the spanning trees are compared
//! by their lengths, which ties cannot change, and everything after that on one and the same tree, to the last row.

use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::hdbscan::{ClusterSelection, Edge, Hdbscan, HdbscanParams};

use crate::npz;
use crate::tables::{archive, table};

const SETS: [&str; 4] = ["iris", "wine", "breast_cancer", "digits"];

/// The edges the package found, in the order in which it merged them.
fn edges(archive: &[u8], form: &str, min_samples: usize) -> Vec<Edge> {
    let ends = npz::array(archive, &format!("{form}_tree_{min_samples}_ends"));
    let weights = npz::array(archive, &format!("{form}_tree_{min_samples}_weights"));
    let edge = |(ends, weight): (ndarray::ArrayView1<'_, f64>, &f64)| Edge {
        a: ends[0] as u32,
        b: ends[1] as u32,
        weight: *weight,
    };
    ends.outer_iter().zip(&weights).map(edge).collect()
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

fn farthest(own: &[f64], theirs: ndarray::ArrayView1<'_, f64>) -> f64 {
    own.iter().zip(theirs).map(|(own, theirs)| (own - theirs).abs()).fold(0.0, f64::max)
}

#[test]
fn spanning_trees_are_as_short_as_the_references() {
    for set in SETS {
        let archive = archive(set);
        for form in ["raw", "scaled"] {
            for min_samples in [3, 4, 5, 10] {
                let own = params("a", 0.0).min_samples(min_samples).check().unwrap();
                let own = own.reachability(table(&archive, form).view(), &()).unwrap();
                let weights = |edges: &[Edge]| {
                    let mut weights: Vec<f64> = edges.iter().map(|edge| edge.weight).collect();
                    weights.sort_by(f64::total_cmp);
                    weights
                };
                let (own, expected) = (weights(own.edges()), weights(&edges(&archive, form, min_samples)));
                let longest = expected.last().copied().unwrap_or_default();
                let apart = own.iter().zip(&expected).map(|(own, theirs)| (own - theirs).abs());
                assert_eq!(own.len(), expected.len());
                assert!(apart.fold(0.0, f64::max) <= 1e-12 * longest, "{set} {form} min_samples {min_samples}");
            }
        }
    }
}

#[test]
fn labels_memberships_and_outlier_scores_are_those_of_the_reference() {
    let mut compared = 0;
    for set in SETS {
        let archive = archive(set);
        for form in ["raw", "scaled"] {
            for run in ["a", "b", "c", "d", "e"] {
                let epsilon = npz::array(&archive, &format!("{form}_{run}_epsilon"))[[0, 0]];
                let expected = npz::array(&archive, &format!("{form}_{run}"));
                let params = params(run, epsilon).check().unwrap();
                let edges = edges(&archive, form, params.min_samples());
                let found = params.cluster(&edges, expected.nrows(), &()).unwrap();
                let labels: Vec<i32> = expected.column(0).iter().map(|label| *label as i32).collect();
                assert_eq!(found.labels, labels, "{set} {form} {run}");
                let (probability, outlier) = (
                    farthest(&found.probabilities, expected.column(1)),
                    farthest(&found.outlier_scores, expected.column(2)),
                );
                assert!(probability <= 1e-6 && outlier <= 1e-6, "{set} {form} {run}: {probability} {outlier}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 40);
}
