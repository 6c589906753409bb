//! Many hypotheses at once.

/// The false discovery rate at which each hypothesis would be rejected (adjusted p-value, Benjamini & Hochberg 1995): those
/// of at most `fdr` are, with the expected share of wrong ones among them held at `fdr`, for independent or positively
/// dependent tests.
///
/// p-values lie in [0, 1]; one that is not a number counts as 1. `O(m log m)`.
///
/// ```
/// use souffleur_algorithms::multiple_testing::benjamini_hochberg;
/// assert_eq!(benjamini_hochberg(&[0.01, 0.04, 0.03]), [0.03, 0.04, 0.04]);
/// ```
#[must_use]
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let p = |i: usize| if p_values[i].is_nan() { 1.0 } else { p_values[i] };
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p(*b).total_cmp(&p(*a)));
    let (mut adjusted, mut least) = (vec![1.0; p_values.len()], 1.0f64);
    for (above, i) in order.into_iter().enumerate() {
        let rank = p_values.len() - above;
        least = least.min(p(i) * p_values.len() as f64 / rank as f64);
        adjusted[i] = least;
    }
    adjusted
}

/// Deviations of a standard normal value within which 95 % of all lie.
pub const Z_95: f64 = 1.959_963_984_540_054;

/// Probability of a standard normal value at least as far from 0 as `z`.
#[must_use]
pub fn two_sided_p(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// The `z` that a standard normal value is at least as far from 0 as with probability `p`: the inverse of [`two_sided_p`].
///
/// By bisection to the last digits; 0 for 1 and above, and never above 38, where probabilities end.
#[must_use]
pub fn two_sided_z(p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 38.0);
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if two_sided_p(middle) > p { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_false_discovery_rate_is_held_step_by_step() {
        let rejected = |p: &[f64]| benjamini_hochberg(p).iter().map(|q| *q <= 0.05).collect::<Vec<_>>();
        assert_eq!(rejected(&[0.01, 0.04, 0.03, 0.005, 0.8]), [true, true, true, true, false]);
        assert_eq!(rejected(&[0.03, 0.04]), [true, true]);
        assert_eq!(rejected(&[0.04, 0.06]), [false, false]);
        assert_eq!(rejected(&[f64::NAN, 0.01]), [false, true]);
        assert!(benjamini_hochberg(&[]).is_empty());
    }

    #[test]
    fn two_deviations_are_almost_one_in_twenty() {
        assert!((two_sided_p(Z_95) - 0.05).abs() < 1e-12);
        assert!((two_sided_z(0.05) - Z_95).abs() < 1e-12 && two_sided_z(1.0) == 0.0);
        assert_eq!((two_sided_p(0.0), two_sided_p(-40.0)), (1.0, two_sided_p(40.0)));
    }
}
