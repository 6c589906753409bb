//! The loader: the history in memory, and batches from it for everyone who asks.
//!
//! [`LoaderActor`] decides; the engine behind it reads the store's new rows into a columnar image and turns queries
//! into batches, on a compute slot of its own. Batches are shared: all who ask the same of the same data version are
//! handed the same one. The image and the batches kept stay within one memory limit.

mod actor;
mod cache;
mod engine;
mod error;
mod execute;
#[cfg(test)]
mod fixture;
mod image;
mod leases;
mod memory;
mod messages;
mod quality;
mod settings;
mod waiting;
mod warm;
mod work;

pub use actor::LoaderActor;
pub use error::LoaderError;
pub use image::BadDelta;
pub use leases::{BatchLease, LeaseLimits, Leases};
pub use messages::{
    Acknowledge, AddFeedbackData, DataChanged, DrainLoader, FrequentlyAccessed, GetLoaderStatus, GetTrainingBatch,
    Lease, Leased, LoaderStatus, ModelTrainingData, SubmitResults,
};
pub use quality::{STALE_AFTER_US, WEIGHTS, Weights};
pub use settings::LoaderSettings;
pub use warm::WarmBatches;
