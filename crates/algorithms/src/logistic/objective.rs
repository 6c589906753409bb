//! The penalised loss of a logistic model with its first and second derivatives, in one pass over the rows.

use multiversion::multiversion;
use ndarray::ArrayView2;

use crate::cholesky::Symmetric;
use crate::exponential::exp_of_negative;
use crate::input::Real;
use crate::lanes::dot;
use crate::products::{Block, Lanes, Products, ROWS, TILE};
use crate::row_strips::by_strip;
use crate::watch::{Interrupted, Watch};

/// Rows to learn from, however they are kept.
pub(crate) trait Examples: Sync {
    fn rows(&self) -> usize;
    fn columns(&self) -> usize;
    /// Writes the features of a row, finite numbers.
    fn write(&self, row: usize, to: &mut [f64]);
    fn label(&self, row: usize) -> bool;
}

/// All rows of a matrix.
pub(super) struct Table<'a, F> {
    pub(super) x: ArrayView2<'a, F>,
    pub(super) labels: &'a [bool],
}

impl<F: Real> Examples for Table<'_, F> {
    fn rows(&self) -> usize {
        self.labels.len()
    }
    fn columns(&self) -> usize {
        self.x.ncols()
    }
    fn write(&self, row: usize, to: &mut [f64]) {
        let row = self.x.row(row);
        match row.as_slice() {
            Some(values) => to.iter_mut().zip(values).for_each(|(to, value)| *to = value.to_f64()),
            None => to.iter_mut().zip(row).for_each(|(to, value)| *to = value.to_f64()),
        }
    }
    fn label(&self, row: usize) -> bool {
        self.labels[row]
    }
}

/// Every so many of the examples.
pub(super) struct Every<'a, E> {
    pub(super) of: &'a E,
    pub(super) step: usize,
}

impl<E: Examples> Examples for Every<'_, E> {
    fn rows(&self) -> usize {
        self.of.rows().div_ceil(self.step)
    }
    fn columns(&self) -> usize {
        self.of.columns()
    }
    fn write(&self, row: usize, to: &mut [f64]) {
        self.of.write(row * self.step, to);
    }
    fn label(&self, row: usize) -> bool {
        self.of.label(row * self.step)
    }
}

/// Examples, and the penalty.
pub(super) struct Objective<'a, E> {
    pub(super) examples: &'a E,
    pub(super) l2: f64,
    pub(super) watch: &'a dyn Watch,
}

/// Loss, gradient and Hessian at some parameters: the coefficients, then the intercept.
pub(super) struct Slope {
    pub(super) loss: f64,
    pub(super) gradient: Vec<f64>,
    pub(super) hessian: Symmetric,
}

/// The sums of some rows.
struct Sums {
    loss: f64,
    gradient: Vec<Lanes>,
    hessian: Products,
}

impl<E: Examples> Objective<'_, E> {
    /// `O(rows columns^2)`. The watch is told `done` of `total`.
    pub(super) fn slope(&self, parameters: &[f64], (done, total): (u64, u64)) -> Result<Slope, Interrupted> {
        let order = parameters.len();
        let zeros = |block: &Block| Sums {
            loss: 0.0,
            gradient: vec![[0.0; TILE]; block.lanes()],
            hessian: Products::new(order),
        };
        let mut at = vec![[0.0; TILE]; order.div_ceil(TILE)];
        at.as_flattened_mut()[..order].copy_from_slice(parameters);
        let write = |row: usize, to: &mut [f64]| {
            if let Some((one, features)) = to.split_last_mut() {
                self.examples.write(row, features);
                *one = 1.0;
            }
        };
        let strips = by_strip(self.examples.rows(), order * order, |strip| {
            let mut block = Block::new(order);
            let mut sums = zeros(&block);
            for start in strip.clone().step_by(ROWS) {
                let rows = start..strip.end.min(start + ROWS);
                let mut labels = [false; ROWS];
                labels.iter_mut().zip(rows.clone()).for_each(|(label, row)| *label = self.examples.label(row));
                block.fill(rows, write);
                sums.loss += weigh(block.values_mut(), &at, &labels, &mut sums.gradient);
                sums.hessian.add(&block);
                self.watch.tick(done, total)?;
            }
            Ok(sums)
        })?;
        let mut sums = zeros(&Block::new(order));
        for part in &strips {
            sums.loss += part.loss;
            let from = part.gradient.as_flattened();
            sums.gradient.as_flattened_mut().iter_mut().zip(from).for_each(|(sum, value)| *sum += value);
            sums.hessian.add_all(&part.hessian);
        }
        Ok(self.penalised(&sums, parameters))
    }

    fn penalised(&self, sums: &Sums, parameters: &[f64]) -> Slope {
        let gradient = sums.gradient.as_flattened()[..parameters.len()].to_vec();
        let mut slope = Slope { loss: sums.loss, gradient, hessian: sums.hessian.symmetric() };
        let coefficients = parameters.split_last().map_or(&[][..], |(_, coefficients)| coefficients);
        for (row, coefficient) in coefficients.iter().enumerate() {
            slope.loss += 0.5 * self.l2 * coefficient * coefficient;
            slope.gradient[row] += self.l2 * coefficient;
            slope.hessian.add_diagonal(row, self.l2);
        }
        slope
    }
}

/// The summed loss of at most [`ROWS`] rows. Adds their gradient, and multiplies each row with the root of its weight, so that
/// the products of the columns are the Hessian.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn weigh(rows: &mut [Lanes], parameters: &[Lanes], labels: &[bool; ROWS], gradient: &mut [Lanes]) -> f64 {
    let lanes = parameters.len();
    let count = rows.len() / lanes;
    let mut log_odds = [0.0; ROWS];
    for (log_odds, row) in log_odds.iter_mut().zip(rows.chunks_exact(lanes)) {
        *log_odds = dot(row.as_flattened(), parameters.as_flattened());
    }
    let (mut errors, mut roots) = ([0.0; ROWS], [0.0; ROWS]);
    let (mut lines, mut factors) = ([0.0; ROWS], [0.0; ROWS]);
    for row in 0..ROWS {
        let at = log_odds[row];
        let small = exp_of_negative(-at.abs());
        let likelier = 1.0 / (1.0 + small);
        let other = small * likelier;
        let (p, q) = if at >= 0.0 { (likelier, other) } else { (other, likelier) };
        errors[row] = if labels[row] { -q } else { p };
        roots[row] = (likelier * other).sqrt();
        // ln(1 + exp(at)) is this line and the logarithm of the factor, less the log-odds of positive rows.
        lines[row] = if at >= 0.0 { at } else { 0.0 } - if labels[row] { at } else { 0.0 };
        factors[row] = 1.0 + small;
    }
    for ((row, error), root) in rows.chunks_exact_mut(lanes).zip(&errors).zip(&roots) {
        for (values, sums) in row.iter_mut().zip(gradient.iter_mut()) {
            for lane in 0..TILE {
                sums[lane] += error * values[lane];
                values[lane] *= root;
            }
        }
    }
    // Each factor lies in (1, 2]: the product of all of them is far from overflow.
    lines[..count].iter().sum::<f64>() + factors[..count].iter().product::<f64>().ln()
}
