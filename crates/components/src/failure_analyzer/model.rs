//! What is kept of the failures of the past.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, concatenate};
use serde::{Deserialize, Serialize};
use souffleur_algorithms::Watch;
use souffleur_algorithms::calibration::{IsotonicRegression, PlattScaling};
use souffleur_algorithms::conformal::ClassConformal;
use souffleur_algorithms::gbdt::GradientBoosting;
use souffleur_algorithms::isolation_forest::{IsolationForest, IsolationForestError};
use souffleur_algorithms::neighbors::{Neighbor, NeighborIndex};
use souffleur_core::error::ComponentError;
use souffleur_core::ids::Seq;

use super::advice::Advisor;
use super::answer::SimilarFailure;
use super::modes::Modes;

/// The trained analyzer.
#[derive(Serialize, Deserialize)]
pub struct Model {
    /// How unusual a prompt is, whatever became of it.
    pub(super) forest: IsolationForest,
    /// Log-odds of failure from the features and the anomaly score.
    pub(super) classifier: GradientBoosting,
    /// From log-odds to probability.
    pub(super) calibration: Calibration,
    /// Held-out log-odds of failures and successes.
    pub(super) conformal: ClassConformal,
    /// The ways to fail.
    pub(super) modes: Modes,
    /// What helps.
    pub(super) advisor: Advisor,
    /// Probability from which a session is flagged.
    pub(super) threshold: f64,
    /// Share of failures in the data.
    pub(super) failure_rate: f64,
    /// Median of each feature among successes.
    pub(super) usual: Vec<f32>,
    /// Features of past failures, one row each.
    pub(super) failures: NeighborIndex<f32>,
    /// Where these stand in the global order.
    pub(super) failure_seqs: Vec<Seq>,
    /// The rules applied in each of them, by index into `rule_ids`.
    pub(super) failure_rules: Vec<Vec<u32>>,
    /// Names of rules.
    pub(super) rule_ids: Vec<String>,
}

/// From a score to a probability, by the way that did better in cross-validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Calibration {
    /// A step function.
    Isotonic(IsotonicRegression),
    /// A sigmoid.
    Platt(PlattScaling),
}

impl Calibration {
    /// The probability of failure at these log-odds, in [0, 1].
    pub(super) fn probability(&self, log_odds: f64) -> Result<f64, ComponentError> {
        let p = match self {
            Self::Isotonic(map) => map.predict(log_odds),
            Self::Platt(map) => map.predict(log_odds),
        };
        if p.is_finite() { Ok(p.clamp(0.0, 1.0)) } else { Err(ComponentError::Data(format!("log-odds are {log_odds}"))) }
    }

    /// Its name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Isotonic(_) => "isotonic",
            Self::Platt(_) => "platt",
        }
    }
}

/// How unusual each row is, in (0, 1].
pub(super) fn anomaly_scores(
    forest: &IsolationForest,
    features: ArrayView2<'_, f32>,
    watch: &dyn Watch,
) -> Result<Array1<f64>, ComponentError> {
    forest.score(features, watch).map_err(|e: IsolationForestError| ComponentError::Data(e.to_string()))
}

/// The classifier's inputs: the features, then the anomaly score.
pub(super) fn inputs(features: &Array2<f32>, anomaly: &Array1<f64>) -> Result<Array2<f32>, ComponentError> {
    let anomaly = anomaly.mapv(|score| score as f32).insert_axis(Axis(1));
    concatenate(Axis(1), &[features.view(), anomaly.view()]).map_err(|e| ComponentError::Data(e.to_string()))
}

impl Model {
    /// Log-odds of failure of each row.
    pub(super) fn log_odds(&self, rows: &Array2<f32>, anomaly: &Array1<f64>) -> Result<Vec<f64>, ComponentError> {
        let inputs = inputs(rows, anomaly)?;
        let scores = self.classifier.log_odds(inputs.view(), &());
        scores.map(|s| s.to_vec()).map_err(|e| ComponentError::Data(e.to_string()))
    }

    /// The `count` past failures nearest to `row`.
    pub(super) fn similar(&self, row: ArrayView1<'_, f32>, count: usize) -> Result<Vec<SimilarFailure>, ComponentError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let found = self.failures.nearest(row, count).map_err(|e| ComponentError::Data(e.to_string()))?;
        let similar = |n: Neighbor| {
            let session_seq = *self.failure_seqs.get(n.row)?;
            Some(SimilarFailure { session_seq, distance: n.distance, rules: self.rules_of(n.row) })
        };
        Ok(found.into_iter().filter_map(similar).collect())
    }

    /// Names of the rules applied in a past failure.
    fn rules_of(&self, failure: usize) -> Vec<String> {
        let rules = self.failure_rules.get(failure).map_or(&[][..], Vec::as_slice);
        rules.iter().filter_map(|rule| self.rule_ids.get(*rule as usize)).cloned().collect()
    }
}
