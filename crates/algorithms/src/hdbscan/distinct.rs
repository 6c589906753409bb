//! Equal rows, taken together: a clustering looks at each distinct row once.

use ndarray::{Array2, ArrayView2};

use crate::input::Real;

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
    /// Finds the distinct rows of `x` after each column was multiplied with its scale. `O(n d log n)`, by sorting.
    pub(super) fn of<F: Real>(x: ArrayView2<'_, F>, scales: Option<&[f64]>) -> Self {
        let (n, columns) = x.dim();
        let mut values = Vec::with_capacity(n * columns);
        for row in x.outer_iter() {
            match scales {
                None => values.extend(row.iter().map(|value| value.to_f64())),
                Some(scales) => values.extend(row.iter().zip(scales).map(|(value, scale)| value.to_f64() * scale)),
            }
        }
        // Zeros of either sign are the same value.
        let row = |i: u32| &values[i as usize * columns..(i as usize + 1) * columns];
        let compare = |a: &[f64], b: &[f64]| {
            a.iter()
                .zip(b)
                .map(|(a, b)| (a + 0.0).total_cmp(&(b + 0.0)))
                .find(|o| o.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        };
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.sort_unstable_by(|&a, &b| compare(row(a), row(b)).then(a.cmp(&b)));
        // The first of each run of equal rows stands for it.
        let mut first = vec![0; n];
        for run in order.chunk_by(|&a, &b| compare(row(a), row(b)).is_eq()) {
            run.iter().for_each(|&i| first[i as usize] = run[0]);
        }
        let (mut of_row, mut counts, mut kept): (Vec<u32>, Vec<u32>, Vec<u32>) = (vec![0; n], Vec::new(), Vec::new());
        for i in 0..n {
            let representative = first[i] as usize;
            if representative == i {
                of_row[i] = kept.len() as u32;
                kept.push(i as u32);
                counts.push(0);
            } else {
                of_row[i] = of_row[representative];
            }
            counts[of_row[i] as usize] += 1;
        }
        let rows = Array2::from_shape_fn((kept.len(), columns), |(i, column)| row(kept[i])[column]);
        Self { rows, of_row, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn equal_rows_become_one_and_keep_their_first_place() {
        let x = array![[2.0, 1.0], [0.0, 1.0], [2.0, 1.0], [-0.0, 1.0], [3.0, 1.0]];
        let distinct = Distinct::of(x.view(), None);
        assert_eq!(distinct.rows, array![[2.0, 1.0], [0.0, 1.0], [3.0, 1.0]]);
        assert_eq!((distinct.of_row, distinct.counts), (vec![0, 1, 0, 1, 2], vec![2, 2, 1]));
        let scaled = Distinct::of(x.view(), Some(&[0.0, 2.0]));
        assert_eq!((scaled.rows, scaled.counts), (array![[0.0, 2.0]], vec![5]));
    }
}
