//! Gradient-boosted decision trees for a yes/no outcome.

mod algorithm;
mod bins;
mod errors;
mod grow;
mod histogram;
mod hyperparams;

pub use algorithm::GradientBoosting;
pub use errors::{GradientBoostingError, GradientBoostingParamsError};
pub use hyperparams::{GradientBoostingParams, GradientBoostingValidParams};
