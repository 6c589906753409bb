//! Equal rows of features, taken together: one prompt tried often is one prompt.

use std::collections::HashMap;

use ndarray::ArrayView1;
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;

/// Rows between two signs of life.
const ROWS_PER_CHECK: usize = 4096;

/// Which rows are equal.
pub(crate) struct Distinct {
    /// The place of the first of each run of equal rows, in the order given.
    pub(crate) first: Vec<usize>,
    /// For each row the number of its distinct row.
    pub(crate) of_row: Vec<usize>,
}

impl Distinct {
    /// Compares rows bit by bit; zeros of either sign are equal.
    ///
    /// # Errors
    /// If the job was interrupted.
    pub(crate) fn of<'a>(rows: impl Iterator<Item = ArrayView1<'a, f32>>, job: &Job) -> Result<Self, ComponentError> {
        let mut known: HashMap<Vec<u32>, usize> = HashMap::new();
        let mut distinct = Self { first: Vec::new(), of_row: Vec::new() };
        for (place, row) in rows.enumerate() {
            if place % ROWS_PER_CHECK == 0 {
                job.check()?;
            }
            let bits = row.iter().map(|v| (v + 0.0).to_bits()).collect();
            let number = *known.entry(bits).or_insert_with(|| {
                distinct.first.push(place);
                distinct.first.len() - 1
            });
            distinct.of_row.push(number);
        }
        Ok(distinct)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::stopped_clock::job;
    use ndarray::array;

    #[test]
    fn equal_rows_are_one_whatever_the_sign_of_zero() {
        let rows = array![[0.0, 1.0], [2.0, 1.0], [-0.0, 1.0], [2.0, 1.0]];
        let found = Distinct::of(rows.outer_iter(), &job(0)).unwrap();
        assert_eq!((found.first, found.of_row), (vec![0, 1], vec![0, 1, 0, 1]));
    }
}
