//! Some rows of a matrix, read one after the other where they lie.

use ndarray::{ArrayView1, ArrayView2};

use crate::lanes::RowMajor;

/// How long before it is read a row is asked for: enough work to hide the memory's latency, few enough to stay in the cache.
const ROWS_AHEAD: usize = 16;

/// Rows by their numbers, about in order. They are not copied: each is asked for some rows before it is read, because the gaps
/// between them keep the processor from foreseeing which comes next.
pub(super) struct PickedRows<'a> {
    x: ArrayView2<'a, f64>,
    rows: &'a [usize],
}

impl<'a> PickedRows<'a> {
    pub(super) fn of(x: ArrayView2<'a, f64>, rows: &'a [usize]) -> Self {
        Self { x, rows }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The number in the matrix of the row at this place.
    pub(super) fn number(&self, place: usize) -> usize {
        self.rows[place]
    }

    #[inline]
    pub(super) fn row(&self, place: usize) -> ArrayView1<'_, f64> {
        if let (Some(values), Some(ahead)) = (self.x.as_slice(), self.rows.get(place + ROWS_AHEAD)) {
            RowMajor { values, columns: self.x.ncols() }.fetch(*ahead);
        }
        self.x.row(self.rows[place])
    }
}
