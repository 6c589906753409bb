//! What a training run found.

use schemars::JsonSchema;
use serde::Serialize;
use souffleur_algorithms::clustering_search::Evaluation;

use super::patterns::Pattern;

/// The best clustering there is of all sessions, and what successful optimisations have in common.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// What a person should know, one sentence each.
    pub summary: Vec<String>,
    /// Sessions looked at.
    pub sessions: usize,
    /// Sessions that differ in what describes their context.
    pub distinct_sessions: usize,
    /// Different sessions that were searched.
    pub searched: usize,
    /// How many dimensions the sessions have, as far as their neighbours tell (Facco et al. 2017).
    pub intrinsic_dimension: Option<f64>,
    /// The settings that won.
    pub best: Setting,
    /// The best setting of each method and reduction, the highest score first.
    pub leaders: Vec<Setting>,
    /// Settings that were compared.
    pub candidates: usize,
    /// Clusterings made in the search.
    pub fits: usize,
    /// Clusterings an exhaustive grid over the same settings would have made for the same winner.
    pub grid_fits: usize,
    /// The clusters of the winner, the largest first.
    pub clusters: Vec<ClusterReport>,
    /// What successful optimisations share.
    pub patterns: Patterns,
}

/// A setting and how good it is, judged on all sessions searched, in the space of what describes their context.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Setting {
    /// What is done, in words.
    pub setting: String,
    /// Clusters it finds.
    pub clusters: usize,
    /// Share of sessions it leaves out as noise, in [0, 1].
    pub noise_share: f64,
    /// Mean silhouette over all sessions, in [-1, 1]; noise counts 0.
    pub silhouette: f64,
    /// Density-based validity, in [-1, 1] (Moulavi et al. 2014).
    pub dbcv: f64,
    /// Mean adjusted Rand index with what it finds in resamples (Hennig 2007), over as many of them as it took to rule it out.
    pub stability: f64,
    /// Weighted mean of the three.
    pub score: f64,
}

impl From<&Evaluation> for Setting {
    fn from(one: &Evaluation) -> Self {
        Self {
            setting: one.candidate.to_string(),
            clusters: one.clusters,
            noise_share: one.noise_share,
            silhouette: one.silhouette,
            dbcv: one.dbcv,
            stability: one.stability,
            score: one.score,
        }
    }
}

/// One cluster of the winner.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ClusterReport {
    /// Its number, in this run.
    pub cluster: usize,
    /// What sets it apart, in words.
    pub description: String,
    /// Sessions in it.
    pub sessions: usize,
    /// Share of all sessions, in [0, 1].
    pub share: f64,
    /// Share of successes among its sessions whose outcome is known; nothing if none is.
    pub success_rate: Option<f64>,
}

/// What successful optimisations share, compared with sessions that had the same prospects.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Patterns {
    /// Sessions whose outcome is known.
    pub sessions: usize,
    /// Share of the uses of rules whose probability was logged. Sessions are matched by features; where choices are not logged,
    /// what else led to them may pass for an effect.
    pub logged_share: f64,
    /// Pairs of rules and circumstances with enough sessions that were compared.
    pub compared: usize,
    /// Those that succeed more often beyond what chance explains, the false discovery rate held, and that do not mostly say
    /// the same of the same sessions; the surest first.
    pub found: Vec<Pattern>,
    /// What comparing each rule by itself with all other sessions, with Bonferroni's correction, would have found: the usual
    /// way, which neither looks at circumstances nor compares like with like.
    pub found_by_baseline: usize,
    /// Why nothing was compared, if nothing was.
    pub reason: Option<String>,
}
