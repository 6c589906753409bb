//! The blocks of the image's tables: columns of a fixed length.

use std::sync::Arc;

use ndarray::{ArcArray2, s};
use souffleur_core::features::WIDTH;

use super::table::Block;
use crate::loader::memory::Ticket;

/// Marks a row whose session is no longer in the image.
pub(crate) const FORGOTTEN: u32 = u32::MAX;

/// Where a block's features lie.
#[derive(Debug)]
enum Features {
    /// In the block itself.
    Own(Vec<f32>),
    /// In a matrix that batches share: these rows of it.
    Shared(ArcArray2<f32>),
}

/// A stretch of sessions.
#[derive(Debug)]
pub(crate) struct SessionBlock {
    pub(crate) seq: Vec<i64>,
    pub(crate) event_time_us: Vec<i64>,
    pub(crate) known_time_us: Vec<i64>,
    pub(crate) quality_score: Vec<f32>,
    pub(crate) improvement_score: Vec<f32>,
    pub(crate) synthetic: Vec<bool>,
    features: Features,
    _columns: Ticket,
    _features: Arc<Ticket>,
}

const FEATURE_BYTES: usize = WIDTH * size_of::<f32>();

impl Block for SessionBlock {
    const ROWS: usize = 1024;
    const ROW_BYTES: usize = 3 * size_of::<i64>() + 2 * size_of::<f32>() + 1 + FEATURE_BYTES;

    fn empty(mut ticket: Ticket) -> Self {
        Self {
            seq: Vec::with_capacity(Self::ROWS),
            event_time_us: Vec::with_capacity(Self::ROWS),
            known_time_us: Vec::with_capacity(Self::ROWS),
            quality_score: Vec::with_capacity(Self::ROWS),
            improvement_score: Vec::with_capacity(Self::ROWS),
            synthetic: Vec::with_capacity(Self::ROWS),
            features: Features::Own(Vec::with_capacity(Self::ROWS * WIDTH)),
            _features: Arc::new(ticket.split(Self::ROWS * FEATURE_BYTES)),
            _columns: ticket,
        }
    }

    fn seqs(&self) -> &[i64] {
        &self.seq
    }
}

impl SessionBlock {
    /// The features of all rows, row after row.
    pub(crate) fn features(&self) -> &[f32] {
        match &self.features {
            Features::Own(values) => values,
            Features::Shared(rows) => rows.as_slice().unwrap_or_default(),
        }
    }

    /// Adds one row of features. Only a block that is not full is added to, and such a block owns its features.
    pub(crate) fn push_features(&mut self, row: &[f32]) {
        if let Features::Own(values) = &mut self.features {
            values.extend_from_slice(row);
        }
    }

    /// Gives up its own features for the equal rows from `start` on of a matrix that batches share.
    pub(crate) fn share(&mut self, matrix: &ArcArray2<f32>, start: usize, ticket: &Arc<Ticket>) {
        if self.seq.len() == Self::ROWS {
            self.features = Features::Shared(matrix.clone().slice_move(s![start..start + Self::ROWS, ..]));
            self._features = Arc::clone(ticket);
        }
    }
}

/// A stretch of rule applications.
#[derive(Debug)]
pub(crate) struct ApplicationBlock {
    pub(crate) seq: Vec<i64>,
    /// Number of the session's row, or [`FORGOTTEN`].
    pub(crate) session: Vec<u32>,
    /// Number of the rule in the image's dictionary.
    pub(crate) rule: Vec<u32>,
    pub(crate) event_time_us: Vec<i64>,
    pub(crate) known_time_us: Vec<i64>,
    pub(crate) improvement_score: Vec<f32>,
    pub(crate) confidence: Vec<f32>,
    pub(crate) execution_time_ms: Vec<f32>,
    pub(crate) propensity: Vec<f32>,
    _columns: Ticket,
}

impl Block for ApplicationBlock {
    const ROWS: usize = 2048;
    const ROW_BYTES: usize = 3 * size_of::<i64>() + 2 * size_of::<u32>() + 4 * size_of::<f32>();

    fn empty(ticket: Ticket) -> Self {
        Self {
            seq: Vec::with_capacity(Self::ROWS),
            session: Vec::with_capacity(Self::ROWS),
            rule: Vec::with_capacity(Self::ROWS),
            event_time_us: Vec::with_capacity(Self::ROWS),
            known_time_us: Vec::with_capacity(Self::ROWS),
            improvement_score: Vec::with_capacity(Self::ROWS),
            confidence: Vec::with_capacity(Self::ROWS),
            execution_time_ms: Vec::with_capacity(Self::ROWS),
            propensity: Vec::with_capacity(Self::ROWS),
            _columns: ticket,
        }
    }

    fn seqs(&self) -> &[i64] {
        &self.seq
    }
}

/// A stretch of feedback.
#[derive(Debug)]
pub(crate) struct FeedbackBlock {
    pub(crate) seq: Vec<i64>,
    /// Number of the session's row, or [`FORGOTTEN`].
    pub(crate) session: Vec<u32>,
    pub(crate) event_time_us: Vec<i64>,
    pub(crate) known_time_us: Vec<i64>,
    pub(crate) rating: Vec<u8>,
    _columns: Ticket,
}

impl Block for FeedbackBlock {
    const ROWS: usize = 2048;
    const ROW_BYTES: usize = 3 * size_of::<i64>() + size_of::<u32>() + 1;

    fn empty(ticket: Ticket) -> Self {
        Self {
            seq: Vec::with_capacity(Self::ROWS),
            session: Vec::with_capacity(Self::ROWS),
            event_time_us: Vec::with_capacity(Self::ROWS),
            known_time_us: Vec::with_capacity(Self::ROWS),
            rating: Vec::with_capacity(Self::ROWS),
            _columns: ticket,
        }
    }

    fn seqs(&self) -> &[i64] {
        &self.seq
    }
}
