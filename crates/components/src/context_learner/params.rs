//! The learner's configuration section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::Invalid;
use souffleur_core::params::{Hyperparams, within};

use crate::bridge::space::{Space, Weights};

/// How contexts are found and kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// What another project type, or another domain, counts for: a squared distance, 0 to 10.
    pub category_weight: f64,
    /// What the whole range of the complexity counts for, 0 to 10.
    pub complexity_weight: f64,
    /// What the whole range of the team size counts for, 0 to 10.
    pub team_size_weight: f64,
    /// What the whole range of a linguistic feature counts for, 0 to 10.
    pub linguistic_weight: f64,
    /// What it counts for whether a prompt shows an example, 0 to 10. Yes and no lie a whole range apart: any weight to speak
    /// of splits every context in two.
    pub examples_weight: f64,
    /// Fewest distinct rows of a context, 5 to 10000.
    pub min_context_rows: usize,
    /// Most distinct rows that are clustered, evenly taken from all; the others are attached. 100 to 200000.
    pub clustered_rows_max: usize,
    /// Rows between contexts are attached to the nearest one if they are at most this many times as far from it as its
    /// own rows are from each other, 0 to 10.
    pub attach_factor: f64,
    /// Resamples that the stability of the contexts is judged by, 2 to 200.
    pub resamples: usize,
    /// Share of new rows in no context, beyond what was usual, from which all are clustered again, 0.01 to 1.
    pub drift_unknown_share: f64,
    /// Population stability index of the contexts among new rows from which all are clustered again, 0.01 to 10.
    pub drift_psi: f64,
    /// Growth of the history since it was last clustered from which it is clustered again, 0.01 to 100.
    pub drift_growth: f64,
    /// Share of wrong findings allowed among the rules said to work or to harm (false discovery rate), 0.001 to 0.5.
    pub fdr: f64,
    /// Fewest uses of a rule in a context before anything is said about it, 5 to 10000.
    pub min_uses: usize,
}

impl Default for Params {
    fn default() -> Self {
        let weights = Weights::default();
        Self {
            category_weight: weights.category,
            complexity_weight: weights.complexity,
            team_size_weight: weights.team_size,
            linguistic_weight: weights.linguistic,
            examples_weight: weights.examples,
            min_context_rows: 20,
            clustered_rows_max: 20_000,
            attach_factor: 1.5,
            resamples: 20,
            drift_unknown_share: 0.2,
            drift_psi: 0.25,
            drift_growth: 0.5,
            fdr: 0.05,
            min_uses: 10,
        }
    }
}

impl Params {
    /// The space they ask for.
    pub(super) fn space(&self) -> Space {
        Space::of(Weights {
            category: self.category_weight,
            complexity: self.complexity_weight,
            team_size: self.team_size_weight,
            linguistic: self.linguistic_weight,
            examples: self.examples_weight,
        })
    }
}

/// The section.
const NAME: &str = "context_learner";

impl Hyperparams for Params {
    type Checked = Params;

    fn check(self) -> Result<Params, Invalid> {
        within(NAME, "category_weight", &self.category_weight, 0.0, 10.0)?;
        within(NAME, "complexity_weight", &self.complexity_weight, 0.0, 10.0)?;
        within(NAME, "team_size_weight", &self.team_size_weight, 0.0, 10.0)?;
        within(NAME, "linguistic_weight", &self.linguistic_weight, 0.0, 10.0)?;
        within(NAME, "examples_weight", &self.examples_weight, 0.0, 10.0)?;
        within(NAME, "min_context_rows", &self.min_context_rows, 5, 10_000)?;
        within(NAME, "clustered_rows_max", &self.clustered_rows_max, 100, 200_000)?;
        within(NAME, "attach_factor", &self.attach_factor, 0.0, 10.0)?;
        within(NAME, "resamples", &self.resamples, 2, 200)?;
        within(NAME, "drift_unknown_share", &self.drift_unknown_share, 0.01, 1.0)?;
        within(NAME, "drift_psi", &self.drift_psi, 0.01, 10.0)?;
        within(NAME, "drift_growth", &self.drift_growth, 0.01, 100.0)?;
        within(NAME, "fdr", &self.fdr, 0.001, 0.5)?;
        within(NAME, "min_uses", &self.min_uses, 5, 10_000)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_is_told_its_range() {
        let error = Params { fdr: f64::NAN, ..Params::default() }.check().unwrap_err().to_string();
        assert_eq!(error, "components.context_learner.fdr: is NaN; it must lie in [0.001, 0.5]");
        assert!(Params { resamples: 1, ..Params::default() }.check().is_err());
        assert!(Params::default().check().is_ok());
    }
}
