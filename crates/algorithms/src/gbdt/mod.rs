//! Gradient-boosted decision trees, for a yes/no outcome and for a number.

mod algorithm;
mod bins;
mod errors;
mod grow;
mod histogram;
mod hyperparams;
mod regressor;

pub use algorithm::GradientBoosting;
pub use errors::{GradientBoostingError, GradientBoostingParamsError};
pub use hyperparams::{GradientBoostingParams, GradientBoostingValidParams};
pub use regressor::GradientBoostingRegressor;
