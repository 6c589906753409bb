//! The silhouette: how much nearer a row is to its own cluster than to the next one.

use std::sync::{Mutex, PoisonError};

use ndarray::ArrayView2;
use rand::SeedableRng;
use rand::seq::index;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::ClusterValue;
use super::distance_tiles::add_distances;
use super::errors::ClusteringQualityError;
use super::groups::Groups;
use super::packed::{Block, LANES, Packed, Tile, centre};
use crate::input::Real;
use crate::watch::{Interrupted, Progress, Watch};

/// Most values of a tile: 128 KiB, so that one of a pair of tiles stays in the second-level cache.
const TILE_VALUES: usize = 1 << 14;
/// Tiles there should be at least, to keep many threads busy.
const TILES: usize = 64;
/// Most sums of rows x clusters that are held at once: 512 MiB.
const SUMS_MAX: usize = 1 << 26;

/// Silhouette values of a clustering.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Silhouette {
    /// Mean over all rows that are not noise, in [-1, 1].
    pub mean: f64,
    /// Mean of each cluster, by label.
    pub clusters: Vec<ClusterValue>,
    /// Value of each row, in row order; nothing for noise.
    pub rows: Vec<Option<f64>>,
}

/// Mean silhouette estimated from some of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SampledSilhouette {
    /// Estimate of the mean over all rows that are not noise; unbiased.
    pub mean: f64,
    /// Standard error of the estimate, with the correction for a finite number of rows: 0 if every row was drawn.
    pub standard_error: f64,
    /// Rows drawn.
    pub rows: usize,
}

/// Exact silhouette of each row, each cluster and all (Rousseeuw 1987, "Silhouettes: a graphical aid to the
/// interpretation and validation of cluster analysis", J. Comput. Appl. Math. 20).
///
/// # What it does
/// With `a` the mean distance of a row to the other rows of its cluster, and `b` the least mean distance to the rows of
/// another cluster,
///
/// ```text
/// s = (b - a) / max(a, b)        in [-1, 1]
/// ```
///
/// The only row of a cluster has 0, and so has a row with `a = b = 0`, as in scikit-learn. Noise rows (negative
/// labels) take no part. `x` is rows x columns; `f32` is read as `f64`. Values agree with scikit-learn's to about
/// 1e-12; they are better where rows nearly coincide far from the origin.
///
/// # Cost
/// `O(rows^2 columns / 2)` on all threads: each pair of rows is looked at once. Memory: a copy of the rows and
/// rows x clusters sums, or, where these would pass 512 MiB, sums for as many rows at a time as fit and each pair
/// looked at twice. Never a matrix of distances.
///
/// # Errors
/// `x` is empty, lengths differ, there are fewer than two clusters, a value is not finite as `f32`, or the watch
/// interrupts.
///
/// # Example
/// ```
/// use ndarray::array;
/// use souffleur_algorithms::clustering_quality::silhouette;
/// let x = array![[0.0], [1.0], [10.0], [11.0], [500.0]];
/// let quality = silhouette(x.view(), &[0, 0, 1, 1, -1], &())?;
/// // Row 0: a = 1, b = (10 + 11) / 2.
/// assert!((quality.rows[0].unwrap() - 9.5 / 10.5).abs() < 1e-12);
/// assert_eq!(quality.rows[4], None);
/// # Ok::<(), souffleur_algorithms::clustering_quality::ClusteringQualityError>(())
/// ```
pub fn silhouette<F: Real>(
    x: ArrayView2<'_, F>,
    labels: &[i32],
    watch: &dyn Watch,
) -> Result<Silhouette, ClusteringQualityError> {
    exact(x, labels, SUMS_MAX, watch)
}

fn exact<F: Real>(
    x: ArrayView2<'_, F>,
    labels: &[i32],
    sums_max: usize,
    watch: &dyn Watch,
) -> Result<Silhouette, ClusteringQualityError> {
    let groups = Groups::checked(x, labels, watch)?;
    let centre = centre(x, groups.all_members());
    let packed = Packed::new(x, (0..groups.len()).map(|cluster| groups.members(cluster)), &centre, watch)?;
    let values = if packed.blocks.len() * LANES * groups.len() <= sums_max {
        by_pairs(&packed, &groups, watch)?
    } else {
        by_rows(&packed, &packed, &groups, watch)?
    };
    let mut rows = vec![None; x.nrows()];
    for (row, value) in groups.all_members().iter().zip(&values) {
        rows[*row] = Some(*value);
    }
    let mut rest = values.as_slice();
    let clusters = (0..groups.len()).map(|cluster| {
        let (own, others) = rest.split_at(groups.members(cluster).len());
        rest = others;
        ClusterValue { label: groups.label(cluster), rows: own.len(), value: mean(own) }
    });
    let clusters = clusters.collect();
    Ok(Silhouette { mean: mean(&values), clusters, rows })
}

/// Mean silhouette from a seeded sample of rows, each judged against **all** rows.
///
/// # What it does
/// Draws `rows` of the rows that are not noise without replacement, each with equal chance, and takes the mean of
/// their exact values (see [`silhouette`]). Unlike the silhouette of a subsample by itself, this estimate is unbiased.
/// Its standard error is `sd / sqrt(m) sqrt(1 - m / n)` with `sd` the standard deviation among the `m` drawn of `n`;
/// as values lie in [-1, 1], it is at most about `1 / sqrt(m)`, and mostly a third of that.
///
/// # Cost
/// `O(m n columns)`, with a copy of the rows.
///
/// # Errors
/// As [`silhouette`], or fewer than 2 rows are asked for.
pub fn silhouette_sampled<F: Real>(
    x: ArrayView2<'_, F>,
    labels: &[i32],
    rows: usize,
    seed: u64,
    watch: &dyn Watch,
) -> Result<SampledSilhouette, ClusteringQualityError> {
    if rows < 2 {
        return Err(ClusteringQualityError::Sample { rows, least: 2 });
    }
    let groups = Groups::checked(x, labels, watch)?;
    let population = groups.all_members().len();
    let rows = rows.min(population);
    let mut drawn = index::sample(&mut Xoshiro256PlusPlus::seed_from_u64(seed), population, rows).into_vec();
    drawn.sort_unstable();
    let mut drawn: &[usize] = &drawn.iter().map(|place| groups.all_members()[*place]).collect::<Vec<_>>();
    let clusters = groups.cluster_of_rows(x.nrows());
    let by_cluster = (0..groups.len()).map(|cluster| {
        let count = drawn.iter().take_while(|row| clusters[**row] == Some(cluster)).count();
        let (own, others) = drawn.split_at(count);
        drawn = others;
        own
    });
    let centre = centre(x, groups.all_members());
    let queries = Packed::new(x, by_cluster, &centre, watch)?;
    let packed = Packed::new(x, (0..groups.len()).map(|cluster| groups.members(cluster)), &centre, watch)?;
    let values = by_rows(&queries, &packed, &groups, watch)?;
    let mean = mean(&values);
    Ok(SampledSilhouette { mean, standard_error: standard_error(&values, mean, population), rows })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn standard_error(values: &[f64], mean: f64, population: usize) -> f64 {
    let (m, n) = (values.len() as f64, population as f64);
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (m - 1.0).max(1.0);
    (variance / m * (1.0 - m / n)).max(0.0).sqrt()
}

/// Blocks of a tile; depends on the input alone, as the order of sums depends on it.
fn tile_blocks(packed: &Packed) -> usize {
    let by_cache = (TILE_VALUES / (LANES * packed.columns)).max(2);
    by_cache.min(packed.blocks.len().div_ceil(TILES)).max(1)
}

/// Number of pairs of blocks of all tiles, for progress.
fn pairs(queries: &Tile<'_>, others: &Tile<'_>) -> u64 {
    (queries.blocks.len() * others.blocks.len()) as u64
}

/// Values in the order of the packed rows, looking at each pair of tiles once.
///
/// Tiles meet as teams of a tournament do (the circle method): in each round every tile meets one other, so all
/// meetings of a round run at once, and each tile adds up its distances in the order of rounds whoever computes them.
fn by_pairs(packed: &Packed, groups: &Groups, watch: &dyn Watch) -> Result<Vec<f64>, Interrupted> {
    let clusters = groups.len();
    let tiles = packed.tiles(tile_blocks(packed));
    let empty = |tile: &Tile<'_>| Mutex::new(vec![0.0; tile.blocks.len() * clusters * LANES]);
    let sums: Vec<Mutex<Vec<f64>>> = tiles.iter().map(empty).collect();
    let blocks = packed.blocks.len() as u64;
    let within: u64 = tiles.iter().map(|tile| pairs(tile, tile)).sum();
    let progress = Progress::new(watch, (blocks * blocks + within) / 2);
    tiles.par_iter().zip(&sums).try_for_each(|(tile, sums)| {
        let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
        add_distances(*tile, *tile, clusters, &mut sums, &mut []);
        progress.advance(pairs(tile, tile))
    })?;
    let teams = tiles.len().next_multiple_of(2);
    for round in 0..teams - 1 {
        (0..teams / 2).into_par_iter().try_for_each(|meeting| {
            let (one, other) = meeting_of(teams, round, meeting);
            let (first, second) = (one.min(other), one.max(other));
            let Some(others) = tiles.get(second) else { return Ok(()) };
            // No other meeting of this round holds these locks.
            let mut first_sums = sums[first].lock().unwrap_or_else(PoisonError::into_inner);
            let mut second_sums = sums[second].lock().unwrap_or_else(PoisonError::into_inner);
            add_distances(tiles[first], *others, clusters, &mut first_sums, &mut second_sums);
            progress.advance(pairs(&tiles[first], others))
        })?;
    }
    let mut values = Vec::with_capacity(groups.all_members().len());
    for (tile, sums) in tiles.iter().zip(sums) {
        let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
        tile_values(tile.blocks, &sums, groups, &mut values);
    }
    Ok(values)
}

/// Who meets whom: the last team stays, the others move on by one place each round. `teams` is even.
fn meeting_of(teams: usize, round: usize, meeting: usize) -> (usize, usize) {
    let circle = teams - 1;
    if meeting == 0 { (circle, round) } else { ((round + meeting) % circle, (round + circle - meeting) % circle) }
}

/// Values of the queries in their order, tile by tile of queries against all rows.
fn by_rows(queries: &Packed, packed: &Packed, groups: &Groups, watch: &dyn Watch) -> Result<Vec<f64>, Interrupted> {
    let clusters = groups.len();
    let tiles = packed.tiles(tile_blocks(packed));
    let progress = Progress::new(watch, (queries.blocks.len() * packed.blocks.len()) as u64);
    let values = queries.tiles(tile_blocks(queries)).into_par_iter().map(|queries| {
        let mut sums = vec![0.0; queries.blocks.len() * clusters * LANES];
        for tile in &tiles {
            add_distances(queries, *tile, clusters, &mut sums, &mut []);
            progress.advance(pairs(&queries, tile))?;
        }
        let mut values = Vec::new();
        tile_values(queries.blocks, &sums, groups, &mut values);
        Ok(values)
    });
    let values: Result<Vec<Vec<f64>>, Interrupted> = values.collect();
    Ok(values?.concat())
}

/// Appends the value of each row of a tile, given its sums of distances.
fn tile_values(blocks: &[Block], sums: &[f64], groups: &Groups, values: &mut Vec<f64>) {
    for (block, sums) in blocks.iter().zip(sums.chunks_exact(groups.len() * LANES)) {
        values.extend((0..block.rows).map(|lane| row_value(block.cluster, lane, sums, groups)));
    }
}

fn row_value(own: usize, lane: usize, sums: &[f64], groups: &Groups) -> f64 {
    let others = groups.members(own).len() - 1;
    if others == 0 {
        return 0.0;
    }
    let a = sums[own * LANES + lane] / others as f64;
    let means = (0..groups.len())
        .filter(|cluster| *cluster != own)
        .map(|cluster| sums[cluster * LANES + lane] / groups.members(cluster).len() as f64);
    let b = means.fold(f64::INFINITY, f64::min);
    let most = a.max(b);
    if most > 0.0 { (b - a) / most } else { 0.0 }
}

#[cfg(test)]
#[path = "silhouette_tests.rs"]
mod tests;
