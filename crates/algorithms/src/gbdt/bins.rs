//! Sorting the values of each feature into a few bins, once, before any tree is grown.

use ndarray::{ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

use crate::input::Real;
use crate::watch::{Interrupted, Progress};

/// One feature of the training rows.
pub(super) struct BinnedColumn {
    /// Bin of each row.
    pub(super) codes: Vec<u8>,
    /// Upper bounds of all bins but the last, strictly increasing: a value is in the first bin whose bound is not
    /// below it.
    pub(super) bounds: Vec<f64>,
}

/// Bins all columns of `x`.
pub(super) fn bin_columns<F: Real>(
    x: ArrayView2<'_, F>,
    max_bins: usize,
    progress: &Progress<'_>,
) -> Result<Vec<BinnedColumn>, Interrupted> {
    let columns = x.axis_iter(Axis(1)).into_par_iter();
    columns.map(|column| progress.advance(0).and_then(|()| bin_column(column, max_bins, progress))).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "there are at most 256 bins")]
fn bin_column<F: Real>(
    column: ArrayView1<'_, F>,
    max_bins: usize,
    progress: &Progress<'_>,
) -> Result<BinnedColumn, Interrupted> {
    let values: Vec<f64> = column.iter().map(|value| value.to_f64()).collect();
    let mut sorted = values.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let bounds = bounds(&sorted, max_bins);
    progress.advance(0)?;
    let codes = values.iter().map(|value| bounds.partition_point(|bound| bound < value) as u8).collect();
    Ok(BinnedColumn { codes, bounds })
}

/// Bounds that part sorted values into at most `max_bins` bins of nearly equal row counts, never within equal
/// values, and half-way between neighbours.
fn bounds(sorted: &[f64], max_bins: usize) -> Vec<f64> {
    let mut bounds = Vec::new();
    let (mut start, mut at) = (0, 0);
    while bounds.len() + 1 < max_bins {
        // Rows still to be shared out among the bins still to be filled.
        let share = (sorted.len() - start).div_ceil(max_bins - bounds.len()).max(1);
        at = at.max(start + share - 1);
        while at + 1 < sorted.len() && sorted[at] == sorted[at + 1] {
            at += 1;
        }
        if at + 1 >= sorted.len() {
            break;
        }
        let (below, above) = (sorted[at], sorted[at + 1]);
        let middle = below + (above - below) / 2.0;
        bounds.push(if middle < above { middle } else { below });
        start = at + 1;
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn few_distinct_values_have_a_bin_each() {
        assert_eq!(bounds(&[0.0, 0.0, 1.0, 1.0, 3.0], 64), [0.5, 2.0]);
        assert_eq!(bounds(&[5.0; 9], 64), [0.0; 0]);
        assert_eq!(bounds(&[1.0, 1.0f64.next_up()], 64), [1.0]);
    }

    #[test]
    fn distinct_values_are_shared_out_evenly() {
        let sorted: Vec<f64> = (0..1000).map(f64::from).collect();
        let bounds = bounds(&sorted, 10);
        assert_eq!(bounds, (1..10).map(|k| f64::from(k * 100) - 0.5).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn bounds_rise_and_are_few(values in prop::collection::vec((-20i8..20).prop_map(f64::from), 1..300), bins in 2usize..40) {
            let mut sorted = values;
            sorted.sort_by(f64::total_cmp);
            let bounds = bounds(&sorted, bins);
            prop_assert!(bounds.len() < bins && bounds.is_sorted_by(|a, b| a < b));
            let mut distinct = sorted.clone();
            distinct.dedup();
            if distinct.len() <= 2 {
                prop_assert_eq!(bounds.len(), distinct.len() - 1);
            }
        }
    }
}
