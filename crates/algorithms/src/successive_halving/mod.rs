//! Successive halving: many candidates on little data, the best on more.

mod errors;
mod hyperparams;
mod search;

pub use errors::{SuccessiveHalvingError, SuccessiveHalvingParamsError};
pub use hyperparams::{SuccessiveHalvingParams, SuccessiveHalvingValidParams};
pub use search::{Discard, Evaluation, SuccessiveHalving};
