//! The loader: the history in memory, and batches from it for everyone who asks.

mod cache;
mod engine;
mod error;
mod execute;
mod image;
mod leases;
mod memory;
mod messages;
mod quality;

pub use error::LoaderError;
pub use image::BadDelta;
pub use leases::{BatchLease, LeaseLimits, Leases};
pub use messages::{
    Acknowledge, AddFeedbackData, DataChanged, DrainLoader, FrequentlyAccessed, GetLoaderStatus, GetTrainingBatch,
    Lease, Leased, LoaderStatus, ModelTrainingData, SubmitResults,
};
pub use quality::{STALE_AFTER_US, WEIGHTS, Weights};
