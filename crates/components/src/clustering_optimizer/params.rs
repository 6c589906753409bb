//! The optimiser's configuration section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::Invalid;
use souffleur_core::params::{Hyperparams, within};

/// How the best clustering is looked for, and when a pattern counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Most different sessions that are searched, evenly taken from all; 100 to 20000. Time grows with its square.
    pub rows_max: usize,
    /// Most clusters tried where their number is a setting, 2 to 50.
    pub clusters_max: usize,
    /// Resamples that the stability of a clustering is judged by, 2 to 100.
    pub resamples: usize,
    /// What the silhouette counts for in the score, 0 to 100; only the ratios of the three matter. With equal weights, validity
    /// and stability now and then merge two groups that are apart.
    pub silhouette_weight: f64,
    /// What density-based validity counts for, 0 to 100.
    pub dbcv_weight: f64,
    /// What stability counts for, 0 to 100.
    pub stability_weight: f64,
    /// Fewest sessions with a rule, and fewest without it, that a pattern may rest on; 5 to 100000.
    pub support_minimum: usize,
    /// Share of wrong findings allowed among the patterns (false discovery rate), 0.001 to 0.5.
    pub fdr: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            rows_max: 1500,
            clusters_max: 15,
            resamples: 9,
            silhouette_weight: 2.0,
            dbcv_weight: 1.0,
            stability_weight: 1.0,
            support_minimum: 30,
            fdr: 0.05,
        }
    }
}

/// The section.
const NAME: &str = "clustering_optimizer";

impl Hyperparams for Params {
    type Checked = Params;

    fn check(self) -> Result<Params, Invalid> {
        within(NAME, "rows_max", &self.rows_max, 100, 20_000)?;
        within(NAME, "clusters_max", &self.clusters_max, 2, 50)?;
        within(NAME, "resamples", &self.resamples, 2, 100)?;
        within(NAME, "silhouette_weight", &self.silhouette_weight, 0.0, 100.0)?;
        within(NAME, "dbcv_weight", &self.dbcv_weight, 0.0, 100.0)?;
        within(NAME, "stability_weight", &self.stability_weight, 0.0, 100.0)?;
        within(NAME, "support_minimum", &self.support_minimum, 5, 100_000)?;
        within(NAME, "fdr", &self.fdr, 0.001, 0.5)?;
        if self.silhouette_weight + self.dbcv_weight + self.stability_weight <= 0.0 {
            let at = format!("components.{NAME}.silhouette_weight");
            return Err(Invalid::new(at, "all three weights are 0", "give one of them a weight above 0"));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_is_told_its_range() {
        let error = Params { fdr: f64::NAN, ..Params::default() }.check().unwrap_err().to_string();
        assert_eq!(error, "components.clustering_optimizer.fdr: is NaN; it must lie in [0.001, 0.5]");
        let nothing = Params { silhouette_weight: 0.0, dbcv_weight: 0.0, stability_weight: 0.0, ..Params::default() };
        assert!(nothing.check().unwrap_err().to_string().contains("all three weights are 0"));
    }
}
