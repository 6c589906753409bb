//! The best clustering of some rows: which reduction, which algorithm, which settings.

mod candidate;
mod errors;
mod evaluation;
mod hyperparams;
mod model;
mod search;
mod view;

pub use candidate::{Candidate, Method, Reduction};
pub use errors::{ClusteringSearchError, ClusteringSearchParamsError};
pub use evaluation::Evaluation;
pub use hyperparams::{ClusteringSearchParams, ClusteringSearchValidParams};
pub use model::ClusteringModel;
pub use search::ClusteringSearch;
