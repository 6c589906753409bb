//! The reducer's configuration section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::Invalid;
use souffleur_core::params::{Hyperparams, within};

/// What a reduction must keep, and when it is made anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Most different sessions that reductions are learnt from and judged on, evenly taken from all; 100 to 20000.
    pub rows_max: usize,
    /// Most sessions with a known outcome that the loss downstream is measured on, 100 to 100000.
    pub downstream_rows_max: usize,
    /// Share of the features' variance that must come back from the coordinates of unseen sessions, 0.5 to 0.999.
    pub information_minimum: f64,
    /// By what share the loss of a model on the coordinates may be above that on all features, 0 to 1.
    pub loss_tolerance: f64,
    /// Share of the work of training such a model that the coordinates must save, 0 to 0.99.
    pub work_saved_minimum: f64,
    /// Neighbours whose neighbourhoods are compared, 2 to 50.
    pub neighbors: usize,
    /// Hidden units of the autoencoder on either side of its code, 1 to 256.
    pub hidden: usize,
    /// Most passes over the rows, of the autoencoder and of UMAP; 1 to 1000.
    pub epochs: usize,
    /// How much less than the minimum new sessions may keep before the reduction is made anew, 0 to 0.5.
    pub information_slack: f64,
    /// The reduction is made anew if new sessions spread over more or fewer dimensions than old ones by this much,
    /// and by three standard errors at least; 0.5 to 31.
    pub dimension_slack: f64,
    /// All is chosen again when the history has grown by this factor since, 1.1 to 100.
    pub growth: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            rows_max: 1500,
            downstream_rows_max: 3000,
            information_minimum: 0.96,
            loss_tolerance: 0.005,
            work_saved_minimum: 0.3,
            neighbors: 10,
            hidden: 24,
            epochs: 60,
            information_slack: 0.02,
            dimension_slack: 1.5,
            growth: 2.0,
        }
    }
}

/// The section.
const NAME: &str = "dimensionality_reducer";

impl Hyperparams for Params {
    type Checked = Params;

    fn check(self) -> Result<Params, Invalid> {
        within(NAME, "rows_max", &self.rows_max, 100, 20_000)?;
        within(NAME, "downstream_rows_max", &self.downstream_rows_max, 100, 100_000)?;
        within(NAME, "information_minimum", &self.information_minimum, 0.5, 0.999)?;
        within(NAME, "loss_tolerance", &self.loss_tolerance, 0.0, 1.0)?;
        within(NAME, "work_saved_minimum", &self.work_saved_minimum, 0.0, 0.99)?;
        within(NAME, "neighbors", &self.neighbors, 2, 50)?;
        within(NAME, "hidden", &self.hidden, 1, 256)?;
        within(NAME, "epochs", &self.epochs, 1, 1000)?;
        within(NAME, "information_slack", &self.information_slack, 0.0, 0.5)?;
        within(NAME, "dimension_slack", &self.dimension_slack, 0.5, 31.0)?;
        within(NAME, "growth", &self.growth, 1.1, 100.0)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_is_told_its_range() {
        let error = Params { growth: f64::NAN, ..Params::default() }.check().unwrap_err().to_string();
        assert_eq!(error, "components.dimensionality_reducer.growth: is NaN; it must lie in [1.1, 100]");
        assert!(Params { neighbors: 1, ..Params::default() }.check().is_err());
        assert!(Params::default().check().is_ok());
    }
}
