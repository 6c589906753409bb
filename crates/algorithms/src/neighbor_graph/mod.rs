//! The nearest rows of every row: exactly, or nearly for very many rows.

mod descent;
mod exact;

use ndarray::ArrayView2;

use crate::watch::{Interrupted, Watch};

/// For each row its `k` nearest others, nearest first. Rows stand in an order of their own, near ones near each other.
pub(crate) struct NeighborGraph {
    pub(crate) k: usize,
    /// The row at each position.
    pub(crate) order: Vec<u32>,
    /// Positions of the neighbours, `k` for each position.
    pub(crate) neighbors: Vec<u32>,
    /// Their distances.
    pub(crate) distances: Vec<f32>,
}

impl NeighborGraph {
    /// Up to `exact_rows_max` rows the neighbours are exact, beyond they are looked for by descent. `k` must be below the
    /// number of rows, and all values finite.
    pub(crate) fn of(
        rows: ArrayView2<'_, f64>,
        k: usize,
        exact_rows_max: usize,
        watch: &dyn Watch,
    ) -> Result<Self, Interrupted> {
        if rows.nrows() <= exact_rows_max { exact::graph(rows, k, watch) } else { descent::graph(rows, k, watch) }
    }

    /// The neighbours of a position.
    pub(crate) fn of_position(&self, position: usize) -> &[u32] {
        &self.neighbors[position * self.k..][..self.k]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted_clusters::planted_clusters;

    #[test]
    fn descent_finds_nearly_all_and_exact_search_all_neighbours() {
        let x = planted_clusters(2500, 8, 5);
        let k = 12;
        let exact = NeighborGraph::of(x.view(), k, usize::MAX, &()).unwrap();
        let nearly = NeighborGraph::of(x.view(), k, 0, &()).unwrap();
        let of_row = |graph: &NeighborGraph| {
            let mut sets = vec![Vec::new(); x.nrows()];
            for (position, row) in graph.order.iter().enumerate() {
                let rows = graph.of_position(position).iter().map(|other| graph.order[*other as usize]);
                sets[*row as usize] = rows.collect();
            }
            sets
        };
        let (exact_rows, found) = (of_row(&exact), of_row(&nearly));
        for row in [0, 77, 2499] {
            let squared = |other: usize| (&x.row(row) - &x.row(other)).mapv(|d| d * d).sum();
            let mut all: Vec<(f64, u32)> =
                (0..2500).filter(|o| *o != row).map(|other| (squared(other), other as u32)).collect();
            all.sort_by(|a, b| a.partial_cmp(b).unwrap());
            let expected: Vec<u32> = all[..k].iter().map(|(_, other)| *other).collect();
            assert_eq!(exact_rows[row], expected);
        }
        let hits: usize =
            exact_rows.iter().zip(&found).map(|(a, b)| a.iter().filter(|row| b.contains(row)).count()).sum();
        let recall = hits as f64 / (2500 * k) as f64;
        assert!(recall > 0.97, "recall {recall}");
        assert!(nearly.distances[3 * k..4 * k].is_sorted());
    }

    #[test]
    fn descent_is_the_same_on_one_thread_and_on_three() {
        let x = planted_clusters(900, 6, 4);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| NeighborGraph::of(x.view(), 9, 0, &()).unwrap())
        };
        let (one, three) = (run(1), run(3));
        assert_eq!(one.neighbors, three.neighbors);
        assert_eq!(one.distances, three.distances);
    }
}
