//! Whether the same clusters are found again when the rows change a little.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::agreement::adjusted_rand_index;
use super::errors::ClusteringQualityError;
use super::{ClusterValue, groups::Groups};
use crate::watch::Watch;

/// Below this Jaccard index a cluster counts as dissolved (Hennig 2007).
const DISSOLVED_BELOW: f64 = 0.5;

/// How stable a clustering is under resampling.
#[derive(Debug, Clone, PartialEq)]
pub struct Stability {
    /// For each cluster the mean, over the resamples, of the Jaccard index with the most similar cluster found there.
    /// Above .85 a cluster is highly stable, below .6 it should not be trusted (Hennig 2007).
    pub clusters: Vec<ClusterValue>,
    /// For each cluster, in the same order, in how many resamples no cluster was half like it.
    pub dissolved: Vec<usize>,
    /// For each resample the adjusted Rand index of its clusters with the original ones, on the rows in both.
    pub adjusted_rand: Vec<f64>,
}

impl Stability {
    /// Mean adjusted Rand index over the resamples.
    #[must_use]
    pub fn mean_adjusted_rand(&self) -> f64 {
        self.adjusted_rand.iter().sum::<f64>() / self.adjusted_rand.len() as f64
    }
}

/// Clusterwise stability by the bootstrap (Hennig 2007): rows are drawn with replacement, each drawn row is kept once,
/// and clustered again by `cluster`, which is given the rows' numbers in rising order and a seed and returns their labels.
///
/// Deterministic for a seed. Costs `resamples` clusterings of about 63 % of the rows.
///
/// # Errors
/// There are no labels, no resamples are asked for, `cluster` fails or returns another number of labels, or the watch
/// interrupts.
pub fn bootstrap_stability<E: From<ClusteringQualityError>>(
    labels: &[i32],
    resamples: usize,
    seed: u64,
    watch: &dyn Watch,
    mut cluster: impl FnMut(&[usize], u64) -> Result<Vec<i32>, E>,
) -> Result<Stability, E> {
    if labels.is_empty() {
        return Err(ClusteringQualityError::Empty { rows: 0, columns: 1 }.into());
    }
    if resamples == 0 {
        return Err(ClusteringQualityError::Sample { rows: 0, least: 1 }.into());
    }
    let groups = Groups::new(labels);
    let mut sums = vec![0.0; groups.len()];
    let mut dissolved = vec![0; groups.len()];
    let mut adjusted_rand = Vec::with_capacity(resamples);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    for resample in 0..resamples {
        watch.tick(resample as u64, resamples as u64).map_err(ClusteringQualityError::from)?;
        let rows = drawn_rows(labels.len(), &mut rng);
        let original: Vec<i32> = rows.iter().map(|row| labels[*row]).collect();
        let found = cluster(&rows, rng.r#gen())?;
        adjusted_rand.push(adjusted_rand_index(&original, &found)?);
        for (cluster, similar) in most_similar(&groups, &original, &found).into_iter().enumerate() {
            sums[cluster] += similar;
            dissolved[cluster] += usize::from(similar < DISSOLVED_BELOW);
        }
    }
    let clusters = (0..groups.len())
        .map(|c| ClusterValue {
            label: groups.label(c),
            rows: groups.members(c).len(),
            value: sums[c] / resamples as f64,
        })
        .collect();
    Ok(Stability { clusters, dissolved, adjusted_rand })
}

/// A bootstrap resample of `n` rows: the numbers of those drawn at least once, in rising order; about 63 % of them.
pub(crate) fn drawn_rows(n: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<usize> {
    let mut drawn = vec![false; n];
    (0..n).for_each(|_| drawn[rng.gen_range(0..n)] = true);
    (0..n).filter(|row| drawn[*row]).collect()
}

/// For each original cluster the largest Jaccard index with a cluster found; 0 where none of its rows was drawn.
fn most_similar(groups: &Groups, original: &[i32], found: &[i32]) -> Vec<f64> {
    let count = |labels: &[i32]| {
        let mut counts = std::collections::BTreeMap::new();
        labels.iter().filter(|label| **label >= 0).for_each(|label| *counts.entry(*label).or_insert(0usize) += 1);
        counts
    };
    let mut both = std::collections::BTreeMap::new();
    for (&a, &b) in original.iter().zip(found).filter(|(a, b)| **a >= 0 && **b >= 0) {
        *both.entry((a, b)).or_insert(0usize) += 1;
    }
    let (originals, founds) = (count(original), count(found));
    let size = |counts: &std::collections::BTreeMap<i32, usize>, label| counts.get(&label).copied().unwrap_or(0);
    (0..groups.len())
        .map(|c| {
            let label = groups.label(c);
            let similar = both.range((label, i32::MIN)..=(label, i32::MAX));
            let jaccard = similar.map(|(&(a, b), &n)| n as f64 / (size(&originals, a) + size(&founds, b) - n) as f64);
            jaccard.fold(0.0, f64::max)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_again_is_stable_and_what_is_split_is_not() {
        let labels: Vec<i32> = (0..90).map(|row| row / 30).collect();
        // Clusters 0 and 1 are found again each time; cluster 2 falls into three.
        let again = |rows: &[usize], _: u64| -> Result<Vec<i32>, ClusteringQualityError> {
            Ok(rows.iter().map(|&row| if row < 60 { row as i32 / 30 } else { 2 + row as i32 % 3 }).collect())
        };
        let found = bootstrap_stability(&labels, 20, 1, &(), again).unwrap();
        let values: Vec<f64> = found.clusters.iter().map(|c| c.value).collect();
        assert!(values[0] == 1.0 && values[1] == 1.0 && values[2] < 0.5, "{values:?}");
        assert_eq!(found.dissolved[..2], [0, 0]);
        assert!(found.dissolved[2] >= 15 && found.mean_adjusted_rand() < 1.0);
        assert_eq!(found, bootstrap_stability(&labels, 20, 1, &(), again).unwrap());
    }

    #[test]
    fn a_failure_of_the_clustering_is_passed_on() {
        let fail = |_: &[usize], _: u64| Err(ClusteringQualityError::Clusters(0));
        assert_eq!(bootstrap_stability(&[0, 1], 2, 0, &(), fail).unwrap_err(), ClusteringQualityError::Clusters(0));
    }
}
