//! Questions to the analyzer and their answers.

use ndarray::ArrayView1;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::ComponentError;
use souffleur_core::ids::Seq;
use souffleur_core::records::Session;

use super::advice::Advice;
use super::contributions::{self, Group};
use super::model::Model;
use super::modes::ModeReport;
use super::params::Params;
use crate::bridge::asked;

/// Most similar failures an answer names.
const NEIGHBORS_MAX: usize = 100;

/// How likely is this prompt to fail? Exactly one of `prompt`, `session` and `features` must be given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Query {
    /// The prompt's text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The prompt with its context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// The 31 features themselves, each in [0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<f32>>,
    /// How many similar failures to name, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neighbors: Option<usize>,
}

/// How likely the prompt is to fail, and why.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Answer {
    /// Calibrated probability that a session with this prompt fails, in [0, 1].
    pub p_failure: f64,
    /// Share of failures among all known sessions, for comparison.
    pub base_rate: f64,
    /// Whether `p_failure` reaches the threshold from which sessions are flagged.
    pub likely_to_fail: bool,
    /// That threshold.
    pub threshold: f64,
    /// How unusual the prompt is, in (0, 1]: .5 and below is ordinary (Liu 2008).
    pub anomaly_score: f64,
    /// How usual such a prompt is among those that failed and among those that succeeded.
    pub conformal: Conformal,
    /// The way it would fail, if it is like one that is known.
    pub mode: Option<ModeReport>,
    /// How far inside that mode it is, in [0, 1]; 0 if it is like none.
    pub mode_membership: f64,
    /// What is known to help.
    pub advice: Advice,
    /// What moves the probability most, the strongest first.
    pub contributions: Vec<Contribution>,
    /// The most similar past failures, the nearest first.
    pub similar_failures: Vec<SimilarFailure>,
}

/// Which outcomes are possible, with a guarantee: the true one is ruled out with probability at most `alpha`, among
/// failures as among successes (Vovk, Gammerman & Shafer 2005), while new sessions are like those learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Conformal {
    /// Share of past failures that were judged at most as likely to fail, in (0, 1].
    pub p_fails: f64,
    /// Share of past successes that were judged at least as likely to fail, in (0, 1].
    pub p_succeeds: f64,
    /// Whether failure cannot be ruled out.
    pub may_fail: bool,
    /// Whether success cannot be ruled out.
    pub may_succeed: bool,
    /// The probability of ruling out what is true.
    pub alpha: f64,
}

/// What one feature, or one group of exclusive features, adds.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Contribution {
    /// The feature or group.
    pub feature: String,
    /// Its value here (the member's name for a group).
    pub value: String,
    /// Its usual value among successful sessions.
    pub usual: String,
    /// By how much the log-odds of failure would fall if it had its usual value and all else stayed.
    pub log_odds: f64,
}

/// A past failure.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SimilarFailure {
    /// The session's place in the global order.
    pub session_seq: Seq,
    /// Euclidean distance in the feature space.
    pub distance: f64,
    /// The rules that were applied there, in order, and did not prevent it.
    pub rules: Vec<String>,
}

/// Answers from a trained model.
pub(super) fn answer(params: &Params, model: &Model, query: &Query) -> Result<Answer, ComponentError> {
    let neighbors = query.neighbors.unwrap_or(params.neighbors);
    if neighbors > NEIGHBORS_MAX {
        let why = format!("`neighbors` is {neighbors}; it must lie in [0, {NEIGHBORS_MAX}]");
        return Err(ComponentError::Query(why));
    }
    let row = asked::row(query.prompt.as_deref(), query.session.as_ref(), query.features.as_deref())?;
    let groups: Vec<Group> = contributions::groups().collect();
    let (log_odds, anomaly) = contributions::variant_log_odds(model, ArrayView1::from(&row), &groups)?;
    let p_failure = model.calibration.probability(log_odds[0])?;
    let added: Vec<f64> = log_odds[1..].iter().map(|without| log_odds[0] - without).collect();
    let mode = model.modes.of(&added)?;
    let usual = model.conformal.p_values(log_odds[0]);
    Ok(Answer {
        p_failure,
        base_rate: model.failure_rate,
        likely_to_fail: p_failure >= model.threshold,
        threshold: model.threshold,
        anomaly_score: anomaly,
        contributions: contributions::named(&row, &model.usual, &groups, &log_odds),
        conformal: Conformal {
            p_fails: usual.positive,
            p_succeeds: usual.negative,
            may_fail: usual.positive > params.alpha,
            may_succeed: usual.negative > params.alpha,
            alpha: params.alpha,
        },
        advice: model.advisor.advise(params, ArrayView1::from(&row), p_failure)?,
        mode: mode.map(|(mode, _)| mode.clone()),
        mode_membership: mode.map_or(0.0, |(_, membership)| membership),
        similar_failures: model.similar(ArrayView1::from(&row), neighbors)?,
    })
}
