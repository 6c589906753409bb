//! The fuzzy graph: how surely rows are neighbours of each other.

use rayon::prelude::*;

use crate::neighbor_graph::NeighborGraph;
use crate::watch::{Interrupted, Progress};

/// Halvings of the search for a row's scale.
const HALVINGS: usize = 64;
/// A scale is at least this share of the mean distance.
const SCALE_LEAST: f64 = 1e-3;
/// Rows handled between two calls of the watch.
const ROWS_PER_CHUNK: usize = 512;
/// Rows passed over between two calls of the watch.
const ROWS_PER_SCAN: usize = 1 << 16;
/// What an unknown label leaves of a weight, as the power of e.
const UNKNOWN: f64 = 1.0;

/// The scale that distances of one row are measured by: the nearest other row is surely a neighbour.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    nearest: f64,
    sigma: f64,
}

impl Scale {
    /// So that the weights of all neighbours sum to `log2(neighbours, the row itself counted)`. `nearest` is the distance
    /// that surely counts, `mean_of_all` the mean distance in all rows, for rows whose own are 0.
    pub(super) fn of(distances: &[f32], nearest: f64, mean_of_all: f64) -> Self {
        let target = libm::log2((distances.len() + 1) as f64);
        let sum = |sigma: f64| distances.iter().map(|d| weight(f64::from(*d), nearest, sigma)).sum::<f64>();
        let (mut low, mut high, mut sigma) = (0.0, f64::INFINITY, 1.0);
        for _ in 0..HALVINGS {
            let reached = sum(sigma);
            if (reached - target).abs() < 1e-5 {
                break;
            }
            if reached > target {
                high = sigma;
                sigma = 0.5 * (low + high);
            } else {
                low = sigma;
                sigma = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * sigma };
            }
        }
        let own = distances.iter().map(|d| f64::from(*d)).sum::<f64>() / (distances.len() + 1) as f64;
        let least = SCALE_LEAST * if nearest > 0.0 { own } else { mean_of_all };
        Self { nearest, sigma: sigma.max(least) }
    }

    pub(super) fn weight(self, distance: f32) -> f64 {
        weight(f64::from(distance), self.nearest, self.sigma)
    }
}

fn weight(distance: f64, nearest: f64, sigma: f64) -> f64 {
    let beyond = distance - nearest;
    if beyond <= 0.0 || sigma <= 0.0 { 1.0 } else { libm::exp(-beyond / sigma) }
}

/// How surely rows are neighbours, the same in both directions.
pub(super) struct FuzzyGraph {
    /// Where the neighbours of each position start.
    pub(super) starts: Vec<usize>,
    /// Their positions, in order.
    pub(super) neighbors: Vec<u32>,
    /// How surely they are neighbours, in (0, 1].
    pub(super) weights: Vec<f32>,
    /// The mean of all distances.
    pub(super) mean_distance: f64,
}

impl FuzzyGraph {
    /// The probabilistic union of what both ends say: `w + w' - w w'`. `O(n k)`.
    pub(super) fn of(graph: &NeighborGraph, progress: &Progress<'_>) -> Result<Self, Interrupted> {
        let mean_distance = mean(graph);
        let weights = one_sided(graph, mean_distance, progress)?;
        let (starts, named) = transposed(graph, &weights, progress)?;
        let rows: Result<Vec<Vec<(u32, f32)>>, Interrupted> = (0..graph.order.len())
            .into_par_iter()
            .map(|own| {
                let naming = weights[own * graph.k..][..graph.k].iter();
                let names = graph.of_position(own).iter().copied().zip(naming.copied());
                let mut both: Vec<(u32, f32)> =
                    names.chain(named[starts[own]..starts[own + 1]].iter().copied()).collect();
                both.sort_unstable_by_key(|(other, _)| *other);
                join(&mut both);
                if own % ROWS_PER_CHUNK == 0 {
                    progress.advance(ROWS_PER_CHUNK as u64)?;
                }
                Ok(both)
            })
            .collect();
        Ok(Self::from_rows(&rows?, mean_distance))
    }

    fn from_rows(rows: &[Vec<(u32, f32)>], mean_distance: f64) -> Self {
        let mut starts = vec![0; rows.len() + 1];
        rows.iter().enumerate().for_each(|(at, row)| starts[at + 1] = starts[at] + row.len());
        let all = || rows.iter().flatten();
        Self {
            starts,
            neighbors: all().map(|(other, _)| *other).collect(),
            weights: all().map(|(_, weight)| *weight).collect(),
            mean_distance,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// The neighbours of a position and how surely they are.
    pub(super) fn of_position(&self, position: usize) -> impl Iterator<Item = (u32, f32)> + '_ {
        let edges = self.starts[position]..self.starts[position + 1];
        self.neighbors[edges.clone()].iter().copied().zip(self.weights[edges].iter().copied())
    }

    /// The intersection with what the labels say: `labels` by position, negative where unknown. Rows of different labels
    /// are less surely neighbours, the less the more `target_weight` says; then every row surely has a neighbour again.
    pub(super) fn intersect(&mut self, labels: &[i32], target_weight: f64) {
        let different = if target_weight < 1.0 { 2.5 / (1.0 - target_weight) } else { f64::INFINITY };
        // A weight of 0 leaves the graph as it is.
        let (different, unknown) = if target_weight > 0.0 { (different, UNKNOWN) } else { (0.0, 0.0) };
        let rows: Vec<Vec<(u32, f32)>> = (0..self.rows())
            .into_par_iter()
            .map(|own| {
                let told = |other: u32| match (labels[own], labels[other as usize]) {
                    (a, b) if a < 0 || b < 0 => unknown,
                    (a, b) if a == b => 0.0,
                    _ => different,
                };
                let told = |(other, weight): (u32, f32)| (other, weight * libm::exp(-told(other)) as f32);
                self.of_position(own).map(told).collect()
            })
            .collect();
        let most = |row: &Vec<(u32, f32)>| row.iter().map(|(_, weight)| *weight).fold(0.0, f32::max);
        let most: Vec<f32> = rows.iter().map(most).collect();
        let rows: Vec<Vec<(u32, f32)>> = rows
            .into_par_iter()
            .enumerate()
            .map(|(own, mut row)| {
                for (other, weight) in &mut row {
                    let of = |most: f32| if most > 0.0 { *weight / most } else { 0.0 };
                    let (here, there) = (of(most[own]), of(most[*other as usize]));
                    *weight = here + there - here * there;
                }
                row.retain(|(_, weight)| *weight > 0.0);
                row
            })
            .collect();
        *self = Self::from_rows(&rows, self.mean_distance);
    }
}

fn mean(graph: &NeighborGraph) -> f64 {
    let sum: f64 = graph.distances.iter().map(|d| f64::from(*d)).sum();
    sum / (graph.order.len() * (graph.k + 1)) as f64
}

/// What each row says of its own neighbours.
fn one_sided(graph: &NeighborGraph, mean: f64, progress: &Progress<'_>) -> Result<Vec<f32>, Interrupted> {
    let mut weights = vec![0.0f32; graph.distances.len()];
    let chunk = ROWS_PER_CHUNK * graph.k;
    weights.par_chunks_mut(chunk).zip(graph.distances.par_chunks(chunk)).try_for_each(|(weights, distances)| {
        for (weights, distances) in weights.chunks_mut(graph.k).zip(distances.chunks(graph.k)) {
            let nearest = distances.iter().copied().find(|d| *d > 0.0).map_or(0.0, f64::from);
            let scale = Scale::of(distances, nearest, mean);
            weights.iter_mut().zip(distances).for_each(|(to, d)| *to = scale.weight(*d) as f32);
        }
        progress.advance(ROWS_PER_CHUNK as u64)
    })?;
    Ok(weights)
}

/// Where the rows that name each row begin, and those rows with how sure they are.
type Named = (Vec<usize>, Vec<(u32, f32)>);

/// Which rows name each row, and how surely.
fn transposed(graph: &NeighborGraph, weights: &[f32], progress: &Progress<'_>) -> Result<Named, Interrupted> {
    let n = graph.order.len();
    let mut starts = vec![0usize; n + 1];
    graph.neighbors.iter().for_each(|other| starts[*other as usize + 1] += 1);
    for at in 0..n {
        starts[at + 1] += starts[at];
    }
    let mut next = starts.clone();
    let mut named = vec![(0, 0.0); weights.len()];
    for own in 0..n {
        if own % ROWS_PER_SCAN == 0 {
            progress.advance(0)?;
        }
        for (other, weight) in graph.of_position(own).iter().zip(&weights[own * graph.k..]) {
            let place = &mut next[*other as usize];
            named[*place] = (own as u32, *weight);
            *place += 1;
        }
    }
    Ok((starts, named))
}

/// Makes one of two entries for the same neighbour, which stand together; those of no weight go.
fn join(both: &mut Vec<(u32, f32)>) {
    let mut kept: Vec<(u32, f32)> = Vec::with_capacity(both.len());
    for (other, weight) in both.iter().filter(|(_, weight)| *weight > 0.0) {
        match kept.last_mut() {
            Some((last, there)) if last == other => *there = *there + weight - *there * weight,
            _ => kept.push((*other, *weight)),
        }
    }
    *both = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted_clusters::planted_clusters;

    fn graph(rows: usize) -> FuzzyGraph {
        let x = planted_clusters(rows, 5, 3);
        let nearest = NeighborGraph::of(x.view(), 9, usize::MAX, &()).unwrap();
        FuzzyGraph::of(&nearest, &Progress::new(&(), 1)).unwrap()
    }

    #[test]
    fn weights_of_a_row_sum_to_the_logarithm_of_its_neighbours() {
        let distances = [0.5f32, 0.7, 0.9, 1.3, 2.0, 2.1, 2.2];
        let scale = Scale::of(&distances, 0.5, 1.0);
        let sum: f64 = distances.iter().map(|d| scale.weight(*d)).sum();
        assert!((sum - 3.0).abs() < 1e-4, "{sum}");
        // All at one place: all surely neighbours, and a finite scale.
        assert!((Scale::of(&[0.0; 4], 0.0, 1.0).weight(0.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn both_ends_say_the_same() {
        let graph = graph(200);
        let of = |a: usize, b: u32| graph.of_position(a).find(|(other, _)| *other == b).map(|(_, weight)| weight);
        for own in 0..graph.rows() {
            assert!(graph.of_position(own).any(|(_, weight)| weight > 0.999_999), "row {own} has no sure neighbour");
            for (other, weight) in graph.of_position(own) {
                assert_eq!(of(other as usize, own as u32), Some(weight));
            }
        }
    }

    #[test]
    fn labels_take_weight_from_what_they_tell_apart() {
        let plain = graph(200);
        let labels: Vec<i32> = (0..200).map(|row| row % 2).collect();
        let between = |graph: &FuzzyGraph| -> f32 {
            let of = |own: usize| graph.of_position(own).filter(move |(other, _)| (own as u32 ^ other) & 1 == 1);
            (0..200).flat_map(of).map(|(_, weight)| weight).sum()
        };
        let (mut half, mut all, mut none) = (graph(200), graph(200), graph(200));
        half.intersect(&labels, 0.5);
        all.intersect(&labels, 1.0);
        none.intersect(&vec![-1; 200], 0.5);
        assert!(between(&half) < 0.2 * between(&plain));
        assert!(between(&all) <= 0.0 && between(&none) > 0.5 * between(&plain));
    }
}
