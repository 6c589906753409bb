//! Equal rows, taken together: a clustering looks at each distinct row once.

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use crate::input::Real;
use crate::watch::{Interrupted, Progress, Watch};

/// Rows that one thread reads at a time.
const ROWS_PER_CHUNK: usize = 4096;

/// The distinct rows of a matrix.
pub(super) struct Distinct {
    /// One row each, as `f64`, in the order in which they first occur.
    pub(super) rows: Array2<f64>,
    /// The number of its distinct row, for each row given.
    pub(super) of_row: Vec<u32>,
    /// How often each distinct row occurs.
    pub(super) counts: Vec<u32>,
}

impl Distinct {
    /// Finds the distinct rows of `x` after each column was multiplied with its scale. `O(n d + n log n)`.
    pub(super) fn of<F: Real>(
        x: ArrayView2<'_, F>,
        scales: Option<&[f64]>,
        watch: &dyn Watch,
    ) -> Result<Self, Interrupted> {
        let mut values = Array2::zeros(x.dim());
        let mut keys = vec![(0u64, 0u32); x.nrows()];
        let progress = Progress::new(watch, x.nrows() as u64);
        values
            .axis_chunks_iter_mut(Axis(0), ROWS_PER_CHUNK)
            .into_par_iter()
            .zip(x.axis_chunks_iter(Axis(0), ROWS_PER_CHUNK).into_par_iter())
            .zip(keys.par_chunks_mut(ROWS_PER_CHUNK))
            .enumerate()
            .try_for_each(|(chunk, ((mut values, rows), keys))| {
                for (i, (mut to, from)) in values.outer_iter_mut().zip(rows.outer_iter()).enumerate() {
                    for (column, (to, from)) in to.iter_mut().zip(from).enumerate() {
                        // Adding 0 makes zeros of either sign the same value.
                        *to = from.to_f64() * scales.map_or(1.0, |scales| scales[column]) + 0.0;
                    }
                    keys[i] = (hash(to.iter()), (chunk * ROWS_PER_CHUNK + i) as u32);
                }
                progress.advance(rows.nrows() as u64)
            })?;
        keys.par_sort_unstable();
        watch.tick(0, 1)?;
        // The first of each run of equal rows stands for it.
        let mut first: Vec<u32> = (0..x.nrows() as u32).collect();
        for run in keys.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1) {
            stand_for_equals(run, &values, &mut first);
        }
        Ok(Self::by_first(values, &first))
    }

    /// `first` is for each row the first that equals it.
    fn by_first(values: Array2<f64>, first: &[u32]) -> Self {
        let (mut of_row, mut counts, mut kept): (Vec<u32>, Vec<u32>, Vec<usize>) =
            (vec![0; first.len()], Vec::new(), Vec::new());
        for (i, &representative) in first.iter().enumerate() {
            if representative as usize == i {
                of_row[i] = kept.len() as u32;
                kept.push(i);
                counts.push(0);
            } else {
                of_row[i] = of_row[representative as usize];
            }
            counts[of_row[i] as usize] += 1;
        }
        let rows = if kept.len() == first.len() { values } else { values.select(Axis(0), &kept) };
        Self { rows, of_row, counts }
    }
}

/// Among rows of equal hash, in rising order, lets the first of those that are equal stand for them.
fn stand_for_equals(run: &[(u64, u32)], values: &Array2<f64>, first: &mut [u32]) {
    let mut different: Vec<u32> = Vec::new();
    for &(_, row) in run {
        let equal = different.iter().find(|other| values.row(**other as usize) == values.row(row as usize));
        match equal {
            Some(&other) => first[row as usize] = other,
            None => different.push(row),
        }
    }
}

/// Mixes the bits of a row.
fn hash<'a>(row: impl Iterator<Item = &'a f64>) -> u64 {
    row.fold(0x243F_6A88_85A3_08D3, |hash, value| {
        (hash ^ value.to_bits()).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn equal_rows_become_one_and_keep_their_first_place() {
        let x = array![[2.0, 1.0], [0.0, 1.0], [2.0, 1.0], [-0.0, 1.0], [3.0, 1.0]];
        let distinct = Distinct::of(x.view(), None, &()).unwrap();
        assert_eq!(distinct.rows, array![[2.0, 1.0], [0.0, 1.0], [3.0, 1.0]]);
        assert_eq!((distinct.of_row, distinct.counts), (vec![0, 1, 0, 1, 2], vec![2, 2, 1]));
        let scaled = Distinct::of(x.view(), Some(&[0.0, 2.0]), &()).unwrap();
        assert_eq!((scaled.rows, scaled.counts), (array![[0.0, 2.0]], vec![5]));
    }

    #[test]
    fn rows_of_equal_hash_are_still_told_apart() {
        let (values, mut first) = (array![[1.0], [2.0], [1.0], [2.0], [3.0]], vec![0, 1, 2, 3, 4]);
        stand_for_equals(&[(7, 0), (7, 1), (7, 2), (7, 3), (7, 4)], &values, &mut first);
        assert_eq!(first, [0, 1, 0, 1, 4]);
    }
}
