//! The miner's configuration section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::Invalid;
use souffleur_core::params::{Hyperparams, within};

use crate::bridge::mining::Settings;
use crate::bridge::mining::association::AssociationSettings;

/// Which associations are looked for, and when one counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Least share of all sessions that must have what foretells something, 0.001 to 1. It is raised, and the report says so,
    /// where more sets are that frequent than `itemsets_max`.
    pub support: f64,
    /// Most rules and circumstances that foretell something together, 1 to 5.
    pub length_max: usize,
    /// Most frequent sets kept in memory, 100 to 5000000.
    pub itemsets_max: u64,
    /// Fewest sessions with a pattern, and fewest without it, that it may rest on; 5 to 100000.
    pub support_minimum: usize,
    /// Share of wrong findings allowed among the patterns (false discovery rate), 0.001 to 0.5.
    pub fdr: f64,
    /// Most sessions that a pattern names as its evidence, the newest; 0 to 10000.
    pub rows_told: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self { support: 0.05, length_max: 3, itemsets_max: 50_000, support_minimum: 30, fdr: 0.05, rows_told: 100 }
    }
}

impl Params {
    pub(super) fn settings(&self) -> AssociationSettings {
        let Self { support, length_max, itemsets_max, support_minimum, fdr, rows_told } = *self;
        AssociationSettings { support, length_max, itemsets_max, judge: Settings { fdr, support_minimum, rows_told } }
    }
}

/// The section.
const NAME: &str = "association_miner";

impl Hyperparams for Params {
    type Checked = Params;

    fn check(self) -> Result<Params, Invalid> {
        within(NAME, "support", &self.support, 0.001, 1.0)?;
        within(NAME, "length_max", &self.length_max, 1, 5)?;
        within(NAME, "itemsets_max", &self.itemsets_max, 100, 5_000_000)?;
        self.settings().judge.check(NAME)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_is_told_its_range() {
        let error = Params { support: 0.0, ..Params::default() }.check().unwrap_err().to_string();
        assert_eq!(error, "components.association_miner.support: is 0; it must lie in [0.001, 1]");
        assert!(Params { fdr: f64::NAN, ..Params::default() }.check().is_err());
    }
}
