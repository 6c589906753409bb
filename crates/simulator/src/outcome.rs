//! How a session's quality comes about.

/// Quality of an average prompt that nothing is done to.
pub(crate) const BASE_QUALITY: f64 = 0.64;
/// What the overall score before improvement adds per unit above .5: prompts that were good stay better.
pub(crate) const QUALITY_SLOPE: f64 = 0.3;
/// What a failure mode takes away.
pub(crate) const MODE_PENALTY: f64 = 0.36;
/// Standard deviation of the noise.
pub(crate) const NOISE_SD: f64 = 0.08;

/// The expected quality without any rule.
pub(crate) fn untreated_quality(overall_score: f64, in_mode: bool) -> f64 {
    let penalty = if in_mode { MODE_PENALTY } else { 0.0 };
    BASE_QUALITY + QUALITY_SLOPE * (overall_score - 0.5) - penalty
}

/// Noise from three uniform draws in [0, 1): mean 0, standard deviation [`NOISE_SD`], at most three of them away.
///
/// Bounded, so that clamping to [0, 1] hardly ever happens and planted effects stay exact.
pub(crate) fn noise(uniform: [f64; 3]) -> f64 {
    uniform.iter().map(|u| 2.0 * u - 1.0).sum::<f64>() * NOISE_SD
}

/// Probability that the quality falls below .5 when `expected` is its mean: the Irwin-Hall distribution of order 3.
pub(crate) fn failure_probability(expected: f64) -> f64 {
    // noise = (2 s - 3) sd with s the sum of three uniforms; quality < .5 when s < x.
    let x = ((0.5 - expected) / NOISE_SD + 3.0) / 2.0;
    if x <= 0.0 {
        0.0
    } else if x < 1.0 {
        x.powi(3) / 6.0
    } else if x < 2.0 {
        (-2.0 * x.powi(3) + 9.0 * x.powi(2) - 9.0 * x + 3.0) / 6.0
    } else if x < 3.0 {
        1.0 - (3.0 - x).powi(3) / 6.0
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;
    use crate::draw::generator;

    #[test]
    fn the_failure_probability_is_the_share_that_fails() {
        let mut rng = generator(3, 0);
        for expected in [0.28, 0.42, 0.5, 0.55, 0.63] {
            let n = 40_000;
            let failed = (0..n).filter(|_| expected + noise(rng.r#gen()) < 0.5).count() as f64 / f64::from(n);
            assert!((failed - failure_probability(expected)).abs() < 0.01, "{expected}: {failed}");
        }
        assert_eq!(failure_probability(0.9), 0.0);
        assert_eq!(failure_probability(0.1), 1.0);
    }
}
