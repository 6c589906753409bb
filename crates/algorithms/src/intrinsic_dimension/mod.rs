//! Intrinsic dimension: how many directions rows really vary in, near any one of them.

mod distinct;
mod errors;
mod estimate;
mod hyperparams;

pub use errors::{IntrinsicDimensionError, IntrinsicDimensionParamsError};
pub use estimate::IntrinsicDimension;
pub use hyperparams::{IntrinsicDimensionParams, IntrinsicDimensionValidParams, Method};
