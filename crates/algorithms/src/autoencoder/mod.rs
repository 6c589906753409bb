//! A small network that makes few numbers of many and many of few again.

mod adam;
mod algorithm;
mod errors;
mod hyperparams;
mod network;

pub use algorithm::Autoencoder;
pub use errors::{AutoencoderError, AutoencoderParamsError};
pub use hyperparams::{AutoencoderParams, AutoencoderValidParams};
