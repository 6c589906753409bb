//! A test for dependence of any form between numbers.

use std::ops::Range;

use linfa::ParamGuard;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, s};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::bootstrap::Resample;
use super::contingency::chi_square_survival;
use super::errors::{CausalDiscoveryError, CausalDiscoveryParamsError};
use super::gaussian_blocks::blocks;
use super::independence::{GoOn, IndependenceTest};
use crate::cholesky::Symmetric;
use crate::input::{Real, check_finite};
use crate::watch::{Interrupted, Watch};

/// Rows that are worked on at a time.
const ROWS_PER_BLOCK: usize = 512;
/// Rows from whose distances the width of the kernel is taken.
const WIDTH_ROWS: usize = 150;
/// Added to the variance of the features of the conditioning variables, so that they do not fit every row.
const RIDGE: f64 = 1e-4;
/// Frequencies of the conditioning features in turn, as multiples of what the median distance says: of that alone, they miss
/// what is steep (a square of the conditioning variable, at its ends), and what is missed passes for dependence. With
/// frequencies of the median distance alone, 99 % of independent pairs of 2,000 rows failed the test at .05 in the case of the tests below;
/// with these, 4 %.
const FREQUENCIES: [f64; 3] = [1.0, 2.0, 4.0];
/// Rows for each feature of the conditioning variables at least; with fewer rows fewer features are taken.
const ROWS_PER_FEATURE: usize = 10;
/// Most features of each kind.
const FEATURES_MAX: usize = 512;

/// Hyperparameters of [`RandomFeatures`], checked when the test is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomFeaturesParams {
    features: usize,
    conditioning_features: usize,
    seed: u64,
}

impl Default for RandomFeaturesParams {
    fn default() -> Self {
        Self { features: 5, conditioning_features: 50, seed: 0 }
    }
}

impl RandomFeaturesParams {
    /// Features of each of the two variables compared, 1 to 512; 5 unless told otherwise. Cost grows with the fourth power.
    #[must_use]
    pub fn features(mut self, features: usize) -> Self {
        self.features = features;
        self
    }
    /// Features of the conditioning variables taken together, 1 to 512; 50 unless told otherwise.
    #[must_use]
    pub fn conditioning_features(mut self, features: usize) -> Self {
        self.conditioning_features = features;
        self
    }
    /// Seed of the random features; 0 unless told otherwise.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

impl ParamGuard for RandomFeaturesParams {
    type Checked = Self;
    type Error = CausalDiscoveryParamsError;

    fn check_ref(&self) -> Result<&Self, CausalDiscoveryParamsError> {
        let named = [("features", self.features), ("conditioning_features", self.conditioning_features)];
        match named.into_iter().find(|(_, value)| !(1..=FEATURES_MAX).contains(value)) {
            Some((name, value)) => Err(CausalDiscoveryParamsError::Features { name, value }),
            None => Ok(self),
        }
    }

    fn check(self) -> Result<Self, CausalDiscoveryParamsError> {
        self.check_ref().copied()
    }
}

/// Independence of numbers whatever the form of dependence: what random Fourier features of one variable and of the other have in
/// common after what features of the conditioning variables explain of them is taken away by ridge regression (the
/// randomised conditional correlation test, Strobl, Zhang and Visweswaran 2019, "Approximate kernel-based conditional independence tests
/// for fast non-parametric causal discovery", Journal of Causal Inference 7). Features stand for a Gaussian kernel whose width is the
/// median distance (Rahimi and Recht 2007).
///
/// If both are independent, the statistic is a weighted sum of squares of normal values; its probability is taken from the chi-square
/// distribution with the same first three cumulants (Buckley and Eagleson 1988). Unlike in the paper, features of the conditioning
/// variables have several widths, and the degrees of freedom of the regression are made up for.
///
/// # Cost
/// `O(rows (conditioning_features^2 + features^4))` for a test. Features are drawn from the seed and the variables alone.
#[derive(Debug, Clone)]
pub struct RandomFeatures {
    params: RandomFeaturesParams,
    /// Rows x columns, of mean 0 and variance 1.
    rows: Array2<f64>,
    /// The columns of each variable.
    blocks: Vec<Range<usize>>,
}

/// Random features of some columns: the cosines of weighted sums of them.
struct Map {
    columns: Vec<usize>,
    /// Features x columns.
    weights: Array2<f64>,
    phases: Vec<f64>,
}

impl Map {
    fn write(&self, rows: ArrayView2<'_, f64>, mut to: ArrayViewMut2<'_, f64>) {
        for (row, mut to) in rows.outer_iter().zip(to.outer_iter_mut()) {
            let features = self.weights.outer_iter().zip(&self.phases);
            for (to, (weights, phase)) in to.iter_mut().zip(features) {
                let sum: f64 = weights.iter().zip(&self.columns).map(|(w, column)| w * row[*column]).sum();
                *to = std::f64::consts::SQRT_2 * (sum + phase).cos();
            }
        }
    }

    fn len(&self) -> usize {
        self.phases.len()
    }
}

/// The features of one test, side by side: those of the conditioning variables, of `x`, and of `y`.
struct Features {
    given: Option<Map>,
    x: Map,
    y: Map,
}

impl Features {
    fn conditioning(&self) -> usize {
        self.given.as_ref().map_or(0, Map::len)
    }

    fn len(&self) -> usize {
        self.conditioning() + self.x.len() + self.y.len()
    }

    fn write(&self, rows: ArrayView2<'_, f64>, to: &mut Array2<f64>) {
        let (n, conditioning) = (rows.nrows(), self.conditioning());
        if let Some(given) = &self.given {
            given.write(rows, to.slice_mut(s![..n, ..conditioning]));
        }
        let of_y = conditioning + self.x.len();
        self.x.write(rows, to.slice_mut(s![..n, conditioning..of_y]));
        self.y.write(rows, to.slice_mut(s![..n, of_y..]));
    }
}

/// What the features of the conditioning variables explain of the others.
struct Regression {
    /// Means of all features.
    means: Array1<f64>,
    /// Conditioning features x the rest.
    weights: Array2<f64>,
    /// Degrees of freedom it takes: the trace of the matrix that turns values into fitted ones.
    freedom: f64,
}

/// A normal value (Box and Muller 1958).
fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    let (a, b): (f64, f64) = (1.0 - rng.r#gen::<f64>(), rng.r#gen());
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

impl RandomFeatures {
    /// Takes a copy of the rows, each column, which is a variable, brought to mean 0 and variance 1.
    ///
    /// # Errors
    /// A hyperparameter out of range, fewer than four rows or two columns, a column that does not vary, a value that is not finite, or an
    /// interruption.
    pub fn of<F: Real>(
        x: ArrayView2<'_, F>,
        params: RandomFeaturesParams,
        watch: &dyn Watch,
    ) -> Result<Self, CausalDiscoveryError> {
        let blocks = (0..x.ncols()).map(|column| column..column + 1).collect();
        Self::standardised(x, blocks, params, watch)
    }

    fn standardised<F: Real>(
        x: ArrayView2<'_, F>,
        blocks: Vec<Range<usize>>,
        params: RandomFeaturesParams,
        watch: &dyn Watch,
    ) -> Result<Self, CausalDiscoveryError> {
        let params = params.check()?;
        check_finite(x, watch)?;
        let mut rows = x.map(|value| value.to_f64());
        let (n, variables) = (rows.nrows(), blocks.len());
        if n < 4 || variables < 2 {
            return Err(CausalDiscoveryError::Empty { rows: n, variables });
        }
        for (variable, block) in blocks.iter().enumerate() {
            for column in block.clone() {
                let mut column = rows.column_mut(column);
                let first = column[0];
                if column.iter().all(|value| (value - first).abs() <= f64::EPSILON * first.abs()) {
                    return Err(CausalDiscoveryError::Constant(variable));
                }
                let (mean, deviation) = (column.sum() / n as f64, column.std(0.0));
                column.mapv_inplace(|value| (value - mean) / deviation);
            }
        }
        Ok(Self { params, rows, blocks })
    }

    /// Median distance of some rows, seen in these columns alone; 1 where most are equal.
    fn width(&self, columns: &[usize]) -> f64 {
        let step = self.rows.nrows().div_ceil(WIDTH_ROWS);
        let some = self.rows.slice(s![..;step, ..]);
        let mut distances: Vec<f64> = Vec::with_capacity(some.nrows() * some.nrows() / 2);
        for (i, a) in some.outer_iter().enumerate() {
            distances.extend(
                some.outer_iter()
                    .take(i)
                    .map(|b| columns.iter().map(|v| (a[*v] - b[*v]) * (a[*v] - b[*v])).sum::<f64>()),
            );
        }
        let middle = distances.len() / 2;
        let (_, median, _) = distances.select_nth_unstable_by(middle, f64::total_cmp);
        if *median > 0.0 { median.sqrt() } else { 1.0 }
    }

    fn map(&self, variables: &[usize], features: usize, frequencies: &[f64]) -> Map {
        let columns: Vec<usize> = variables.iter().flat_map(|variable| self.blocks[*variable].clone()).collect();
        let mixed = columns.iter().fold(self.params.seed ^ 0x5EED, |mixed, v| {
            (mixed ^ (*v as u64 + 1)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31)
        });
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(mixed);
        let width = self.width(&columns);
        let mut weights = Array2::from_shape_simple_fn((features, columns.len()), || normal(&mut rng) / width);
        for (mut weights, frequency) in weights.outer_iter_mut().zip(frequencies.iter().cycle()) {
            weights *= *frequency;
        }
        Map { weights, phases: (0..features).map(|_| rng.gen_range(0.0..std::f64::consts::TAU)).collect(), columns }
    }

    fn features(&self, x: usize, y: usize, given: &[usize]) -> Features {
        let conditioning = self.params.conditioning_features.min(self.rows.nrows() / ROWS_PER_FEATURE).max(1);
        Features {
            given: (!given.is_empty()).then(|| self.map(given, conditioning, &FREQUENCIES)),
            x: self.map(&[x], self.params.features, &[1.0]),
            y: self.map(&[y], self.params.features, &[1.0]),
        }
    }

    /// How features of the two variables follow from those of the conditioning ones.
    fn regress(
        &self,
        features: &Features,
        block: &mut Array2<f64>,
        go_on: GoOn<'_>,
    ) -> Result<Regression, Interrupted> {
        let (width, conditioning) = (features.len(), features.conditioning());
        let (mut sums, mut products) = (Array1::zeros(width), Array2::zeros((width, width)));
        for rows in self.rows.axis_chunks_iter(Axis(0), ROWS_PER_BLOCK) {
            go_on.check()?;
            features.write(rows, block);
            let block = block.slice(s![..rows.nrows(), ..]);
            sums += &block.sum_axis(Axis(0));
            general_mat_mul(1.0, &block.t(), &block, 1.0, &mut products);
        }
        let n = self.rows.nrows() as f64;
        let means = sums / n;
        let covariance = |a: usize, b: usize| products[[a, b]] / n - means[a] * means[b];
        let mut of_given = Symmetric::zeros(conditioning);
        of_given.lower =
            (0..conditioning).flat_map(|a| (0..=a).map(move |b| (a, b))).map(|(a, b)| covariance(a, b)).collect();
        (0..conditioning).for_each(|a| of_given.add_diagonal(a, RIDGE));
        let mut weights = Array2::zeros((conditioning, width - conditioning));
        let mut freedom = 0.0;
        // Rounding may outweigh the ridge: then nothing is taken away, which errs towards dependence.
        if let Some(factor) = of_given.factor() {
            for (target, mut column) in weights.axis_iter_mut(Axis(1)).enumerate() {
                let right: Vec<f64> = (0..conditioning).map(|a| covariance(a, conditioning + target)).collect();
                column.assign(&Array1::from_vec(factor.solve(&right)));
            }
            freedom = (0..conditioning)
                .map(|a| {
                    let unit: Vec<f64> = (0..conditioning).map(|b| f64::from(u8::from(a == b))).collect();
                    1.0 - RIDGE * factor.solve(&unit)[a]
                })
                .sum();
        }
        Ok(Regression { means, weights, freedom })
    }
}

impl IndependenceTest for RandomFeatures {
    type Scratch = ();

    fn variables(&self) -> usize {
        self.blocks.len()
    }

    fn scratch(&self) {}

    fn p_value(&self, x: usize, y: usize, given: &[usize], _: &mut (), go_on: GoOn<'_>) -> Result<f64, Interrupted> {
        let features = self.features(x, y, given);
        let (conditioning, of_x) = (features.conditioning(), features.x.len());
        let mut block = Array2::zeros((ROWS_PER_BLOCK.min(self.rows.nrows()), features.len()));
        let fitted = self.regress(&features, &mut block, go_on)?;
        let n = self.rows.nrows() as f64;
        let left_over = n - fitted.freedom - 1.0;
        if left_over < 1.0 {
            return Ok(1.0);
        }
        let pairs = of_x * features.y.len();
        let (mut sums, mut products) = (Array1::<f64>::zeros(pairs), Array2::<f64>::zeros((pairs, pairs)));
        let mut left = Array2::<f64>::zeros((block.nrows(), pairs));
        for rows in self.rows.axis_chunks_iter(Axis(0), ROWS_PER_BLOCK) {
            go_on.check()?;
            features.write(rows, &mut block);
            let mut centred = block.slice_mut(s![..rows.nrows(), ..]);
            centred -= &fitted.means;
            let (given, mut rest) = centred.split_at(Axis(1), conditioning);
            general_mat_mul(-1.0, &given, &fitted.weights, 1.0, &mut rest);
            let mut left = left.slice_mut(s![..rows.nrows(), ..]);
            for (rest, mut left) in rest.outer_iter().zip(left.outer_iter_mut()) {
                let (rest_x, rest_y) = rest.split_at(Axis(0), of_x);
                let both = rest_x.iter().flat_map(|a| rest_y.iter().map(move |b| a * b));
                left.iter_mut().zip(both).for_each(|(left, both)| *left = both);
            }
            sums += &left.sum_axis(Axis(0));
            general_mat_mul(1.0, &left.t(), &left, 1.0, &mut products);
        }
        // A regression leaves less than there was: as much as it took degrees of freedom.
        Ok(weighted_chi_square_survival(sums.dot(&sums) / n, &(products / left_over)))
    }
}

/// Probability that a sum of squares of normal values of this covariance is at least `value`, from the chi-square distribution with
/// the same first three cumulants.
fn weighted_chi_square_survival(value: f64, covariance: &Array2<f64>) -> f64 {
    let squared = covariance.dot(covariance);
    let first = covariance.diag().sum();
    let second = 2.0 * squared.diag().sum();
    let third = 8.0 * (&squared * covariance).sum();
    if second <= 0.0 || third <= 0.0 {
        return 1.0;
    }
    let freedom = 8.0 * second.powi(3) / (third * third);
    chi_square_survival((value - first) / second.sqrt() * (2.0 * freedom).sqrt() + freedom, freedom)
}

/// Rows of numbers of which each variable takes some neighbouring columns, to be resampled for [`RandomFeatures`].
#[derive(Debug, Clone)]
pub struct RandomFeatureRows<'a, F> {
    rows: ArrayView2<'a, F>,
    blocks: Vec<Range<usize>>,
    params: RandomFeaturesParams,
}

impl<'a, F: Real> RandomFeatureRows<'a, F> {
    /// The first variable takes the first `widths[0]` columns, the second the next `widths[1]`, and so on. Of a category, one column for each
    /// of its values but one, 1 where it has it.
    ///
    /// # Errors
    /// The widths do not add up to the columns, or one is 0.
    pub fn new(
        rows: ArrayView2<'a, F>,
        widths: &[usize],
        params: RandomFeaturesParams,
    ) -> Result<Self, CausalDiscoveryError> {
        Ok(Self { blocks: blocks(rows.ncols(), widths)?, rows, params })
    }

    /// The test on all rows, of which it takes a copy.
    ///
    /// # Errors
    /// As [`RandomFeatures::of`].
    pub fn all(&self, watch: &dyn Watch) -> Result<RandomFeatures, CausalDiscoveryError> {
        RandomFeatures::standardised(self.rows, self.blocks.clone(), self.params, watch)
    }
}

impl<F: Real> Resample for RandomFeatureRows<'_, F> {
    type Test = RandomFeatures;

    fn rows(&self) -> usize {
        self.rows.nrows()
    }

    fn test(&self, picked: &[u32], watch: &dyn Watch) -> Result<RandomFeatures, CausalDiscoveryError> {
        let places: Vec<usize> = picked.iter().map(|row| *row as usize).collect();
        let rows = self.rows.select(Axis(0), &places);
        RandomFeatures::standardised(rows.view(), self.blocks.clone(), self.params, watch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal_discovery::FisherZ;

    /// A cause, a square of it and a cosine of it with noise: all three depend on each other, not linearly.
    fn curved(seed: u64, rows: usize) -> Array2<f64> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut x = Array2::zeros((rows, 3));
        for mut row in x.outer_iter_mut() {
            row[0] = normal(&mut rng);
            row[1] = row[0] * row[0] + 0.4 * normal(&mut rng);
            row[2] = (2.0 * row[0]).cos() + 0.4 * normal(&mut rng);
        }
        x
    }

    fn p(x: &Array2<f64>, pair: (usize, usize), given: &[usize]) -> f64 {
        let test = RandomFeatures::of(x.view(), RandomFeaturesParams::default(), &()).unwrap();
        test.p_value(pair.0, pair.1, given, &mut (), GoOn::ALWAYS).unwrap()
    }

    #[test]
    fn curved_dependence_is_seen_and_explained() {
        let x = curved(3, 1500);
        let fisher = FisherZ::of(x.view(), &()).unwrap();
        assert!(fisher.p_value(0, 1, &[], &mut Vec::new(), GoOn::ALWAYS).unwrap() > 0.01);
        assert!(p(&x, (0, 1), &[]) < 1e-6 && p(&x, (1, 2), &[]) < 1e-6);
        assert!(p(&x, (1, 2), &[0]) > 0.01, "{}", p(&x, (1, 2), &[0]));
        assert!(p(&x, (0, 1), &[2]) < 1e-6);
    }

    #[test]
    fn a_category_is_a_variable_of_several_columns() {
        // A category of three values, what it acts on without a linear trend in any of its columns, and something else.
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
        let x = Array2::from_shape_fn((900, 4), |(row, column)| match column {
            0 | 1 => f64::from(u8::from(row % 3 == column)),
            2 => normal(&mut rng) * [0.3, 1.0, 0.3][row % 3],
            _ => normal(&mut rng),
        });
        let rows = RandomFeatureRows::new(x.view(), &[2, 1, 1], RandomFeaturesParams::default()).unwrap();
        let test = rows.all(&()).unwrap();
        let p = |a, b| test.p_value(a, b, &[], &mut (), GoOn::ALWAYS).unwrap();
        assert_eq!(test.variables(), 3);
        assert!(p(0, 1) < 1e-6 && p(0, 2) > 0.001 && p(1, 2) > 0.001, "{} {} {}", p(0, 1), p(0, 2), p(1, 2));
        let error = RandomFeatureRows::new(x.view(), &[2, 1], RandomFeaturesParams::default()).unwrap_err();
        assert_eq!(error, CausalDiscoveryError::Columns { expected: 3, found: 4 });
    }

    #[test]
    fn without_dependence_small_p_values_are_rare() {
        let below =
            |given: &[usize], pair| (0..200).filter(|seed| p(&curved(100 + seed, 300), pair, given) < 0.05).count();
        let found = below(&[0], (1, 2));
        assert!(found <= 22, "{found} of 200 at the level .05");
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let x = curved(1, 50);
        let params = RandomFeaturesParams::default();
        let error = |x: &Array2<f64>, params| RandomFeatures::of(x.view(), params, &()).unwrap_err();
        assert!(error(&x, params.features(0)).to_string().starts_with("features is 0"));
        assert_eq!(error(&Array2::zeros((9, 3)), params), CausalDiscoveryError::Constant(0));
        let test = RandomFeatures::of(x.view(), params, &()).unwrap();
        let stop = |_: u64, _: u64| Err(Interrupted);
        let progress = crate::watch::Progress::new(&stop, 1);
        assert_eq!(test.p_value(0, 1, &[2], &mut (), GoOn::while_asked(&progress)), Err(Interrupted));
    }
}
