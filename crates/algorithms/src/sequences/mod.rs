//! Frequent sequences: what often follows what, not necessarily at once.

mod algorithm;
mod closed;
mod followers;
mod hyperparams;
mod prefix_span;
mod projected;
mod windows;

pub use algorithm::{FrequentSequences, SequencePattern, Sequences};
pub use hyperparams::{SequencesParams, SequencesValidParams};
