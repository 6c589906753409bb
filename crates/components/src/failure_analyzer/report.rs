//! What a training run found.

use schemars::JsonSchema;
use serde::Serialize;

use super::advice::AdviceReport;
use super::modes::ModeReport;

/// What was learnt about failures, in figures and in words.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// What a person should know, one sentence each.
    pub summary: Vec<String>,
    /// Sessions whose outcome is known.
    pub labelled_sessions: usize,
    /// Those that failed.
    pub failures: usize,
    /// Share of failures, in [0, 1].
    pub failure_rate: f64,
    /// How well sessions are judged that the model was not trained on.
    pub held_out: HeldOut,
    /// How the scores were turned into probabilities: `isotonic` or `platt`.
    pub calibration: String,
    /// Probability from which a session is flagged.
    pub threshold: f64,
    /// Probability from which flagging misses at most `alpha` of the failures in expectation (conformal risk control,
    /// Angelopoulos et al. 2022); nothing if there are too few failures to promise that.
    pub recall_threshold: Option<f64>,
    /// The ways in which sessions fail, the most frequent first.
    pub modes: Vec<ModeReport>,
    /// Share of the failures looked at that are of no mode.
    pub unexplained_share: f64,
    /// What the rules applied do against failures, and what following the advice would have prevented.
    pub advice: AdviceReport,
    /// The features in which failures differ most from successes, the strongest first.
    pub signals: Vec<Signal>,
}

/// Figures of cross-validation. Sessions with equal features are never in training and test at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HeldOut {
    /// Share of right calls at the threshold.
    pub accuracy: f64,
    /// Share of successes that are flagged.
    pub false_positive_rate: f64,
    /// Share of failures that are flagged.
    pub true_positive_rate: f64,
    /// Probability that a failure is ranked above a success.
    pub auroc: f64,
    /// Average precision; the failure rate is what chance would reach.
    pub average_precision: f64,
    /// Expected calibration error in 10 bins of equal mass (Guo 2017).
    pub calibration_error: f64,
    /// Mean squared error of the probability (Brier 1950).
    pub brier: f64,
    /// Probability that a failure is more anomalous than a success, by the isolation forest alone.
    pub anomaly_auroc: f64,
}

/// A feature in which failures and successes differ.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Signal {
    /// The feature.
    pub feature: String,
    /// Its mean among failures.
    pub mean_failures: f64,
    /// Its mean among successes.
    pub mean_successes: f64,
    /// Difference of the means in standard deviations (Cohen's d, pooled).
    pub cohens_d: f64,
}
