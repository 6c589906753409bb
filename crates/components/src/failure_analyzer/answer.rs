//! Questions to the analyzer and their answers.

use ndarray::{Array2, ArrayView1, Axis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::error::ComponentError;
use souffleur_core::features::{self, COLUMNS, FeatureVector, WIDTH};
use souffleur_core::ids::Seq;
use souffleur_core::records::Session;

use super::model::{Model, anomaly_scores};
use super::params::Params;
use crate::asked;

/// Most similar failures an answer names.
const NEIGHBORS_MAX: usize = 100;
/// Contributions an answer names.
const CONTRIBUTIONS: usize = 6;

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
    /// What moves the probability most, the strongest first.
    pub contributions: Vec<Contribution>,
    /// The most similar past failures, the nearest first.
    pub similar_failures: Vec<SimilarFailure>,
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SimilarFailure {
    /// The session's place in the global order.
    pub session_seq: Seq,
    /// Euclidean distance in the feature space.
    pub distance: f64,
}

/// Columns that are looked at together: a feature of its own, or a one-hot group.
struct Group {
    name: &'static str,
    columns: std::ops::Range<usize>,
}

fn groups() -> impl Iterator<Item = Group> {
    let single = |i: usize| Group { name: COLUMNS[i].name, columns: i..i + 1 };
    let project = Group { name: "project_type", columns: features::PROJECT_TYPE_START..features::DOMAIN_START };
    let domain = Group { name: "domain", columns: features::DOMAIN_START..features::COMPLEXITY };
    (0..features::PROJECT_TYPE_START).map(single).chain([project, domain]).chain((features::COMPLEXITY..WIDTH).map(single))
}

impl Group {
    fn show(&self, row: &[f32]) -> String {
        if self.columns.len() == 1 {
            return format!("{:.2}", row[self.columns.start]);
        }
        let member = self.columns.clone().find(|&i| row[i] > 0.5);
        let name = member.map_or("unknown", |i| COLUMNS[i].name);
        name.strip_prefix(self.name).map_or(name, |rest| rest.trim_start_matches('_')).to_owned()
    }
}

/// Answers from a trained model.
pub(super) fn answer(params: &Params, model: &Model, query: &Query) -> Result<Answer, ComponentError> {
    let neighbors = query.neighbors.unwrap_or(params.neighbors);
    if neighbors > NEIGHBORS_MAX {
        let why = format!("`neighbors` is {neighbors}; it must lie in [0, {NEIGHBORS_MAX}]");
        return Err(ComponentError::Query(why));
    }
    let row = asked::row(query.prompt.as_deref(), query.session.as_ref(), query.features.as_deref())?;
    let groups: Vec<Group> = groups().collect();
    let variants = variants(&row, &model.usual, &groups);
    let anomaly = anomaly_scores(&model.forest, variants.view(), &())?;
    let log_odds = model.log_odds(&variants, &anomaly)?;
    let p_failure = model.calibration.probability(log_odds[0])?;
    Ok(Answer {
        p_failure,
        base_rate: model.failure_rate,
        likely_to_fail: p_failure >= model.threshold,
        threshold: model.threshold,
        anomaly_score: anomaly[0],
        contributions: contributions(&row, &model.usual, &groups, &log_odds),
        similar_failures: model.similar(ArrayView1::from(&row), neighbors)?,
    })
}

/// The row itself, then one copy for each group in which that group has its usual value.
fn variants(row: &FeatureVector, usual: &[f32], groups: &[Group]) -> Array2<f32> {
    let mut rows = Array2::zeros((groups.len() + 1, WIDTH));
    for mut variant in rows.axis_iter_mut(Axis(0)) {
        variant.assign(&ArrayView1::from(row));
    }
    for (i, group) in groups.iter().enumerate() {
        for column in group.columns.clone() {
            rows[[i + 1, column]] = usual[column];
        }
    }
    rows
}

fn contributions(row: &[f32], usual: &[f32], groups: &[Group], log_odds: &[f64]) -> Vec<Contribution> {
    let mut found: Vec<Contribution> = groups
        .iter()
        .zip(&log_odds[1..])
        .map(|(group, without)| Contribution {
            feature: group.name.to_owned(),
            value: group.show(row),
            usual: group.show(usual),
            log_odds: log_odds[0] - without,
        })
        .filter(|c| c.log_odds != 0.0)
        .collect();
    found.sort_by(|a, b| b.log_odds.abs().total_cmp(&a.log_odds.abs()));
    found.truncate(CONTRIBUTIONS);
    found
}
