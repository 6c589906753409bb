//! Like compared with like: sessions with something against sessions without it that had the same prospects.

mod circumstance;
mod layout;

use souffleur_core::batch::TrainingBatch;

pub(crate) use circumstance::Circumstance;
pub(crate) use layout::{Bits, Layout};

/// Sessions whose outcome is known.
pub(crate) struct Outcomes {
    /// Their rows of the batch.
    pub(crate) rows: Vec<usize>,
    /// Whether each succeeded.
    pub(crate) success: Vec<bool>,
}

impl Outcomes {
    pub(crate) fn of(batch: &TrainingBatch) -> Self {
        let known = (0..batch.len()).filter_map(|row| Some((row, !batch.outcomes.failed(row)?)));
        let (rows, success) = known.unzip();
        Self { rows, success }
    }
}
