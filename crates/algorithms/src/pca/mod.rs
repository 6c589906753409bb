//! Principal components: the directions in which rows vary most.

mod algorithm;
mod covariance;
mod errors;
mod hyperparams;
mod incremental;
mod randomized;

pub use algorithm::Pca;
pub use errors::{PcaError, PcaParamsError};
pub use hyperparams::{Keep, PcaParams, PcaValidParams, Solver};
pub use incremental::IncrementalPca;
