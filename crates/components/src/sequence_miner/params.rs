//! The miner's configuration section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::Invalid;
use souffleur_core::params::{Hyperparams, within};

use crate::bridge::mining::order::OrderSettings;
use crate::bridge::mining::{Settings, Within};

/// Which orders are looked for, and when one counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Least share of all sessions that must have an order, 0.001 to 1. It is raised, and the report says so, where more orders
    /// are that frequent than `sequences_max`.
    pub support: f64,
    /// Most rules of an order, 2 to 8.
    pub length_max: usize,
    /// Most other rules between two that follow each other in an order, 0 to 100; any number if absent. With a limit, orders
    /// that a longer one contains are looked at too.
    pub gap_max: Option<usize>,
    /// Most rules from the first to the last of an order, both counted, 2 to 100; any number if absent.
    pub span_max: Option<usize>,
    /// Most frequent orders kept in memory, 100 to 1000000.
    pub sequences_max: u64,
    /// Fewest sessions with an order, and fewest with another order of its rules, that a pattern may rest on; 5 to 100000.
    pub support_minimum: usize,
    /// Share of wrong findings allowed among the patterns (false discovery rate), 0.001 to 0.5.
    pub fdr: f64,
    /// Most sessions that a pattern names as its evidence, the newest; 0 to 10000.
    pub rows_told: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            support: 0.03,
            length_max: 4,
            gap_max: None,
            span_max: None,
            sequences_max: 5_000,
            support_minimum: 30,
            fdr: 0.05,
            rows_told: 100,
        }
    }
}

impl Params {
    pub(super) fn settings(&self) -> OrderSettings {
        let Self { support, length_max, gap_max, span_max, sequences_max, support_minimum, fdr, rows_told } = *self;
        OrderSettings {
            support,
            length_max,
            within: Within { gap_max, span_max },
            sequences_max,
            judge: Settings { fdr, support_minimum, rows_told },
        }
    }
}

/// The section.
const NAME: &str = "sequence_miner";

impl Hyperparams for Params {
    type Checked = Params;

    fn check(self) -> Result<Params, Invalid> {
        within(NAME, "support", &self.support, 0.001, 1.0)?;
        within(NAME, "length_max", &self.length_max, 2, 8)?;
        within(NAME, "gap_max", &self.gap_max.unwrap_or(0), 0, 100)?;
        within(NAME, "span_max", &self.span_max.unwrap_or(2), 2, 100)?;
        within(NAME, "sequences_max", &self.sequences_max, 100, 1_000_000)?;
        self.settings().judge.check(NAME)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_is_told_its_range() {
        let error = Params { span_max: Some(1), ..Params::default() }.check().unwrap_err().to_string();
        assert_eq!(error, "components.sequence_miner.span_max: is 1; it must lie in [2, 100]");
    }
}
