//! Rows in strips that depend on the shape only, so that sums come out the same however many threads there are.

use std::ops::Range;

use rayon::prelude::*;

use crate::watch::Interrupted;

/// Most strips, each with sums of its own.
const STRIPS: usize = 64;
/// Most values in the sums of all strips: 32 MiB, unless one strip alone takes more.
const SUMS_MAX: usize = 1 << 22;
/// Strips are whole numbers of so many rows: fewer are not worth a thread's while.
const ROWS_MIN: usize = 1024;

/// What `part` says of each strip of the rows, in row order. Runs on all threads; each strip holds `sums` values.
pub(crate) fn by_strip<T: Send>(
    rows: usize,
    sums: usize,
    part: impl Fn(Range<usize>) -> Result<T, Interrupted> + Sync,
) -> Result<Vec<T>, Interrupted> {
    let strips = STRIPS.min(SUMS_MAX / sums.max(1)).max(1);
    let strip = rows.div_ceil(strips).max(1).next_multiple_of(ROWS_MIN);
    let of = |number: usize| part(number * strip..rows.min((number + 1) * strip));
    (0..rows.div_ceil(strip)).into_par_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_strip() {
        for (rows, sums) in [(0, 1), (1, 1), (1024, 1), (5000, 1), (200_000, 1), (5000, 2 * SUMS_MAX)] {
            let strips = by_strip(rows, sums, Ok).unwrap();
            assert!(strips.len() <= STRIPS && (sums < SUMS_MAX || strips.len() == 1), "{strips:?}");
            assert_eq!(strips.into_iter().flatten().collect::<Vec<_>>(), (0..rows).collect::<Vec<_>>());
        }
        assert_eq!(by_strip(5000, 1, |_| Err::<(), _>(Interrupted)), Err(Interrupted));
    }
}
