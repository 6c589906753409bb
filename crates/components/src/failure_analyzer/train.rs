//! How the analyzer learns.

use ndarray::{Array1, Array2, Axis};
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::calibration::{IsotonicRegression, PlattScaling};
use souffleur_algorithms::conformal::ClassConformal;
use souffleur_algorithms::gbdt::GradientBoosting;
use souffleur_algorithms::isolation_forest::IsolationForest;
use souffleur_algorithms::metrics::log_loss;
use souffleur_algorithms::neighbors::NeighborIndex;
use souffleur_core::batch::TrainingBatch;
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;
use souffleur_core::ids::Seq;
use souffleur_core::job::Job;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::advice::{self, Advisor, Replay};
use super::evaluate::{self, Held};
use super::model::{Calibration, Model, anomaly_scores, inputs};
use super::modes::Modes;
use super::params::Params;
use super::report::Report;
use crate::bridge::Phases;

/// Fewest failures, and fewest successes, to learn from.
pub(super) const CLASS_MINIMUM: usize = 20;

/// Sessions whose outcome is known, as the algorithms want them.
pub(super) struct Labelled {
    pub(super) features: Array2<f32>,
    pub(super) failed: Vec<bool>,
    pub(super) sessions: Vec<Seq>,
    /// Where they stand in the batch.
    pub(super) kept: Vec<usize>,
}

impl Labelled {
    fn of(batch: &TrainingBatch) -> Result<Self, ComponentError> {
        let rows: Vec<(usize, bool)> =
            (0..batch.len()).filter_map(|i| batch.outcomes.failed(i).map(|failed| (i, failed))).collect();
        let failures = rows.iter().filter(|(_, failed)| *failed).count();
        for (what, have) in [("failures", failures), ("successes", rows.len() - failures)] {
            if have < CLASS_MINIMUM {
                return Err(ComponentError::TooFewRows { what, have, need: CLASS_MINIMUM });
            }
        }
        if batch.features.ncols() != WIDTH {
            let have = batch.features.ncols();
            return Err(ComponentError::Data(format!("rows have {have} features; all {WIDTH} are needed")));
        }
        let kept: Vec<usize> = rows.iter().map(|(i, _)| *i).collect();
        Ok(Self {
            features: batch.features.select(Axis(0), &kept),
            failed: rows.iter().map(|(_, failed)| *failed).collect(),
            sessions: kept.iter().map(|&i| batch.rows.session[i]).collect(),
            kept,
        })
    }

    pub(super) fn failures(&self) -> usize {
        self.failed.iter().filter(|failed| **failed).count()
    }

    fn indices(&self, failed: bool) -> Vec<usize> {
        (0..self.failed.len()).filter(|&i| self.failed[i] == failed).collect()
    }

    /// The fold of each row. Rows with equal features share one, so that no prompt is learnt from and tested on.
    fn folds(&self, folds: usize, seed: u64) -> Vec<usize> {
        self.hashes(seed).into_iter().map(|hash| (hash % folds as u64) as usize).collect()
    }

    /// A number for each row that rows with equal features share.
    pub(super) fn hashes(&self, seed: u64) -> Vec<u64> {
        let hash = |row: ndarray::ArrayView1<'_, f32>| {
            let bytes: Vec<u8> = row.iter().flat_map(|v| v.to_le_bytes()).collect();
            xxh3_64_with_seed(&bytes, seed)
        };
        self.features.rows().into_iter().map(hash).collect()
    }
}

/// What a run brings home.
pub(super) struct Run {
    pub(super) model: Model,
    pub(super) report: Report,
    /// The log replayed under the advice.
    pub(super) replay: Option<Replay>,
}

/// Trains on the labelled sessions of `batch`.
///
/// 1. An isolation forest (Liu 2008) learns what is ordinary; its score becomes one more feature. It sees no label.
/// 2. Gradient-boosted trees learn the log-odds of failure, once for each fold without that fold, once on all rows.
/// 3. The folds' held-out scores calibrate the probability and give every figure of the report.
/// 4. Failures are clustered by what made them fail.
/// 5. What the rules applied do to the probability is learnt, and the advice that follows is replayed on the log.
pub(super) fn train(params: &Params, batch: &TrainingBatch, job: &Job) -> Result<Run, ComponentError> {
    let data = Labelled::of(batch)?;
    let mut phases = Phases::new(job, params.folds as u64 + 6);
    let forest = IsolationForest::params()
        .n_trees(params.forest_trees)
        .max_samples(params.forest_sample_rows)
        .seed(job.seed())
        .check()
        .map_err(|e| ComponentError::Data(e.to_string()))?
        .fit(data.features.view(), &phases.watch())
        .map_err(|e| phases.failed(&e))?;
    phases.next()?;
    let anomaly = anomaly_scores(&forest, data.features.view(), &phases.watch()).or_else(|e| {
        job.check()?;
        Err(e)
    })?;
    phases.next()?;
    let inputs = inputs(&data.features, &anomaly)?;
    let held_out = held_out_scores(params, &data, &inputs, &mut phases, job)?;
    let (calibration, probabilities) = calibrate(&held_out, &data.failed, &phases)?;
    let classifier = boost(params, &inputs, &data.failed, &phases)?;
    let held = Held { probabilities, failed: &data.failed, anomaly: anomaly.as_slice().unwrap_or_default() };
    let threshold = evaluate::threshold(&held, params.false_positive_rate_max);
    let conformal = ClassConformal::fit(&held_out.log_odds, &data.failed)
        .map_err(|e| ComponentError::Data(e.to_string()))?;
    let newest = newest_failures(&data, params.kept_failures);
    let failures = data.features.select(Axis(0), &newest);
    let failures = NeighborIndex::new(failures.view(), &phases.watch()).map_err(|e| phases.failed(&e))?;
    let mut model = Model {
        forest,
        classifier,
        calibration,
        conformal,
        modes: Modes::default(),
        advisor: Advisor::default(),
        threshold,
        failure_rate: data.failures() as f64 / data.failed.len() as f64,
        usual: usual(&data),
        failures,
        failure_seqs: newest.iter().map(|&i| data.sessions[i]).collect(),
        failure_rules: newest.iter().map(|&i| rules_of(batch, data.kept[i])).collect(),
        rule_ids: batch.session_rules.iter().flat_map(|rules| &rules.rule_ids).map(ToString::to_string).collect(),
    };
    phases.next()?;
    model.modes = Modes::find(params, &model, &data, job, &phases.watch())?;
    phases.next()?;
    let learnt = advice::learn(params, batch, &data, &inputs, &held.probabilities, &mut phases, job)?;
    model.advisor = learnt.advisor;
    let report = evaluate::report(params, &data, &held, &model, learnt.report)?;
    Ok(Run { model, report, replay: learnt.replay })
}

/// Boosted trees that learn the log-odds of failure from these inputs.
pub(super) fn boost(
    params: &Params,
    inputs: &Array2<f32>,
    failed: &[bool],
    phases: &Phases<'_>,
) -> Result<GradientBoosting, ComponentError> {
    GradientBoosting::params()
        .n_trees(params.boosting_rounds)
        .learning_rate(params.learning_rate)
        .max_depth(params.max_depth)
        .check()
        .map_err(|e| ComponentError::Data(e.to_string()))?
        .fit(inputs.view(), failed, &phases.watch())
        .map_err(|e| phases.failed(&e))
}

/// For each row its fold and the log-odds given by a model that did not see the fold.
struct HeldOutScores {
    fold: Vec<usize>,
    folds: usize,
    log_odds: Vec<f64>,
}

fn held_out_scores(
    params: &Params,
    data: &Labelled,
    inputs: &Array2<f32>,
    phases: &mut Phases<'_>,
    job: &Job,
) -> Result<HeldOutScores, ComponentError> {
    let fold = data.folds(params.folds, job.seed());
    let mut log_odds = vec![0.0; fold.len()];
    for k in 0..params.folds {
        let (test, learn): (Vec<usize>, Vec<usize>) = (0..fold.len()).partition(|&i| fold[i] == k);
        let labels: Vec<bool> = learn.iter().map(|&i| data.failed[i]).collect();
        if !test.is_empty() {
            if labels.iter().all(|&l| l) || !labels.iter().any(|&l| l) {
                let why = "the sessions are too alike to hold some of them out; more different prompts are needed";
                return Err(ComponentError::Data(why.to_owned()));
            }
            let model = boost(params, &inputs.select(Axis(0), &learn), &labels, phases)?;
            let scores: Array1<f64> = model
                .log_odds(inputs.select(Axis(0), &test).view(), &phases.watch())
                .map_err(|e| phases.failed(&e))?;
            for (&i, score) in test.iter().zip(scores) {
                log_odds[i] = score;
            }
        }
        phases.next()?;
    }
    Ok(HeldOutScores { fold, folds: params.folds, log_odds })
}

/// Fits one kind of calibration to scores and labels.
type Fit = fn(&[f64], &[bool], &Phases<'_>) -> Result<Calibration, ComponentError>;

/// The better calibration by held-out log-loss, fitted on all rows, and each row's probability from a calibration
/// that did not see the row's fold.
fn calibrate(
    held: &HeldOutScores,
    failed: &[bool],
    phases: &Phases<'_>,
) -> Result<(Calibration, Vec<f64>), ComponentError> {
    let mut best: Option<(f64, Calibration, Vec<f64>)> = None;
    for fit in [isotonic as Fit, platt] {
        let mut probabilities = vec![0.0; failed.len()];
        for k in 0..held.folds {
            let learn: Vec<usize> = (0..failed.len()).filter(|&i| held.fold[i] != k).collect();
            let scores: Vec<f64> = learn.iter().map(|&i| held.log_odds[i]).collect();
            let labels: Vec<bool> = learn.iter().map(|&i| failed[i]).collect();
            let map = fit(&scores, &labels, phases)?;
            for i in (0..failed.len()).filter(|&i| held.fold[i] == k) {
                probabilities[i] = map.probability(held.log_odds[i])?;
            }
        }
        let loss = log_loss(&probabilities, failed).map_err(|e| ComponentError::Data(e.to_string()))?;
        if best.as_ref().is_none_or(|(least, _, _)| loss < *least) {
            best = Some((loss, fit(&held.log_odds, failed, phases)?, probabilities));
        }
    }
    best.map(|(_, map, p)| (map, p)).ok_or_else(|| ComponentError::Data("no calibration could be fitted".to_owned()))
}

fn isotonic(scores: &[f64], labels: &[bool], phases: &Phases<'_>) -> Result<Calibration, ComponentError> {
    IsotonicRegression::fit_labels(scores, labels).map(Calibration::Isotonic).map_err(|e| phases.failed(&e))
}

fn platt(scores: &[f64], labels: &[bool], phases: &Phases<'_>) -> Result<Calibration, ComponentError> {
    PlattScaling::fit(scores, labels, &phases.watch()).map(Calibration::Platt).map_err(|e| phases.failed(&e))
}

/// The median of each feature among successes.
fn usual(data: &Labelled) -> Vec<f32> {
    let successes = data.features.select(Axis(0), &data.indices(false));
    let median = |column: ndarray::ArrayView1<'_, f32>| {
        let mut values = column.to_vec();
        let middle = values.len() / 2;
        // There is at least one success: `Labelled::of` saw to it.
        *values.select_nth_unstable_by(middle, f32::total_cmp).1
    };
    successes.columns().into_iter().map(median).collect()
}

/// The newest `most` failures.
fn newest_failures(data: &Labelled, most: usize) -> Vec<usize> {
    let mut failures = data.indices(true);
    failures.split_off(failures.len().saturating_sub(most))
}

/// The rules applied in a row of the batch.
fn rules_of(batch: &TrainingBatch, row: usize) -> Vec<u32> {
    batch.session_rules.as_ref().map_or_else(Vec::new, |rules| rules.rule[rules.of(row)].to_vec())
}
