//! Sums of distances from each row to each cluster, a tile of rows against another at a time.
//!
//! `|q - p|^2 = |q|^2 + |p|^2 - 2 q.p` in `f64`: one multiplication and one addition for each column, where the
//! difference would take two additions. Where that cancels, for pairs nearer than a thousandth of their distance
//! from the centre, the difference is taken after all. So each squared distance is right to some 1e-10 of itself, and a
//! row is at distance 0 from its copies.

use multiversion::multiversion;

use super::packed::{LANES, Tile};

/// Queries whose products with a block are summed side by side: their sums fit the registers of AVX2.
const QUERIES: usize = 4;
/// Below this part of `|q|^2 + |p|^2` a squared distance is computed from the difference.
const NEAR: f64 = 1e-6;

type Distances = [[f64; LANES]; LANES];

/// For each row of `queries`, adds its distances to the rows of `others`, cluster by cluster, to `query_sums`; and,
/// unless `other_sums` is empty, those same distances to `other_sums` for the rows of `others`.
///
/// The sum of lane `l` of block `b` to cluster `c` stands at `(b clusters + c) LANES + l`. The order of all additions
/// is fixed by the tiles alone. `O(rows rows columns)`.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(super) fn add_distances(
    queries: Tile<'_>,
    others: Tile<'_>,
    clusters: usize,
    query_sums: &mut [f64],
    other_sums: &mut [f64],
) {
    let block_values = queries.columns * LANES;
    for (at, query) in queries.blocks.iter().enumerate() {
        let values = &queries.values[at * block_values..][..block_values];
        let sums = &mut query_sums[at * clusters * LANES..][..clusters * LANES];
        let mut run = [[0.0; LANES]; LANES];
        for (other_at, other) in others.blocks.iter().enumerate() {
            let other_values = &others.values[other_at * block_values..][..block_values];
            let norms = (&queries.norms[at], &others.norms[other_at]);
            let mut distances = block_distances(values, other_values, norms);
            if query.rows < LANES || other.rows < LANES {
                clear_padding(&mut distances, query.rows, other.rows);
            }
            if !other_sums.is_empty() {
                let sums = &mut other_sums[(other_at * clusters + query.cluster) * LANES..][..LANES];
                add_columns(&distances, sums);
            }
            for at in 0..LANES {
                for lane in 0..LANES {
                    run[at][lane] += distances[at][lane];
                }
            }
            let last_of_cluster = others.blocks.get(other_at + 1).is_none_or(|next| next.cluster != other.cluster);
            if last_of_cluster {
                for (sum, run) in sums[other.cluster * LANES..][..LANES].iter_mut().zip(&run) {
                    *sum += run.iter().sum::<f64>();
                }
                run = [[0.0; LANES]; LANES];
            }
        }
    }
}

/// Distance of each row of one block (first index) to each of another.
#[inline(always)]
fn block_distances(queries: &[f64], others: &[f64], norms: (&[f64; LANES], &[f64; LANES])) -> Distances {
    let mut distances = [[0.0; LANES]; LANES];
    // Least excess over the threshold, lane by lane; comparisons stay in vectors where `f64::min` would not.
    let mut least = [0.0; LANES];
    for group in 0..LANES / QUERIES {
        let first = group * QUERIES;
        let dots = products(queries, others, first);
        for query in 0..QUERIES {
            for other in 0..LANES {
                let both = norms.0[first + query] + norms.1[other];
                let squared = both - (dots[query][other] + dots[query][other]);
                let excess = squared - NEAR * both;
                least[other] = if excess < least[other] { excess } else { least[other] };
                let positive = if squared > 0.0 { squared } else { 0.0 };
                distances[first + query][other] = positive.sqrt();
            }
        }
    }
    if least.iter().any(|excess| *excess < 0.0) {
        distances_again(queries, others, norms, &mut distances);
    }
    distances
}

/// Inner products of [`QUERIES`] rows of a block, from the `first`, with all rows of another. The loops have constant
/// bounds, so that the sums stay in registers.
#[inline(always)]
fn products(queries: &[f64], others: &[f64], first: usize) -> [[f64; LANES]; QUERIES] {
    let mut dots = [[0.0; LANES]; QUERIES];
    for (query, other) in queries.as_chunks::<LANES>().0.iter().zip(others.as_chunks::<LANES>().0) {
        let Some(query) = query[first..].first_chunk::<QUERIES>() else { continue };
        for at in 0..QUERIES {
            for lane in 0..LANES {
                dots[at][lane] += query[at] * other[lane];
            }
        }
    }
    dots
}

/// Replaces the distances of near pairs by those from the differences.
#[inline(never)]
fn distances_again(queries: &[f64], others: &[f64], norms: (&[f64; LANES], &[f64; LANES]), distances: &mut Distances) {
    let (queries, others) = (queries.as_chunks::<LANES>().0, others.as_chunks::<LANES>().0);
    for (query, row) in distances.iter_mut().enumerate() {
        for (other, distance) in row.iter_mut().enumerate() {
            if *distance * *distance <= 2.0 * NEAR * (norms.0[query] + norms.1[other]) {
                let columns = queries.iter().zip(others).map(|(q, o)| q[query] - o[other]);
                *distance = columns.map(|difference| difference * difference).sum::<f64>().sqrt();
            }
        }
    }
}

#[inline(always)]
fn clear_padding(distances: &mut Distances, queries: usize, others: usize) {
    for (query, row) in distances.iter_mut().enumerate() {
        for (other, distance) in row.iter_mut().enumerate() {
            if query >= queries || other >= others {
                *distance = 0.0;
            }
        }
    }
}

#[inline(always)]
fn add_columns(distances: &Distances, sums: &mut [f64]) {
    let mut columns = [0.0; LANES];
    for row in distances {
        for lane in 0..LANES {
            columns[lane] += row[lane];
        }
    }
    sums.iter_mut().zip(columns).for_each(|(sum, column)| *sum += column);
}
