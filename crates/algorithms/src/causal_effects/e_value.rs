//! How strong an unmeasured cause would have to be.

use serde::{Deserialize, Serialize};

use super::errors::CausalEffectParamsError;
use super::estimate::Estimate;
use crate::multiple_testing::Z_95;

/// Log risk ratio per standard deviation of the outcome (VanderWeele & Ding 2017, after Chinn 2000).
const LOG_RISK_RATIO: f64 = 0.91;

/// The least strength, as a risk ratio, that an unmeasured cause would need with both treatment and outcome to explain an
/// effect away (VanderWeele & Ding 2017): 1 means that nothing needs explaining.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EValue {
    /// To explain away the effect itself.
    pub effect: f64,
    /// To move the 95 % interval so that it holds "no effect".
    pub interval: f64,
}

/// The E-value of a risk ratio with its 95 % interval.
///
/// # Errors
/// A ratio is not a finite number above 0.
///
/// ```
/// use souffleur_algorithms::causal_effects::e_value;
/// // Not being breast-fed and death by respiratory infection, the example of the paper: 3.9 (1.8 to 8.7).
/// let found = e_value(3.9, 1.8, 8.7)?;
/// assert!((found.effect - 7.26).abs() < 0.01 && (found.interval - 3.0).abs() < 0.01);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn e_value(risk_ratio: f64, low: f64, high: f64) -> Result<EValue, CausalEffectParamsError> {
    for ratio in [risk_ratio, low, high] {
        if !(ratio > 0.0 && ratio.is_finite()) {
            return Err(CausalEffectParamsError::RiskRatio(ratio));
        }
    }
    let of = |ratio: f64| {
        let ratio = ratio.max(1.0 / ratio);
        ratio + (ratio * (ratio - 1.0)).sqrt()
    };
    let nearest = if low > 1.0 {
        low
    } else if high < 1.0 {
        high
    } else {
        1.0
    };
    Ok(EValue { effect: of(risk_ratio), interval: of(nearest) })
}

impl EValue {
    /// The approximate E-value of a difference of means, where `deviation` is the standard deviation of the outcome.
    ///
    /// # Errors
    /// The deviation is not above 0, or the effect is so large that no ratio stands for it.
    pub fn of_difference(estimate: &Estimate, deviation: f64) -> Result<Self, CausalEffectParamsError> {
        let ratio = |effect: f64| (LOG_RISK_RATIO * effect / deviation).exp();
        let wide = Z_95 * estimate.standard_error;
        e_value(ratio(estimate.effect), ratio(estimate.effect - wide), ratio(estimate.effect + wide))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harm_and_benefit_are_alike_and_an_interval_around_nothing_needs_no_cause() {
        let (benefit, harm) = (e_value(0.5, 0.4, 0.8).unwrap(), e_value(2.0, 1.25, 2.5).unwrap());
        assert!((benefit.effect - harm.effect).abs() < 1e-12 && (benefit.interval - harm.interval).abs() < 1e-12);
        assert!((harm.effect - (2.0 + 2.0f64.sqrt())).abs() < 1e-12);
        assert_eq!(e_value(1.2, 0.9, 1.6).unwrap().interval, 1.0);
        assert!(e_value(0.0, 0.0, 1.0).is_err());
    }

    #[test]
    fn a_difference_of_means_is_told_in_deviations() {
        let estimate = Estimate { effect: -1.0, standard_error: 0.1, rows: 100 };
        let found = EValue::of_difference(&estimate, 2.0).unwrap();
        let expected = e_value((0.455f64).exp(), (0.455f64 - 0.91 * Z_95 * 0.05).exp(), 3.0).unwrap();
        assert!((found.effect - expected.effect).abs() < 1e-12 && (found.interval - expected.interval).abs() < 1e-9);
        assert!(EValue::of_difference(&estimate, 0.0).is_err());
    }
}
