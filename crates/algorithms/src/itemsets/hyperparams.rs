//! Hyperparameters of the search for frequent itemsets.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use crate::patterns::{LENGTH_MAX, MinSupport, PatternsParamsError, check_limits};

/// Which frequent itemsets are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ItemsetTarget {
    /// Every one.
    #[default]
    All,
    /// Those that no further item is always with: no larger set has the same support. From them the support of every
    /// frequent set follows (Pasquier et al. 1999).
    Closed,
    /// Those that no further item can join: no larger set is frequent. They say which sets are frequent, not how frequent.
    Maximal,
}

/// How frequent itemsets are found. The result, its order included, is the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ItemsetAlgorithm {
    /// What is likely the fastest, by the number of frequent items and how often they occur.
    #[default]
    Automatic,
    /// A prefix tree of the transactions (Han et al. 2000); only for [`ItemsetTarget::All`].
    FpGrowth,
    /// The transactions of each item as bits (Zaki 2000).
    Eclat,
}

/// Checked hyperparameters of [`FrequentItemsets`](super::FrequentItemsets); made by [`ItemsetsParams`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ItemsetsValidParams {
    min_support: MinSupport,
    target: ItemsetTarget,
    algorithm: ItemsetAlgorithm,
    max_length: usize,
    max_patterns: u64,
}

impl ItemsetsValidParams {
    /// Transactions that must hold a set.
    pub fn min_support(&self) -> MinSupport {
        self.min_support
    }
    /// Which frequent sets are wanted.
    pub fn target(&self) -> ItemsetTarget {
        self.target
    }
    /// How they are found.
    pub fn algorithm(&self) -> ItemsetAlgorithm {
        self.algorithm
    }
    /// Most items of a set.
    pub fn max_length(&self) -> usize {
        self.max_length
    }
    /// Most sets reported.
    pub fn max_patterns(&self) -> u64 {
        self.max_patterns
    }
}

/// Unchecked hyperparameters: all sets, of up to 1,000 items, up to 10 million of them, by the algorithm that is likely
/// the fastest, unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ItemsetsParams(ItemsetsValidParams);

impl ItemsetsParams {
    /// The defaults, for this support.
    pub fn new(min_support: MinSupport) -> Self {
        Self(ItemsetsValidParams {
            min_support,
            target: ItemsetTarget::All,
            algorithm: ItemsetAlgorithm::Automatic,
            max_length: LENGTH_MAX,
            max_patterns: 10_000_000,
        })
    }
    /// Which frequent sets are wanted.
    #[must_use]
    pub fn target(mut self, target: ItemsetTarget) -> Self {
        self.0.target = target;
        self
    }
    /// How they are found. FP-growth cannot tell closed and maximal sets.
    #[must_use]
    pub fn algorithm(mut self, algorithm: ItemsetAlgorithm) -> Self {
        self.0.algorithm = algorithm;
        self
    }
    /// Most items of a set, 1 to 1,000. Longer sets are not reported; whether a set is closed or maximal is still
    /// decided against all of them.
    #[must_use]
    pub fn max_length(mut self, max_length: usize) -> Self {
        self.0.max_length = max_length;
        self
    }
    /// Most sets reported, 1 or more: after them the search ends.
    #[must_use]
    pub fn max_patterns(mut self, max_patterns: u64) -> Self {
        self.0.max_patterns = max_patterns;
        self
    }
}

impl ParamGuard for ItemsetsParams {
    type Checked = ItemsetsValidParams;
    type Error = PatternsParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        check_limits(params.min_support, params.max_patterns, ("max_length", params.max_length, 1))?;
        if params.algorithm == ItemsetAlgorithm::FpGrowth && params.target != ItemsetTarget::All {
            return Err(PatternsParamsError::FpGrowthTarget);
        }
        Ok(params)
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_are_refused_by_name() {
        let new = || ItemsetsParams::new(MinSupport::Share(0.1));
        let error = |params: ItemsetsParams| params.check().unwrap_err().to_string();
        assert!(new().check().is_ok());
        assert!(error(ItemsetsParams::new(MinSupport::Share(0.0))).starts_with("min_support is a share of 0"));
        assert!(error(new().max_length(0)).starts_with("max_length is 0"));
        assert!(error(new().max_patterns(0)).starts_with("max_patterns is 0"));
        let fp_growth = new().algorithm(ItemsetAlgorithm::FpGrowth);
        assert!(fp_growth.check().is_ok());
        assert!(error(fp_growth.target(ItemsetTarget::Closed)).starts_with("FP-growth finds all"));
    }
}
