//! A test for numbers and categories together.

use std::ops::Range;

use ndarray::ArrayView2;

use super::bootstrap::Resample;
use super::contingency::chi_square_survival;
use super::correlation::Correlations;
use super::errors::CausalDiscoveryError;
use super::independence::{GoOn, IndependenceTest};
use crate::input::Real;
use crate::watch::{Interrupted, Watch};

/// Independence of variables that are numbers, yes or no, or categories: each is a block of columns (of a category one for each
/// of its values but one, 1 where it has it), and blocks are compared as if all were Gaussian ("degenerate Gaussian", Andrews,
/// Ramsey and Cooper 2019, "Learning high-dimensional directed acyclic graphs with mixed data-types", PMLR 104).
///
/// The statistic is the likelihood ratio of the regression of one block on the others with and without the second block,
/// with Bartlett's correction (1947), compared with chi-square. For single columns it says what [`FisherZ`](super::FisherZ) says.
///
/// Dependence counts as far as it is linear in the columns. A test costs `O(columns^3)` of the blocks it is about, whatever the number
/// of rows.
#[derive(Debug, Clone)]
pub struct GaussianBlocks {
    correlations: Correlations,
    blocks: Vec<Range<usize>>,
}

/// Rows of numbers of which each variable takes some neighbouring columns, to be resampled for [`GaussianBlocks`].
#[derive(Debug, Clone)]
pub struct BlockRows<'a, F> {
    rows: ArrayView2<'a, F>,
    blocks: Vec<Range<usize>>,
}

/// Neighbouring columns: the first `widths[0]`, the next `widths[1]`, and so on.
///
/// # Errors
/// The widths do not add up to the columns, or one is 0.
pub(super) fn blocks(columns: usize, widths: &[usize]) -> Result<Vec<Range<usize>>, CausalDiscoveryError> {
    let expected = widths.iter().sum();
    if expected != columns || widths.contains(&0) {
        return Err(CausalDiscoveryError::Columns { expected, found: columns });
    }
    let mut start = 0;
    let blocks = widths.iter().map(|width| {
        start += width;
        start - width..start
    });
    Ok(blocks.collect())
}

impl<'a, F: Real> BlockRows<'a, F> {
    /// The first variable takes the first `widths[0]` columns, the second the next `widths[1]`, and so on.
    ///
    /// # Errors
    /// The widths do not add up to the columns, or one is 0.
    pub fn new(rows: ArrayView2<'a, F>, widths: &[usize]) -> Result<Self, CausalDiscoveryError> {
        Ok(Self { blocks: blocks(rows.ncols(), widths)?, rows })
    }

    /// The test on all rows, `O(rows columns^2)`.
    ///
    /// # Errors
    /// As [`FisherZ::of`](super::FisherZ::of).
    pub fn all(&self, watch: &dyn Watch) -> Result<GaussianBlocks, CausalDiscoveryError> {
        self.of(None, watch)
    }

    fn of(&self, picked: Option<&[u32]>, watch: &dyn Watch) -> Result<GaussianBlocks, CausalDiscoveryError> {
        Ok(GaussianBlocks { correlations: Correlations::of(self.rows, picked, watch)?, blocks: self.blocks.clone() })
    }
}

impl<F: Real> Resample for BlockRows<'_, F> {
    type Test = GaussianBlocks;

    fn rows(&self) -> usize {
        self.rows.nrows()
    }

    fn test(&self, picked: &[u32], watch: &dyn Watch) -> Result<GaussianBlocks, CausalDiscoveryError> {
        self.of(Some(picked), watch)
    }
}

/// Buffers of [`GaussianBlocks`].
#[derive(Debug, Default)]
pub struct BlockScratch {
    columns: Vec<usize>,
    factor: Vec<f64>,
}

/// What the last columns of a Cholesky factor say: how many are not determined by those before them, and the logarithm of
/// the product of what is left of these.
struct Left {
    rank: usize,
    log: f64,
}

impl GaussianBlocks {
    /// Correlation of two variables of one column each, given others; `None` if one has more columns or is not there.
    #[must_use]
    pub fn partial_correlation(&self, x: usize, y: usize, given: &[usize]) -> Option<f64> {
        let (of_x, of_y) = (self.blocks.get(x)?, self.blocks.get(y)?);
        let columns: Vec<usize> = given.iter().filter_map(|v| self.blocks.get(*v)).cloned().flatten().collect();
        (of_x.len() == 1 && of_y.len() == 1)
            .then(|| self.correlations.partial(of_x.start, of_y.start, &columns, &mut Vec::new()))
    }

    /// What the variables `before` leave of each column of `last`, by standard deviation; 0 where they determine it.
    fn left_of(&self, last: usize, before: impl Iterator<Item = usize>, scratch: &mut BlockScratch) -> Vec<f64> {
        scratch.columns.clear();
        for variable in before {
            scratch.columns.extend(self.blocks[variable].clone());
        }
        let start = scratch.columns.len();
        scratch.columns.extend(self.blocks[last].clone());
        let BlockScratch { columns, factor } = scratch;
        self.correlations.factor(columns.len(), |i| columns[i], factor);
        (start..columns.len()).map(|row| factor[(row + 1) * (row + 2) / 2 - 1]).collect()
    }

    fn sum(pivots: &[f64]) -> Left {
        let kept = pivots.iter().filter(|pivot| **pivot > 0.0);
        Left { rank: kept.clone().count(), log: kept.map(|pivot| pivot.ln()).sum() }
    }
}

impl IndependenceTest for GaussianBlocks {
    type Scratch = BlockScratch;

    fn variables(&self) -> usize {
        self.blocks.len()
    }

    fn scratch(&self) -> BlockScratch {
        BlockScratch::default()
    }

    fn p_value(
        &self,
        x: usize,
        y: usize,
        given: &[usize],
        scratch: &mut BlockScratch,
        _go_on: GoOn<'_>,
    ) -> Result<f64, Interrupted> {
        let of_x = Self::sum(&self.left_of(x, given.iter().copied(), scratch));
        let alone = Self::sum(&self.left_of(y, given.iter().copied(), scratch));
        let with_x = Self::sum(&self.left_of(y, given.iter().copied().chain([x]), scratch));
        let conditions: usize = given.iter().map(|v| self.blocks[*v].len()).sum();
        let sides = (of_x.rank + alone.rank + 1) as f64 / 2.0;
        let weight = self.correlations.rows as f64 - 1.0 - conditions as f64 - sides;
        let freedom = (of_x.rank * alone.rank) as f64;
        if weight <= 0.0 || freedom == 0.0 {
            return Ok(1.0);
        }
        if with_x.rank < alone.rank {
            // One block determines part of the other: as dependent as can be.
            return Ok(0.0);
        }
        Ok(chi_square_survival(2.0 * weight * (alone.log - with_x.log), freedom))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::causal_discovery::FisherZ;

    type Generator = rand_xoshiro::Xoshiro256PlusPlus;

    fn p(rows: &Array2<f64>, widths: &[usize], (x, y): (usize, usize), given: &[usize]) -> f64 {
        let test = BlockRows::new(rows.view(), widths).unwrap().all(&()).unwrap();
        test.p_value(x, y, given, &mut test.scratch(), GoOn::ALWAYS).unwrap()
    }

    #[test]
    fn single_columns_are_judged_as_by_fisher() {
        let mut rng = Generator::seed_from_u64(2);
        let mut rows = Array2::from_shape_simple_fn((400, 3), || (0..6).map(|_| rng.gen_range(-1.0..1.0)).sum::<f64>());
        rows.outer_iter_mut().for_each(|mut row| row[1] += 0.12 * row[0] + 0.5 * row[2]);
        let fisher = FisherZ::of(rows.view(), &()).unwrap();
        for given in [&[][..], &[2]] {
            let expected = fisher.p_value(0, 1, given, &mut Vec::new(), GoOn::ALWAYS).unwrap();
            let found = p(&rows, &[1, 1, 1], (0, 1), given);
            assert!((found - expected).abs() < 0.02 * expected.max(0.01), "{found} {expected}");
        }
    }

    /// A category of three values, a number that follows one of them, and another number that follows the first.
    fn mixed(rng: &mut Generator, rows: usize, effect: f64) -> Array2<f64> {
        Array2::from_shape_vec(
            (rows, 4),
            (0..rows)
                .flat_map(|_| {
                    let state = rng.gen_range(0..3);
                    let number = rng.gen_range(-1.0..1.0) + if state == 1 { effect } else { 0.0 };
                    let last = 0.5 * number + rng.gen_range(-1.0..1.0);
                    [f64::from(u8::from(state == 0)), f64::from(u8::from(state == 1)), number, last]
                })
                .collect(),
        )
        .unwrap()
    }

    #[test]
    fn a_category_is_one_variable() {
        let rows = mixed(&mut Generator::seed_from_u64(9), 2000, 0.8);
        assert!(p(&rows, &[2, 1, 1], (0, 2), &[]) < 1e-6 && p(&rows, &[2, 1, 1], (0, 2), &[1]) > 0.01);
    }

    #[test]
    fn without_an_effect_all_p_values_are_equally_likely() {
        let mut rng = Generator::seed_from_u64(4);
        let below = |level: f64, rng: &mut Generator| {
            (0..1000).filter(|_| p(&mixed(rng, 60, 0.0), &[2, 1, 1], (0, 1), &[2]) < level).count()
        };
        let (tenth, half) = (below(0.1, &mut rng), below(0.5, &mut rng));
        assert!((70..130).contains(&tenth) && (450..550).contains(&half), "{tenth} {half}");
    }

    #[test]
    fn widths_that_do_not_fit_are_refused() {
        let rows = Array2::<f64>::zeros((9, 3));
        let error = BlockRows::new(rows.view(), &[2, 2]).unwrap_err();
        assert_eq!(error, CausalDiscoveryError::Columns { expected: 4, found: 3 });
    }
}
