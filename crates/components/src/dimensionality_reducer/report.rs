//! What a training run found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reducer::Method;
use super::search::Judged;

/// How few numbers describe a session, what they keep, and whether that still holds for new sessions.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// What a person should know, one sentence each.
    pub summary: Vec<String>,
    /// Sessions looked at.
    pub sessions: usize,
    /// Sessions that differ from all others in a feature.
    pub distinct_sessions: usize,
    /// How many dimensions the sessions learnt from spread over, as far as their neighbours tell (Facco et al. 2017).
    pub intrinsic_dimension: Option<f64>,
    /// How the choice is made.
    pub rule: String,
    /// The reduction in force, as it was judged when it was chosen.
    pub chosen: CandidateReport,
    /// All reductions that were judged then.
    pub candidates: Vec<CandidateReport>,
    /// Mean log-loss of a logistic regression on all features, on sessions it was not learnt from; nothing where too few
    /// outcomes are known.
    pub loss_of_all_features: Option<f64>,
    /// Sessions that losses were measured on.
    pub downstream_sessions: usize,
    /// What each coordinate rises and falls with.
    pub axes: Vec<Axis>,
    /// What this run did, and why.
    pub update: Update,
    /// When and why the reduction changed, the newest last; the last twenty.
    pub changes: Vec<Change>,
}

/// One reduction, judged on sessions it was not learnt from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CandidateReport {
    /// What it is, in words.
    pub reduction: String,
    /// The method.
    pub method: Method,
    /// Coordinates.
    pub components: usize,
    /// Share of the features' variance that comes back from the coordinates, at most 1.
    pub information_kept: f64,
    /// How near neighbours in the coordinates are in truth, in [0, 1] (Venna and Kaski 2001).
    pub trustworthiness: f64,
    /// How near true neighbours are in the coordinates, in [0, 1].
    pub continuity: f64,
    /// Share of the true neighbours that are neighbours in the coordinates.
    pub neighbor_recall: f64,
    /// Mean log-loss of a logistic regression on the coordinates; nothing where too few outcomes are known.
    pub downstream_loss: Option<f64>,
    /// Share of the multiplications of training that regression that are saved, reducing the rows not counted.
    pub training_work_saved: f64,
    /// What it does not reach of what is asked, in words.
    pub falls_short: Vec<String>,
}

impl From<&Judged> for CandidateReport {
    fn from(one: &Judged) -> Self {
        Self {
            reduction: one.candidate.to_string(),
            method: one.candidate.method,
            components: one.candidate.components,
            information_kept: one.information_kept,
            trustworthiness: one.trustworthiness,
            continuity: one.continuity,
            neighbor_recall: one.neighbor_recall,
            downstream_loss: one.downstream_loss,
            training_work_saved: one.training_work_saved,
            falls_short: one.falls_short.clone(),
        }
    }
}

/// What one coordinate means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Axis {
    /// Its place among the coordinates, from 0.
    pub axis: usize,
    /// What sessions are like where it is high, the strongest correlation first.
    pub high: Vec<String>,
    /// The greatest correlation with a feature, in [0, 1].
    pub correlation: f64,
}

/// What a run did with the reduction that was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// There was none; all were tried.
    First,
    /// It stays as it is: coordinates mean what they meant.
    Kept,
    /// The principal components were found again from all sessions seen; coordinates mean something else.
    Refitted,
    /// All were tried again.
    ChosenAgain,
}

/// Whether the reduction still fits.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Update {
    /// What was done.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// Sessions that are new.
    pub new_sessions: usize,
    /// Share of the variance of new sessions that came back before anything was done.
    pub information_of_new: Option<f64>,
    /// Dimensions new sessions spread over, where there are enough of them.
    pub dimension_of_new: Option<f64>,
}

/// A change of the reduction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The newest session's place in the order of all records.
    pub after_seq: i64,
    /// When that session happened, microseconds since the epoch.
    pub event_time_us: i64,
    /// Sessions in all.
    pub sessions: usize,
    /// What was before; nothing at first.
    pub from: Option<String>,
    /// What is since.
    pub to: String,
    /// Why.
    pub reason: String,
}
