//! What the algorithms accept as input: matrices of `f32` or `f64` without missing or infinite values.

use ndarray::{ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use crate::watch::{Interrupted, Progress, Watch};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point type that the algorithms read: `f32` or `f64`.
pub trait Real:
    Copy
    + Default
    + PartialOrd
    + Send
    + Sync
    + std::ops::AddAssign
    + std::ops::Mul<Output = Self>
    + std::ops::Sub<Output = Self>
    + sealed::Sealed
{
    /// The nearest `f32`; infinite if the value is too large for one.
    fn to_f32(self) -> f32;
    /// The same value as `f64`.
    fn to_f64(self) -> f64;
}

impl Real for f32 {
    fn to_f32(self) -> f32 {
        self
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    #[expect(clippy::cast_possible_truncation, reason = "rounding to the nearest f32 is the purpose")]
    fn to_f32(self) -> f32 {
        self as f32
    }
    fn to_f64(self) -> f64 {
        self
    }
}

/// A missing or infinite value, or one beyond the range of `f32`, was found where numbers are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("value at row {row}, column {column} is not a finite f32: drop the row or replace the value first")]
pub struct NotFinite {
    /// Row of the first such value, in row order.
    pub row: usize,
    /// Its column.
    pub column: usize,
}

/// Rows and their yes/no labels are nothing a classifier could learn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLabels {
    /// There is no row or no column.
    #[error("the input has {rows} rows and {columns} columns: at least one of each is needed")]
    Empty {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
    },
    /// Rows and labels differ in number.
    #[error("{rows} rows but {labels} labels: each row needs one")]
    Lengths {
        /// Rows given.
        rows: usize,
        /// Labels given.
        labels: usize,
    },
    /// All labels are alike.
    #[error("all labels are {0}: rows of both classes are needed")]
    OneClass(bool),
}

/// Checks that every row has a label and that both classes occur, and counts the positives.
pub(crate) fn count_positives((rows, columns): (usize, usize), labels: &[bool]) -> Result<usize, BadLabels> {
    if rows == 0 || columns == 0 {
        return Err(BadLabels::Empty { rows, columns });
    }
    if rows != labels.len() {
        return Err(BadLabels::Lengths { rows, labels: labels.len() });
    }
    let positives = labels.iter().filter(|label| **label).count();
    if positives == 0 || positives == rows {
        return Err(BadLabels::OneClass(positives == rows));
    }
    Ok(positives)
}

/// Why an input matrix was not read to its end.
pub(crate) enum Refused {
    NotFinite(NotFinite),
    Interrupted(Interrupted),
}

/// Rows scanned between two calls of the watch.
const ROWS_PER_SCAN: usize = 4096;

/// Whether every value of the row is finite as `f32`. Looks at all values, so that the loop vectorises.
pub(crate) fn row_is_finite<F: Real>(row: ArrayView1<'_, F>) -> bool {
    match row.as_slice() {
        Some(values) => values.iter().fold(true, |finite, value| finite & value.to_f32().is_finite()),
        None => row.iter().all(|value| value.to_f32().is_finite()),
    }
}

/// The first value, in row order, that is not finite as `f32`.
pub(crate) fn first_not_finite<F: Real>(x: ArrayView2<'_, F>) -> Option<NotFinite> {
    x.outer_iter().enumerate().filter(|(_, values)| !row_is_finite(*values)).find_map(|(row, values)| {
        let column = values.iter().position(|value| !value.to_f32().is_finite())?;
        Some(NotFinite { row, column })
    })
}

/// Scans the matrix on all threads and names the first value that is not finite as `f32`.
pub(crate) fn check_finite<F: Real>(x: ArrayView2<'_, F>, watch: &dyn Watch) -> Result<(), Refused> {
    let progress = Progress::new(watch, x.nrows() as u64);
    let refused =
        x.axis_chunks_iter(Axis(0), ROWS_PER_SCAN).into_par_iter().enumerate().find_map_first(|(chunk, rows)| {
            if let Some(found) = first_not_finite(rows) {
                let row = chunk * ROWS_PER_SCAN + found.row;
                return Some(Refused::NotFinite(NotFinite { row, ..found }));
            }
            progress.advance(rows.nrows() as u64).err().map(Refused::Interrupted)
        });
    refused.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn names_the_first_bad_value_whatever_the_layout() {
        let mut x = Array2::<f64>::zeros((10_000, 3));
        assert!(check_finite(x.view(), &()).is_ok());
        x[[9_000, 1]] = f64::NAN;
        x[[7_000, 2]] = 1e300; // finite, but beyond f32
        for view in [x.view(), x.t().as_standard_layout().to_owned().reversed_axes().view()] {
            match check_finite(view, &()) {
                Err(Refused::NotFinite(found)) => assert_eq!(found, NotFinite { row: 7_000, column: 2 }),
                _ => panic!("the bad value was not found"),
            }
        }
    }
}
