//! Adam (Kingma and Ba 2015, "Adam: a method for stochastic optimization", ICLR): steps measured by the gradients' own size.

use super::network::{WEIGHTS, Weights};

const DECAY_MEAN: f64 = 0.9;
const DECAY_SQUARE: f64 = 0.999;
const LEAST: f64 = 1e-8;

/// Moving means of gradients and of their squares.
pub(super) struct Adam {
    mean: Weights,
    square: Weights,
    steps: i32,
    learning_rate: f64,
}

impl Adam {
    pub(super) fn new(like: &Weights, learning_rate: f64) -> Self {
        Self { mean: like.zeros(), square: like.zeros(), steps: 0, learning_rate }
    }

    /// One step down the gradient.
    pub(super) fn step(&mut self, weights: &mut Weights, gradient: &Weights) {
        self.steps += 1;
        let mean_share = 1.0 - DECAY_MEAN.powi(self.steps);
        let square_share = 1.0 - DECAY_SQUARE.powi(self.steps);
        for part in 0..WEIGHTS {
            let moments = self.mean.0[part].iter_mut().zip(&mut self.square.0[part]);
            let values = weights.0[part].iter_mut().zip(&gradient.0[part]);
            for ((value, slope), (mean, square)) in values.zip(moments) {
                *mean = DECAY_MEAN * *mean + (1.0 - DECAY_MEAN) * slope;
                *square = DECAY_SQUARE * *square + (1.0 - DECAY_SQUARE) * slope * slope;
                *value -= self.learning_rate * (*mean / mean_share) / ((*square / square_share).sqrt() + LEAST);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_has_the_length_of_the_learning_rate_whatever_the_gradient() {
        let mut weights = Weights::new(3, 2, 1);
        let mut gradient = weights.zeros();
        gradient.0[0].fill(1e-3);
        gradient.0[1].fill(-50.0);
        Adam::new(&weights.zeros(), 0.01).step(&mut weights, &gradient);
        assert!(weights.0[0].iter().all(|value| (value + 0.01).abs() < 1e-6));
        assert!(weights.0[1].iter().all(|value| (value - 0.01).abs() < 1e-6));
        assert!(weights.0[2].iter().all(|value| *value == 0.0));
    }
}
