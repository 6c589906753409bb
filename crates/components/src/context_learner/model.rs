//! What is kept of the contexts.

use serde::{Deserialize, Serialize};
use souffleur_core::ids::Seq;

use super::clusters::Clusters;
use super::preference::Preference;
use super::search::Choice;
use crate::bridge::space::Space;
use crate::bridge::contrast::Trait;

/// The trained learner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The space they lie in.
    pub(super) space: Space,
    /// The clusters behind the contexts.
    pub(super) clusters: Clusters,
    /// How they were found.
    pub(super) choice: Choice,
    /// What is known of each, by cluster.
    pub(super) contexts: Vec<Context>,
    /// The number the next new context gets.
    pub(super) next_id: u32,
    /// The newest row of the batch it was trained on.
    pub(super) watermark: Seq,
    /// Rows there were when all were clustered last.
    pub(super) rows_clustered: usize,
    /// Share of these that belonged to no context.
    pub(super) unknown_share: f64,
    /// Stability under the bootstrap, silhouette and the like, as they were when all were clustered last.
    pub(super) quality: Quality,
}

/// How good the contexts are, from when all were clustered last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Quality {
    /// Mean silhouette of the distinct rows in contexts; nothing for one context.
    pub(super) silhouette: Option<f64>,
    /// Mean adjusted Rand index of resamples with the contexts.
    pub(super) bootstrap_ari: f64,
    /// Share of distinct rows in no context.
    pub(super) noise_share: f64,
    /// Of each context the mean Jaccard index with what resamples found.
    pub(super) stability: Vec<f64>,
}

/// A kind of sessions that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Context {
    /// Its number, which it keeps from run to run.
    pub(super) id: u32,
    /// What it is, in words.
    pub(super) description: String,
    /// What sets it apart, the strongest first.
    pub(super) traits: Vec<Trait>,
    /// Sessions in it.
    pub(super) sessions: usize,
    /// Share of all sessions.
    pub(super) share: f64,
    /// Sessions in it in the last 24 hours before the newest one.
    pub(super) recent: usize,
    /// Sessions in it whose outcome is known, and those of them that failed.
    pub(super) known: usize,
    pub(super) failed: usize,
    /// What is known of the rules in it, the best first.
    pub(super) preferences: Vec<Preference>,
}

impl Context {
    /// A context of which nothing is known but its number.
    pub(super) fn new(id: u32) -> Self {
        Self {
            id,
            description: String::new(),
            traits: Vec::new(),
            sessions: 0,
            share: 0.0,
            recent: 0,
            known: 0,
            failed: 0,
            preferences: Vec::new(),
        }
    }
}

impl Model {
    /// Whether its parts fit together; a model that was read back must be looked at first.
    pub(super) fn is_sound(&self) -> bool {
        let clusters = self.clusters.len();
        self.clusters.is_sound(self.space.columns())
            && self.contexts.len() == clusters
            && self.quality.stability.len() == clusters
    }
}
