//! The discovery's configuration section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::Invalid;
use souffleur_core::params::{Hyperparams, within};

use super::merge::MergeSettings;
use crate::bridge::mining::Settings;

/// How much is put together, and when a pattern counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Most actions of each miner that are looked at under circumstances, the most frequent ones; 1 to 1000.
    pub actions_max: usize,
    /// Most circumstances of each miner that actions are looked at under, the most frequent ones; 0 to 200.
    pub circumstances_max: usize,
    /// Fewest sessions with a pattern, and fewest without it, that it may rest on; 5 to 100000.
    pub support_minimum: usize,
    /// Share of wrong findings allowed among the patterns (false discovery rate), 0.001 to 0.5.
    pub fdr: f64,
    /// Most sessions that a pattern names as its evidence, the newest; 0 to 10000.
    pub rows_told: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self { actions_max: 150, circumstances_max: 60, support_minimum: 30, fdr: 0.05, rows_told: 100 }
    }
}

impl Params {
    pub(super) fn settings(&self) -> MergeSettings {
        let Self { actions_max, circumstances_max, support_minimum, fdr, rows_told } = *self;
        MergeSettings { actions_max, circumstances_max, judge: Settings { fdr, support_minimum, rows_told } }
    }
}

/// The section.
const NAME: &str = "pattern_discovery";

impl Hyperparams for Params {
    type Checked = Params;

    fn check(self) -> Result<Params, Invalid> {
        within(NAME, "actions_max", &self.actions_max, 1, 1000)?;
        within(NAME, "circumstances_max", &self.circumstances_max, 0, 200)?;
        self.settings().judge.check(NAME)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_is_told_its_range() {
        let error = Params { actions_max: 0, ..Params::default() }.check().unwrap_err().to_string();
        assert_eq!(error, "components.pattern_discovery.actions_max: is 0; it must lie in [1, 1000]");
    }
}
