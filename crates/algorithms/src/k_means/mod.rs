//! k-means: clusters as the rows nearest to each of `k` centroids.

mod algorithm;
mod bounds;
mod errors;
mod hyperparams;
mod lloyd;
mod plus_plus;
mod strips;

pub use algorithm::{KMeans, KMeansFit};
pub use errors::{KMeansError, KMeansParamsError};
pub use hyperparams::{KMeansParams, KMeansValidParams};
