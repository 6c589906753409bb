//! What the reducer learnt.

use serde::{Deserialize, Serialize};
use souffleur_algorithms::intrinsic_dimension::IntrinsicDimension;
use souffleur_algorithms::pca::IncrementalPca;
use souffleur_core::features::WIDTH;
use souffleur_core::ids::Seq;

use super::reducer::Reducer;
use super::report::{Axis, CandidateReport, Change};

/// The reduction, and what it takes to follow new sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub(super) reducer: Reducer,
    /// How it was judged when it was chosen.
    pub(super) chosen: CandidateReport,
    /// All that were judged then.
    pub(super) candidates: Vec<CandidateReport>,
    /// Loss on all features then.
    pub(super) loss_of_all: Option<f64>,
    /// Sessions that loss was measured on.
    pub(super) downstream_sessions: usize,
    pub(super) axes: Vec<Axis>,
    /// Mean and products of all sessions seen, from which principal components follow at any time.
    pub(super) seen: IncrementalPca,
    /// Dimensions the sessions learnt from spread over.
    pub(super) dimension: Option<IntrinsicDimension>,
    /// Squared difference that one in a hundred of the sessions learnt from loses or more.
    pub(super) usual_loss: f64,
    /// Sessions when all was last chosen.
    pub(super) sessions_at_choice: usize,
    /// The last session seen.
    pub(super) watermark: Seq,
    /// When and why the reduction changed, the newest last.
    pub(super) changes: Vec<Change>,
}

impl Model {
    /// Whether its parts fit together; a model that was read back must be looked at first.
    pub(super) fn is_sound(&self) -> bool {
        self.reducer.is_sound() && self.seen.columns() == WIDTH
    }
}
