//! From the chosen clusters to each row's label, membership and outlier score.

use super::condensed::{Child, CondensedTree};
use super::hyperparams::HdbscanValidParams;

/// What is known of each row and of each label.
pub(super) struct Labelling {
    pub(super) labels: Vec<i32>,
    pub(super) probabilities: Vec<f64>,
    pub(super) outlier_scores: Vec<f64>,
    pub(super) persistences: Vec<f64>,
}

/// The label of every cluster at or below a chosen one; -1 for the others. `chosen` is in rising order.
pub(super) fn label_of_clusters(tree: &CondensedTree, chosen: &[u32]) -> Vec<i32> {
    let births = tree.births();
    let mut labels = vec![-1; tree.len()];
    for cluster in 0..labels.len() {
        labels[cluster] = match chosen.binary_search(&(cluster as u32)) {
            Ok(label) => label as i32,
            Err(_) if cluster > 0 => labels[births[cluster].0 as usize],
            Err(_) => -1,
        };
    }
    labels
}

/// Labels the `n` rows.
pub(super) fn label(
    tree: &CondensedTree,
    chosen: &[u32],
    stabilities: &[f64],
    n: usize,
    params: &HdbscanValidParams,
) -> Labelling {
    let of_cluster = label_of_clusters(tree, chosen);
    let (deaths, deepest) = (tree.deaths(), deepest_deaths(tree));
    let highest = deaths.iter().copied().fold(0.0, f64::max);
    let mut labelling = Labelling {
        labels: vec![-1; n],
        probabilities: vec![0.0; n],
        outlier_scores: vec![0.0; n],
        persistences: Vec::new(),
    };
    for departure in tree.departures() {
        let Child::Row(row) = departure.child else { continue };
        let (row, lambda) = (row as usize, departure.lambda);
        labelling.outlier_scores[row] = outlier_score(deepest[departure.cluster as usize], lambda);
        let label = of_cluster[departure.cluster as usize];
        let in_root = label >= 0 && chosen[label as usize] == 0;
        if label < 0 || in_root && !stays_in_root(lambda, deaths[0], departure.cluster, params) {
            continue;
        }
        labelling.labels[row] = label;
        labelling.probabilities[row] = membership(deaths[chosen[label as usize] as usize], lambda);
    }
    let mut sizes = vec![0.0; chosen.len()];
    labelling.labels.iter().filter(|label| **label >= 0).for_each(|label| sizes[*label as usize] += 1.0);
    labelling.persistences = chosen
        .iter()
        .zip(&sizes)
        .map(|(&cluster, &size)| match stabilities[cluster as usize] / (size * highest) {
            share if highest.is_finite() && highest > 0.0 && size > 0.0 => share,
            _ => 1.0,
        })
        .collect();
    labelling
}

/// Where all rows are the only cluster, those that leave it before its last split or departure are noise.
fn stays_in_root(lambda: f64, death: f64, cluster: u32, params: &HdbscanValidParams) -> bool {
    match params.cluster_selection_epsilon() {
        epsilon if epsilon > 0.0 => lambda >= 1.0 / epsilon,
        _ => cluster != 0 || lambda >= death,
    }
}

/// How far a row of density `lambda` is inside a cluster whose core has the density `death`, in [0, 1].
pub(super) fn membership(death: f64, lambda: f64) -> f64 {
    if death == 0.0 || !lambda.is_finite() { 1.0 } else { lambda.min(death) / death }
}

/// GLOSH (Campello et al. 2015): how much less dense a row is than the densest place of its cluster, in [0, 1].
fn outlier_score(deepest: f64, lambda: f64) -> f64 {
    if deepest == 0.0 || !lambda.is_finite() {
        0.0
    } else if deepest.is_infinite() {
        1.0
    } else {
        (deepest - lambda) / deepest
    }
}

/// The highest density at which something leaves each cluster or one below it.
fn deepest_deaths(tree: &CondensedTree) -> Vec<f64> {
    let mut deepest = tree.deaths();
    for (cluster, (parent, _)) in tree.births().iter().enumerate().skip(1).rev() {
        deepest[*parent as usize] = deepest[*parent as usize].max(deepest[cluster]);
    }
    deepest
}
