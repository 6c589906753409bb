//! A picture of many columns in few that keeps neighbours together: UMAP.

mod algorithm;
mod curve;
mod errors;
mod fuzzy;
mod hyperparams;
mod layout;
mod place;
mod start;

pub use algorithm::Umap;
pub use errors::{UmapError, UmapParamsError};
pub use hyperparams::{Start, UmapParams, UmapValidParams};
