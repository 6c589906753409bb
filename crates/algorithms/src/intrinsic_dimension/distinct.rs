//! Rows without their repetitions.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, CowArray, Ix2};
use rayon::prelude::*;

use crate::input::Real;
use crate::watch::{Interrupted, Progress};

/// Rows handled between two calls of the watch.
const ROWS_PER_CHUNK: usize = 4096;

/// The rows that differ from all before them, in order; borrowed if all do.
pub(super) fn distinct_rows<'a, F: Real>(
    x: ArrayView2<'a, F>,
    progress: &Progress<'_>,
) -> Result<CowArray<'a, F, Ix2>, Interrupted> {
    let chunks = x.axis_chunks_iter(Axis(0), ROWS_PER_CHUNK).into_par_iter().map(|chunk| {
        progress.advance(chunk.nrows() as u64)?;
        Ok(chunk.outer_iter().map(digest).collect::<Vec<u64>>())
    });
    let digests: Result<Vec<Vec<u64>>, Interrupted> = chunks.collect();
    let mut by_digest: Vec<(u64, usize)> = digests?.into_iter().flatten().zip(0..).collect();
    by_digest.par_sort_unstable();
    progress.advance(0)?;
    let mut repeated = vec![false; x.nrows()];
    for group in by_digest.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
        mark_repeated(x, group, &mut repeated);
        progress.advance(0)?;
    }
    if !repeated.contains(&true) {
        return Ok(x.into());
    }
    let kept: Vec<usize> = (0..x.nrows()).filter(|row| !repeated[*row]).collect();
    let mut rows = Array2::from_elem((kept.len(), x.ncols()), F::default());
    let chunks = rows.axis_chunks_iter_mut(Axis(0), ROWS_PER_CHUNK).into_par_iter();
    chunks.zip(kept.par_chunks(ROWS_PER_CHUNK)).try_for_each(|(mut to, from)| {
        to.outer_iter_mut().zip(from).for_each(|(mut to, from)| to.assign(&x.row(*from)));
        progress.advance(0)
    })?;
    Ok(rows.into())
}

/// The same for equal rows, and very likely different for others.
fn digest<F: Real>(row: ArrayView1<'_, F>) -> u64 {
    // Adding zero turns -0 into +0, which is equal.
    row.iter().fold(0, |digest: u64, value| {
        (digest.rotate_left(23) ^ (value.to_f64() + 0.0).to_bits()).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    })
}

/// Marks the rows of a group that equal an earlier one. Among rows of one digest nearly all equal the first.
fn mark_repeated<F: Real>(x: ArrayView2<'_, F>, group: &[(u64, usize)], repeated: &mut [bool]) {
    let mut different: Vec<usize> = Vec::new();
    for (_, row) in group {
        if different.iter().any(|earlier| x.row(*earlier) == x.row(*row)) {
            repeated[*row] = true;
        } else {
            different.push(*row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn repetitions_go_and_the_order_stays() {
        let x = array![[1.0, 2.0], [0.0, 1.0], [1.0, 2.0], [-0.0, 1.0], [2.0, 1.0]];
        let rows = distinct_rows(x.view(), &Progress::new(&(), 1)).unwrap();
        assert_eq!(rows, array![[1.0, 2.0], [0.0, 1.0], [2.0, 1.0]]);
        assert!(distinct_rows(rows.view(), &Progress::new(&(), 1)).unwrap().is_view());
    }
}
