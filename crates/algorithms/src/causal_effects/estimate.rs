//! An effect with its uncertainty.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::multiple_testing::{Z_95, two_sided_p};

/// Over whom an effect is averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Estimand {
    /// All rows (ATE).
    #[default]
    All,
    /// The rows that got the treatment (ATT).
    Treated,
}

/// An average effect: the mean outcome with the treatment less that without it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The effect, in the outcome's unit.
    pub effect: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Rows it is the average over.
    pub rows: usize,
}

impl Estimate {
    /// Lower end of the 95 % interval.
    #[must_use]
    pub fn low(&self) -> f64 {
        self.effect - Z_95 * self.standard_error
    }

    /// Upper end of the 95 % interval.
    #[must_use]
    pub fn high(&self) -> f64 {
        self.effect + Z_95 * self.standard_error
    }

    /// Probability of so large an effect where there is none.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        if self.standard_error > 0.0 { two_sided_p(self.effect / self.standard_error) } else { 1.0 }
    }

    /// The mean of each row's part, its error from their scatter. Parts are the effect plus the influence function;
    /// `freedom` is how many parameters went into them. The sums of groups are what is independent, where there are any.
    pub(super) fn of_parts(parts: &[f64], group: Option<&[u64]>, freedom: usize) -> Self {
        let rows = parts.len() as f64;
        let effect = parts.iter().sum::<f64>() / rows;
        let (squares, count) = match group {
            None => (parts.iter().map(|part| (part - effect) * (part - effect)).sum::<f64>(), rows),
            Some(group) => {
                let mut sums: BTreeMap<u64, f64> = BTreeMap::new();
                parts.iter().zip(group).for_each(|(part, group)| *sums.entry(*group).or_insert(0.0) += part - effect);
                (sums.values().map(|sum| sum * sum).sum(), sums.len() as f64)
            }
        };
        let small_sample = count / (count - freedom as f64).max(1.0);
        Self { effect, standard_error: (small_sample * squares).sqrt() / rows, rows: parts.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_groups_is_less_certain() {
        let parts = [1.0, 1.0, 0.0, 0.0];
        let alone = Estimate::of_parts(&parts, None, 1);
        let grouped = Estimate::of_parts(&parts, Some(&[7, 7, 9, 9]), 1);
        assert_eq!((alone.effect, grouped.effect), (0.5, 0.5));
        assert!((alone.standard_error - (4.0f64 / 3.0).sqrt() / 4.0).abs() < 1e-12);
        assert!((grouped.standard_error - 2.0 / 4.0).abs() < 1e-12);
        assert!((alone.high() - alone.effect - (alone.effect - alone.low())).abs() < 1e-12);
    }

    #[test]
    fn two_errors_away_from_nothing_is_one_in_twenty() {
        let estimate = Estimate { effect: Z_95, standard_error: 1.0, rows: 10 };
        assert!((estimate.p_value() - 0.05).abs() < 1e-12 && estimate.low().abs() < 1e-12);
        assert_eq!(Estimate { standard_error: 0.0, ..estimate }.p_value(), 1.0);
    }
}
