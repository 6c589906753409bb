//! Exact nearest neighbours by looking at every row.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use ndarray::{ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::input::{NotFinite, Real, Refused, check_finite, row_is_finite};
use crate::watch::{Interrupted, Progress, Watch};

/// Rows of one block, whose distances to a query are summed side by side.
const LANES: usize = 32;
/// Blocks that one thread looks through at a time: 4,096 rows, which fit the second-level cache at 31 columns.
const BLOCKS_PER_CHUNK: usize = 128;
/// Queries that pass over a chunk while it is in cache.
const QUERIES_PER_GROUP: usize = 16;

/// A search was refused or stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NeighborsError {
    /// There is nothing to search.
    #[error("the input has {rows} rows and {columns} columns: at least one of each is needed")]
    Empty {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
    },
    /// No neighbours were asked for.
    #[error("0 neighbours were asked for: at least 1 is needed")]
    NoNeighbors,
    /// The query has another width than the rows.
    #[error("the query has {found} columns, the rows have {expected}")]
    Columns {
        /// Columns of the rows.
        expected: usize,
        /// Columns of the query.
        found: usize,
    },
    /// A value is missing or infinite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The caller stopped the computation.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<Refused> for NeighborsError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFinite(found) => found.into(),
            Refused::Interrupted(interrupted) => interrupted.into(),
        }
    }
}

/// One neighbour of a query.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Neighbor {
    /// Row of the index.
    pub row: usize,
    /// Euclidean distance to the query.
    pub distance: f64,
}

/// Rows laid out for exact nearest-neighbour search by Euclidean distance.
///
/// # What it does
/// Compares each query with every row and keeps the `k` nearest; rows at equal distance come in row order, so the
/// answer is the same whatever the number of threads. Exact search is the right choice up to some 1e5 rows: it needs
/// no tuning, and at 31 columns trees prune little. Distances are summed in the type of the input; with `f32`,
/// differences should stay below 1e18.
///
/// # Cost
/// `O(rows columns)` per query, at the speed of memory: 1e5 x 31 takes well under a millisecond. A batch looks at
/// each part of the rows for several queries while it is in cache. Memory: one copy of the rows, in blocks of 32
/// rows stored column by column, so that 32 distances are summed at once without regrouping.
///
/// # Example
/// ```
/// use ndarray::array;
/// use souffleur_algorithms::neighbors::NeighborIndex;
/// let index = NeighborIndex::new(array![[0.0, 0.0], [3.0, 4.0], [1.0, 0.0]].view(), &())?;
/// let nearest = index.nearest(array![0.0, 0.0].view(), 2)?;
/// assert_eq!(nearest.iter().map(|found| (found.row, found.distance)).collect::<Vec<_>>(), [(0, 0.0), (2, 1.0)]);
/// # Ok::<(), souffleur_algorithms::neighbors::NeighborsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored<F>")]
pub struct NeighborIndex<F> {
    rows: usize,
    columns: usize,
    /// Value of row `b LANES + l`, column `c` at `(b columns + c) LANES + l`; the last block is padded with zeros.
    values: Vec<F>,
}

/// A neighbour by squared distance, ordered by distance, then row.
#[derive(Clone, Copy, PartialEq)]
struct Candidate {
    squared: f64,
    row: usize,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.squared.total_cmp(&other.squared).then(self.row.cmp(&other.row))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The nearest rows seen so far, at most `k`, the farthest on top.
struct Nearest {
    k: usize,
    heap: BinaryHeap<Candidate>,
}

impl Nearest {
    fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::new() }
    }

    /// Rows at this squared distance or beyond cannot enter, if they come after those seen.
    fn bound(&self) -> f64 {
        if self.heap.len() < self.k { f64::INFINITY } else { self.heap.peek().map_or(f64::INFINITY, |far| far.squared) }
    }

    fn offer(&mut self, candidate: Candidate) {
        if self.heap.len() < self.k {
            self.heap.push(candidate);
        } else if let Some(mut far) = self.heap.peek_mut()
            && candidate < *far
        {
            *far = candidate;
        }
    }

    fn merge(mut self, other: Self) -> Self {
        other.heap.into_iter().for_each(|candidate| self.offer(candidate));
        self
    }

    fn into_sorted(self) -> Vec<Neighbor> {
        let sorted = self.heap.into_sorted_vec().into_iter();
        sorted.map(|found| Neighbor { row: found.row, distance: found.squared.sqrt() }).collect()
    }
}

impl<F: Real> NeighborIndex<F> {
    /// Copies the rows of `x`, rows x columns, into the layout for searching.
    ///
    /// # Errors
    /// `x` is empty, a value is not finite as `f32`, or the watch interrupts.
    pub fn new(x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<Self, NeighborsError> {
        let (rows, columns) = x.dim();
        if rows == 0 || columns == 0 {
            return Err(NeighborsError::Empty { rows, columns });
        }
        check_finite(x, watch)?;
        let mut values = vec![F::default(); rows.div_ceil(LANES) * LANES * columns];
        let progress = Progress::new(watch, rows as u64);
        let blocks = values.par_chunks_mut(LANES * columns).zip(x.axis_chunks_iter(Axis(0), LANES).into_par_iter());
        blocks.try_for_each(|(block, rows)| {
            for ((lane, column), value) in rows.indexed_iter() {
                block[column * LANES + lane] = *value;
            }
            progress.advance(rows.nrows() as u64)
        })?;
        Ok(Self { rows, columns, values })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns that queries must have.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The `k` rows nearest to `query`, nearest first; all rows if there are fewer.
    ///
    /// # Errors
    /// `k` is 0, the width differs, or a value is not finite as `f32`.
    pub fn nearest(&self, query: ArrayView1<'_, F>, k: usize) -> Result<Vec<Neighbor>, NeighborsError> {
        let query = self.check_queries(query.insert_axis(Axis(0)), k)?;
        let chunks = self.values.par_chunks(self.chunk_len()).enumerate();
        let found = chunks.map(|(chunk, values)| {
            let mut nearest = Nearest::new(k);
            self.search(chunk, values, &query, &mut nearest);
            nearest
        });
        Ok(found.reduce(|| Nearest::new(k), Nearest::merge).into_sorted())
    }

    /// For each row of `queries` the `k` nearest rows, as [`nearest`](Self::nearest) gives them.
    ///
    /// # Errors
    /// As [`nearest`](Self::nearest), or the watch interrupts.
    pub fn nearest_batch(
        &self,
        queries: ArrayView2<'_, F>,
        k: usize,
        watch: &dyn Watch,
    ) -> Result<Vec<Vec<Neighbor>>, NeighborsError> {
        let queries = self.check_queries(queries, k)?;
        let chunks = self.values.len().div_ceil(self.chunk_len());
        let progress = Progress::new(watch, (chunks * (queries.len() / self.columns)) as u64);
        let groups = queries.par_chunks(QUERIES_PER_GROUP * self.columns).map(|group| {
            let queries = group.chunks_exact(self.columns);
            let mut found: Vec<Nearest> = queries.clone().map(|_| Nearest::new(k)).collect();
            for (chunk, values) in self.values.chunks(self.chunk_len()).enumerate() {
                for (query, nearest) in queries.clone().zip(&mut found) {
                    self.search(chunk, values, query, nearest);
                }
                progress.advance(found.len() as u64)?;
            }
            Ok(found.into_iter().map(Nearest::into_sorted).collect())
        });
        let groups: Result<Vec<Vec<Vec<Neighbor>>>, Interrupted> = groups.collect();
        Ok(groups?.into_iter().flatten().collect())
    }

    /// Values of the queries, row after row.
    fn check_queries(&self, queries: ArrayView2<'_, F>, k: usize) -> Result<Vec<F>, NeighborsError> {
        if k == 0 {
            return Err(NeighborsError::NoNeighbors);
        }
        if queries.ncols() != self.columns {
            return Err(NeighborsError::Columns { expected: self.columns, found: queries.ncols() });
        }
        for (row, query) in queries.outer_iter().enumerate() {
            if !row_is_finite(query) {
                let column = query.iter().position(|value| !value.to_f32().is_finite()).unwrap_or(0);
                return Err(NotFinite { row, column }.into());
            }
        }
        Ok(queries.iter().copied().collect())
    }

    fn chunk_len(&self) -> usize {
        BLOCKS_PER_CHUNK * LANES * self.columns
    }

    /// Offers the rows of one chunk, in row order.
    fn search(&self, chunk: usize, values: &[F], query: &[F], nearest: &mut Nearest) {
        for (block, values) in values.chunks_exact(LANES * self.columns).enumerate() {
            let first = (chunk * BLOCKS_PER_CHUNK + block) * LANES;
            let bound = nearest.bound();
            let squared = squared_distances(values, query);
            // The padding of the last block is no row.
            for (lane, squared) in squared.iter().enumerate().take(self.rows - first) {
                let squared = squared.to_f64();
                if squared < bound || nearest.heap.len() < nearest.k {
                    nearest.offer(Candidate { squared, row: first + lane });
                }
            }
        }
    }
}

/// Squared distance of the query to each row of a block.
fn squared_distances<F: Real>(values: &[F], query: &[F]) -> [F; LANES] {
    let mut sums = [F::default(); LANES];
    for (values, at) in values.as_chunks::<LANES>().0.iter().zip(query) {
        for (sum, value) in sums.iter_mut().zip(values) {
            let difference = *value - *at;
            *sum += difference * difference;
        }
    }
    sums
}

/// An index as read back, before its size is known to be right.
#[derive(Deserialize)]
struct Stored<F> {
    rows: usize,
    columns: usize,
    values: Vec<F>,
}

impl<F> TryFrom<Stored<F>> for NeighborIndex<F> {
    type Error = &'static str;

    fn try_from(Stored { rows, columns, values }: Stored<F>) -> Result<Self, Self::Error> {
        let expected = rows.div_ceil(LANES).checked_mul(LANES).and_then(|padded| padded.checked_mul(columns));
        if rows == 0 || columns == 0 || expected != Some(values.len()) {
            return Err("neighbour index: the number of values does not match rows and columns");
        }
        Ok(Self { rows, columns, values })
    }
}

#[cfg(test)]
#[path = "neighbors_tests.rs"]
mod tests;
