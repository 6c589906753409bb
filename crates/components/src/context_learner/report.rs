//! What a training run found.

use schemars::JsonSchema;
use serde::Serialize;

use super::preference::Preference;
use crate::bridge::contrast::Trait;

/// The contexts there are, in figures and in words.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// What a person should know, one sentence each.
    pub summary: Vec<String>,
    /// Sessions looked at.
    pub sessions: usize,
    /// Sessions that differ in what describes a context.
    pub distinct_sessions: usize,
    /// Whether all were clustered again or new ones attached, and why.
    pub update: Update,
    /// Share of sessions in no context, in [0, 1].
    pub unknown_share: f64,
    /// Density-based validity of the contexts, in [-1, 1] (Moulavi et al. 2014).
    pub dbcv: f64,
    /// Mean silhouette of the distinct sessions in contexts, in [-1, 1]; nothing for one context.
    pub silhouette: Option<f64>,
    /// Share of distinct sessions in no context when all were clustered.
    pub noise_share: f64,
    /// Mean adjusted Rand index of the contexts with those found in resamples (Hennig 2007).
    pub bootstrap_ari: f64,
    /// The contexts, the largest first.
    pub contexts: Vec<ContextReport>,
}

/// How the contexts came about in this run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Update {
    /// Whether all sessions were clustered; else new ones were attached to known contexts.
    pub clustered: bool,
    /// Why.
    pub reason: String,
    /// Sessions that are new since the last run.
    pub new_sessions: usize,
    /// Share of new sessions in no context.
    pub new_unknown_share: f64,
    /// How much the shares of the contexts moved among new sessions (population stability index).
    pub psi: f64,
    /// Numbers of contexts that are new.
    pub appeared: Vec<u32>,
    /// Numbers of contexts that are gone.
    pub vanished: Vec<u32>,
}

/// One context.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ContextReport {
    /// Its number, which it keeps from run to run.
    pub id: u32,
    /// What it is, in words.
    pub description: String,
    /// Sessions in it.
    pub sessions: usize,
    /// Share of all sessions, in [0, 1].
    pub share: f64,
    /// Sessions in the last 24 hours before the newest one.
    pub recent_sessions: usize,
    /// Share of failures among its sessions whose outcome is known; nothing if none is.
    pub failure_rate: Option<f64>,
    /// Mean Jaccard index with the most similar context of each resample, in [0, 1]: above .85 highly stable, below .6 not
    /// to be trusted (Hennig 2007).
    pub stability: f64,
    /// What sets it apart, the strongest first.
    pub traits: Vec<Trait>,
    /// What is known of the rules in it, the best first.
    pub preferences: Vec<Preference>,
}
