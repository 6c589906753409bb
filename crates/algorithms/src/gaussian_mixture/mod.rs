//! Gaussian mixtures: rows as drawn from several normal distributions.

mod algorithm;
mod densities;
mod errors;
mod expectation;
mod fit;
mod hyperparams;
mod whitening;

pub use algorithm::GaussianMixture;
pub use errors::{GaussianMixtureError, GaussianMixtureParamsError};
pub use hyperparams::{CovarianceKind, GaussianMixtureParams, GaussianMixtureValidParams};
