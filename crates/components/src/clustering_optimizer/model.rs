//! What the optimiser learnt.

use serde::{Deserialize, Serialize};
use souffleur_algorithms::clustering_search::{Candidate, ClusteringModel};

use super::patterns::Known;
use crate::bridge::space::Space;

/// The winning clustering, and the patterns that hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The settings that won.
    pub(super) candidate: Candidate,
    /// The space it lies in.
    pub(super) space: Space,
    /// Places new sessions.
    pub(super) clustering: ClusteringModel,
    /// What is known of each cluster, by label.
    pub(super) clusters: Vec<Cluster>,
    /// The patterns, the surest first.
    pub(super) patterns: Vec<Known>,
}

/// What is known of a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cluster {
    pub(super) description: String,
    /// Share of all sessions.
    pub(super) share: f64,
}

impl Model {
    /// Whether its parts fit together; a model that was read back must be looked at first.
    pub(super) fn is_sound(&self) -> bool {
        self.clustering.columns() == self.space.columns()
    }
}
