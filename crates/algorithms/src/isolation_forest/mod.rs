//! Isolation forest: how easily random cuts separate a row from the others.

mod algorithm;
mod contributions;
mod draws;
mod errors;
mod grow;
mod hyperparams;
mod layout;

pub use algorithm::IsolationForest;
pub use contributions::Contributions;
pub(crate) use draws::RandomState;
pub use errors::{IsolationForestError, IsolationForestParamsError};
pub use hyperparams::{IsolationForestParams, IsolationForestValidParams};
