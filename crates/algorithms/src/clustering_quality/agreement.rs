//! How far two clusterings of the same rows agree.

use std::collections::BTreeMap;

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

use super::errors::ClusteringQualityError;

/// How many rows have each pair of labels, and each label of either clustering.
struct Table {
    both: BTreeMap<(i32, i32), u64>,
    first: BTreeMap<i32, u64>,
    second: BTreeMap<i32, u64>,
}

impl Table {
    fn of(first: &[i32], second: &[i32]) -> Result<Self, ClusteringQualityError> {
        if first.len() != second.len() {
            return Err(ClusteringQualityError::Lengths { rows: first.len(), labels: second.len() });
        }
        if first.is_empty() {
            return Err(ClusteringQualityError::Empty { rows: 0, columns: 1 });
        }
        let mut table = Self { both: BTreeMap::new(), first: BTreeMap::new(), second: BTreeMap::new() };
        for (&a, &b) in first.iter().zip(second) {
            // All noise is one group, whatever its label.
            let (a, b) = (a.max(-1), b.max(-1));
            *table.both.entry((a, b)).or_insert(0) += 1;
            *table.first.entry(a).or_insert(0) += 1;
            *table.second.entry(b).or_insert(0) += 1;
        }
        Ok(table)
    }

    /// The one-to-one matching of clusters, without noise, that has the largest sum of `worth`, which must not be
    /// negative: pairs of labels. By the Hungarian method (Kuhn 1955), `O(k^3)`.
    fn matching(&self, worth: impl Fn(i32, i32, u64) -> i64) -> Vec<(i32, i32)> {
        let labels = |counts: &BTreeMap<i32, u64>| counts.keys().copied().filter(|l| *l >= 0).collect::<Vec<_>>();
        let (rows, columns) = (labels(&self.first), labels(&self.second));
        if rows.is_empty() || columns.is_empty() {
            return Vec::new();
        }
        // The method wants at least as many columns as rows.
        let turned = rows.len() > columns.len();
        let (few, many) = if turned { (&columns, &rows) } else { (&rows, &columns) };
        let pair = |i: usize, j: usize| if turned { (many[j], few[i]) } else { (few[i], many[j]) };
        let weights = Matrix::from_fn(few.len(), many.len(), |(i, j)| {
            let (a, b) = pair(i, j);
            self.both.get(&(a, b)).map_or(0, |count| worth(a, b, *count))
        });
        let (_, assigned) = kuhn_munkres(&weights);
        let mut pairs: Vec<_> = assigned.into_iter().enumerate().map(|(i, j)| pair(i, j)).collect();
        pairs.retain(|pair| self.both.contains_key(pair));
        pairs.sort_unstable();
        pairs
    }
}

/// Adjusted Rand index (Hubert & Arabie 1985): agreement on pairs of rows beyond chance; 1 if the clusterings are the
/// same up to names, about 0 for unrelated ones. Noise counts as one more cluster. `O(n log k)`.
///
/// # Errors
/// The clusterings differ in length, or are empty.
pub fn adjusted_rand_index(first: &[i32], second: &[i32]) -> Result<f64, ClusteringQualityError> {
    let table = Table::of(first, second)?;
    let pairs = |count: &u64| *count as f64 * (*count as f64 - 1.0) / 2.0;
    let both: f64 = table.both.values().map(pairs).sum();
    let (one, other): (f64, f64) = (table.first.values().map(pairs).sum(), table.second.values().map(pairs).sum());
    let expected = one * other / pairs(&(first.len() as u64)).max(1.0);
    let most = f64::midpoint(one, other);
    Ok(if most == expected { 1.0 } else { (both - expected) / (most - expected) })
}

/// Accuracy under the best one-to-one matching of the clusters `found` with the classes of `truth`: the share of rows
/// whose cluster is matched with their class. Noise in `truth` is right where it is noise in `found`.
///
/// `O(n log k + k^3)`.
///
/// # Errors
/// The clusterings differ in length, or are empty.
pub fn matched_accuracy(found: &[i32], truth: &[i32]) -> Result<f64, ClusteringQualityError> {
    let table = Table::of(found, truth)?;
    let matched = table.matching(|_, _, count| i64::try_from(count).unwrap_or(i64::MAX));
    let right: u64 = matched.iter().chain([&(-1, -1)]).filter_map(|pair| table.both.get(pair)).sum();
    Ok(right as f64 / found.len() as f64)
}

/// A cluster that another clustering of the same rows has as well.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Its label in the first clustering.
    pub first: i32,
    /// Its label in the second.
    pub second: i32,
    /// Rows in both, as a share of those in either (Jaccard 1901).
    pub jaccard: f64,
}

/// Which clusters of two clusterings of the same rows are the same: matched one to one for the largest sum of Jaccard
/// indices; matches below `min_jaccard` are none. In order of the first clustering's labels; noise is no cluster.
///
/// `O(n log k + k^3)`.
///
/// # Errors
/// The clusterings differ in length or are empty, or `min_jaccard` is not in (0, 1].
pub fn align_clusters(first: &[i32], second: &[i32], min_jaccard: f64) -> Result<Vec<Match>, ClusteringQualityError> {
    if !(min_jaccard > 0.0 && min_jaccard <= 1.0) {
        return Err(ClusteringQualityError::MinJaccard(min_jaccard));
    }
    let table = Table::of(first, second)?;
    let jaccard = |a: i32, b: i32, both: u64| {
        let of = |counts: &BTreeMap<i32, u64>, label: i32| counts.get(&label).copied().unwrap_or(0);
        both as f64 / (of(&table.first, a) + of(&table.second, b) - both) as f64
    };
    // What is no match must not keep another from being one. A billionth is finer than any difference that could matter.
    let worth = |jaccard: f64| if jaccard >= min_jaccard { (jaccard * 1e9) as i64 } else { 0 };
    let matched = table.matching(|a, b, both| worth(jaccard(a, b, both)));
    let found = matched.into_iter().filter_map(|(a, b)| {
        let jaccard = jaccard(a, b, *table.both.get(&(a, b))?);
        Some(Match { first: a, second: b, jaccard })
    });
    Ok(found.filter(|found| found.jaccard >= min_jaccard).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_matter_and_chance_counts_for_nothing() {
        assert_eq!(adjusted_rand_index(&[0, 0, 1, 1], &[5, 5, 2, 2]).unwrap(), 1.0);
        // sklearn.metrics.adjusted_rand_score([0, 0, 1, 2], [0, 0, 1, 1])
        assert!((adjusted_rand_index(&[0, 0, 1, 2], &[0, 0, 1, 1]).unwrap() - 0.571_428_571_428_571_4).abs() < 1e-15);
        // sklearn.metrics.adjusted_rand_score([0, 0, 1, 1, -1, -1], [0, 1, 0, 1, -1, 0])
        let noise = adjusted_rand_index(&[0, 0, 1, 1, -1, -1], &[0, 1, 0, 1, -1, 0]).unwrap();
        assert!((noise + 0.296_296_296_296_296_3).abs() < 1e-12, "{noise}");
        assert_eq!(adjusted_rand_index(&[0, 0, 0], &[1, 1, 1]).unwrap(), 1.0);
    }

    #[test]
    fn accuracy_takes_the_best_names_and_counts_noise_only_as_noise() {
        assert_eq!(matched_accuracy(&[1, 1, 0, 0, -1], &[0, 0, 1, 1, -1]).unwrap(), 1.0);
        // A split class keeps its larger part; a merged one is right once.
        assert_eq!(matched_accuracy(&[0, 0, 0, 1, 2, 2], &[0, 0, 0, 0, 1, 1]).unwrap(), 5.0 / 6.0);
        assert_eq!(matched_accuracy(&[0, 0, 0, 0], &[0, 0, 1, 1]).unwrap(), 0.5);
        assert_eq!(matched_accuracy(&[-1, -1, 0, 0], &[0, 0, -1, 1]).unwrap(), 0.25);
    }

    #[test]
    fn clusters_are_aligned_by_what_they_share() {
        let found = align_clusters(&[0, 0, 0, 1, 1, 2, -1], &[7, 7, 7, 7, 3, -1, -1], 0.3).unwrap();
        let same = |first, second, jaccard| Match { first, second, jaccard };
        assert_eq!(found, [same(0, 7, 0.75), same(1, 3, 0.5)]);
        // The largest sum over all pairs would be 1/3 + 1/3, neither of which is a match.
        let found = align_clusters(&[0, 0, 0, 0, 0, 0, 1, 1], &[0, 0, 0, 0, 1, 1, 0, 0], 0.4).unwrap();
        assert_eq!(found, [same(0, 0, 0.5)]);
        assert!(align_clusters(&[0, 1], &[0, 1], 0.0).is_err());
        assert!(align_clusters(&[0, 1], &[0], 0.5).is_err());
    }
}
