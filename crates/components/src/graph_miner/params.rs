//! The miner's configuration section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::Invalid;
use souffleur_core::params::{Hyperparams, within};

use crate::bridge::mining::Settings;
use crate::bridge::mining::structure::StructureSettings;

/// Which structures are looked for, and when one counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Fewest sessions that must have a structure, 2 to 1000000. It is raised, and the report says so, where more structures
    /// are that frequent than `structures_max`.
    pub frequency: u32,
    /// Most vertices of a structure, 2 to 6: the prompt, its traits, the rules applied.
    pub vertices_max: usize,
    /// Most frequent structures kept in memory, 100 to 1000000.
    pub structures_max: u64,
    /// Most sessions that are mined for structures, evenly taken from all; 100 to 10000000. They are judged on all.
    pub graphs_max: usize,
    /// Fewest sessions with a structure, and fewest with its rules arranged otherwise, that a pattern may rest on; 5 to 100000.
    pub support_minimum: usize,
    /// Share of wrong findings allowed among the patterns (false discovery rate), 0.001 to 0.5.
    pub fdr: f64,
    /// Most sessions that a pattern names as its evidence, the newest; 0 to 10000.
    pub rows_told: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            frequency: 10,
            vertices_max: 4,
            structures_max: 20_000,
            graphs_max: 10_000,
            support_minimum: 30,
            fdr: 0.05,
            rows_told: 100,
        }
    }
}

impl Params {
    pub(super) fn settings(&self) -> StructureSettings {
        let Self { frequency, vertices_max, structures_max, graphs_max, support_minimum, fdr, rows_told } = *self;
        let judge = Settings { fdr, support_minimum, rows_told };
        StructureSettings { frequency, vertices_max, structures_max, graphs_max, judge }
    }
}

/// The section.
const NAME: &str = "graph_miner";

impl Hyperparams for Params {
    type Checked = Params;

    fn check(self) -> Result<Params, Invalid> {
        within(NAME, "frequency", &self.frequency, 2, 1_000_000)?;
        within(NAME, "vertices_max", &self.vertices_max, 2, 6)?;
        within(NAME, "structures_max", &self.structures_max, 100, 1_000_000)?;
        within(NAME, "graphs_max", &self.graphs_max, 100, 10_000_000)?;
        self.settings().judge.check(NAME)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_is_told_its_range() {
        let error = Params { vertices_max: 1, ..Params::default() }.check().unwrap_err().to_string();
        assert_eq!(error, "components.graph_miner.vertices_max: is 1; it must lie in [2, 6]");
    }
}
