//! The network, and the gradient of its loss by back-propagation.

use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

/// Number of weight matrices.
pub(super) const WEIGHTS: usize = 9;

// Which is which.
const ENCODE: usize = 0;
const ENCODE_IN: usize = 1;
const ENCODE_BIAS: usize = 2;
const ENCODE_OUT: usize = 3;
const DECODE: usize = 4;
const DECODE_IN: usize = 5;
const DECODE_BIAS: usize = 6;
const DECODE_OUT: usize = 7;
const BIAS: usize = 8;

/// All weights: the linear way there (columns x code) and what a hidden layer adds to it (its input, bias and output); the
/// same back, and the bias of what comes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Weights(pub(super) [Array2<f64>; WEIGHTS]);

/// What a pass through the network leaves behind for the gradient.
pub(super) struct Pass {
    there: Array2<f64>,
    pub(super) code: Array2<f64>,
    back: Array2<f64>,
    pub(super) output: Array2<f64>,
}

fn hidden(input: ArrayView2<'_, f64>, weights: &Array2<f64>, bias: &Array2<f64>) -> Array2<f64> {
    (input.dot(weights) + bias).mapv_into(libm::tanh)
}

/// The gradient through the hidden layer: what comes in at its output, times the slope of `tanh`.
fn through(gradient: &Array2<f64>, out: &Array2<f64>, activity: &Array2<f64>) -> Array2<f64> {
    let mut slope = gradient.dot(&out.t());
    slope.zip_mut_with(activity, |slope, activity| *slope *= 1.0 - activity * activity);
    slope
}

fn column_sums(gradient: &Array2<f64>) -> Array2<f64> {
    gradient.sum_axis(Axis(0)).insert_axis(Axis(0))
}

impl Weights {
    /// All 0, for these numbers of columns, hidden units and numbers of the code.
    pub(super) fn new(columns: usize, hidden: usize, code: usize) -> Self {
        let shapes = [
            (columns, code),
            (columns, hidden),
            (1, hidden),
            (hidden, code),
            (code, columns),
            (code, hidden),
            (1, hidden),
            (hidden, columns),
            (1, columns),
        ];
        Self(shapes.map(Array2::zeros))
    }

    pub(super) fn zeros(&self) -> Self {
        Self(std::array::from_fn(|part| Array2::zeros(self.0[part].dim())))
    }

    /// Starts from principal components (code x columns): the network is as good as they are from the first step, as its
    /// hidden layers do not speak yet. Their inputs are drawn evenly, of the size of Glorot and Bengio (2010).
    pub(super) fn start(components: ArrayView2<'_, f64>, hidden: usize, mut draw: impl FnMut() -> f64) -> Self {
        let (code, columns) = components.dim();
        let mut weights = Self::new(columns, hidden, code);
        weights.0[ENCODE].assign(&components.t());
        weights.0[DECODE].assign(&components);
        for (part, inputs) in [(ENCODE_IN, columns), (DECODE_IN, code)] {
            let size = (6.0 / (inputs + hidden) as f64).sqrt();
            weights.0[part].mapv_inplace(|_| size * draw());
        }
        weights
    }

    pub(super) fn columns(&self) -> usize {
        self.0[ENCODE].nrows()
    }

    pub(super) fn code(&self) -> usize {
        self.0[ENCODE].ncols()
    }

    /// Whether the shapes fit together and every value is a number.
    pub(super) fn is_sound(&self) -> bool {
        let like = Self::new(self.columns(), self.0[ENCODE_BIAS].ncols(), self.code());
        let shapes = self.0.iter().zip(&like.0).all(|(own, like)| own.dim() == like.dim());
        shapes && self.0.iter().flatten().all(|value| value.is_finite())
    }

    /// `x A + tanh(x W + b) V`, rows x code.
    pub(super) fn encode(&self, x: ArrayView2<'_, f64>) -> Array2<f64> {
        x.dot(&self.0[ENCODE]) + hidden(x, &self.0[ENCODE_IN], &self.0[ENCODE_BIAS]).dot(&self.0[ENCODE_OUT])
    }

    /// `z B + tanh(z W + b) U + e`, rows x columns.
    pub(super) fn decode(&self, code: ArrayView2<'_, f64>) -> Array2<f64> {
        let back = hidden(code, &self.0[DECODE_IN], &self.0[DECODE_BIAS]);
        code.dot(&self.0[DECODE]) + back.dot(&self.0[DECODE_OUT]) + &self.0[BIAS]
    }

    fn pass(&self, x: ArrayView2<'_, f64>) -> Pass {
        let there = hidden(x, &self.0[ENCODE_IN], &self.0[ENCODE_BIAS]);
        let code = x.dot(&self.0[ENCODE]) + there.dot(&self.0[ENCODE_OUT]);
        let back = hidden(code.view(), &self.0[DECODE_IN], &self.0[DECODE_BIAS]);
        let output = code.dot(&self.0[DECODE]) + back.dot(&self.0[DECODE_OUT]) + &self.0[BIAS];
        Pass { there, code, back, output }
    }

    /// Mean squared difference between rows and what comes back.
    pub(super) fn loss(&self, x: ArrayView2<'_, f64>) -> f64 {
        let output = self.decode(self.encode(x).view());
        (output - x).mapv_into(|difference| difference * difference).sum() / x.len() as f64
    }

    /// The slope of [`loss`](Self::loss) along every weight.
    pub(super) fn gradient(&self, x: ArrayView2<'_, f64>) -> Self {
        let Pass { there, code, back, output } = self.pass(x);
        let scale = 2.0 / x.len() as f64;
        let at_output = (output - x).mapv_into(|difference| scale * difference);
        let at_back = through(&at_output, &self.0[DECODE_OUT], &back);
        let at_code = at_output.dot(&self.0[DECODE].t()) + at_back.dot(&self.0[DECODE_IN].t());
        let at_there = through(&at_code, &self.0[ENCODE_OUT], &there);
        Self([
            x.t().dot(&at_code),
            x.t().dot(&at_there),
            column_sums(&at_there),
            there.t().dot(&at_code),
            code.t().dot(&at_output),
            code.t().dot(&at_back),
            column_sums(&at_back),
            back.t().dot(&at_output),
            column_sums(&at_output),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// Every slope against the difference quotient of the loss.
    #[test]
    fn gradients_are_the_slopes_of_the_loss() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
        let mut weights = Weights::new(5, 4, 2);
        weights.0.iter_mut().flatten().for_each(|value| *value = rng.gen_range(-0.7..0.7));
        let x = Array2::from_shape_simple_fn((9, 5), || rng.gen_range(-1.0..1.0));
        let gradient = weights.gradient(x.view());
        let step = 1e-5;
        for part in 0..WEIGHTS {
            for at in ndarray::indices(weights.0[part].dim()) {
                let loss = |change: f64| {
                    let mut changed = weights.clone();
                    changed.0[part][at] += change;
                    changed.loss(x.view())
                };
                let quotient = (loss(step) - loss(-step)) / (2.0 * step);
                let slope = gradient.0[part][at];
                assert!(
                    (quotient - slope).abs() < 1e-8 + 1e-6 * slope.abs(),
                    "{part} {at:?}: {slope} is not {quotient}"
                );
                assert!(slope != 0.0, "{part} {at:?} has no part in the loss");
            }
        }
    }
}
