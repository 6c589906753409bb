//! The planted cases: one small for the probe, one large for the certificate.

use ndarray::{Array2, Axis};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::clustering_quality::adjusted_rand_index;
use souffleur_algorithms::metrics::{Bins, auroc, average_precision, confusion, expected_calibration_error};
use souffleur_core::batch::{SessionRules, TrainingBatch};
use souffleur_core::component::{KnownAnswer, Measurement};
use souffleur_core::error::ComponentError;
use souffleur_core::features::{COLUMNS, WIDTH};
use souffleur_core::job::Job;
use souffleur_core::params::Hyperparams;
use souffleur_core::query::Query as DataQuery;
use souffleur_simulator::batch::{no_rules, planted_batch};
use souffleur_simulator::feature_batch;

use super::answer::{Answer, Query};
use super::model::{Model, anomaly_scores};
use super::params::Params;
use super::{FailureAnalyzer, advice, modes, train};

/// Rows of the probe.
const PROBE_ROWS: usize = 800;
/// How often its rule is applied, and how often an unclear prompt fails with it.
const PROBE_RULE_SHARE: f64 = 0.2;
const PROBE_RULE_FAILURES: f64 = 0.3;
/// Its rule.
const PROBE_RULE: &str = "state_the_goal";
/// The column that decides in the probe: clarity.
const PROBE_COLUMN: usize = 1;
/// Rows learnt from for the certificate.
const CERTIFICATE_ROWS: usize = 6000;
/// Fresh rows it is measured on.
const CERTIFICATE_TEST_ROWS: usize = 4000;

/// A labelled batch of its own making, in the order of the rows.
pub(super) fn batch(features: Array2<f32>, failed: &[bool], rules: SessionRules) -> TrainingBatch {
    let success = failed.iter().map(|failed| if *failed { 0.25 } else { 0.75 }).collect();
    planted_batch(DataQuery::quality_labeled_data(), features, success, rules)
}

/// Prompts fail where they are unclear, and one in twenty labels is wrong. A rule, drawn by lot, mends most unclear ones.
/// A very unclear prompt is asked about.
pub(super) fn probe() -> KnownAnswer<FailureAnalyzer> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0x5057_1a7e);
    let mut features = Array2::zeros((PROBE_ROWS, WIDTH));
    let mut rules = SessionRules { rule_ids: vec![PROBE_RULE.into()], ..SessionRules::default() };
    let failed: Vec<bool> = features
        .rows_mut()
        .into_iter()
        .map(|mut row| {
            row.mapv_inplace(|_: f32| rng.r#gen());
            let applied = rng.gen_bool(PROBE_RULE_SHARE);
            if applied {
                rules.rule.push(0);
                rules.improvement_score.push(f32::NAN);
                rules.propensity.push(PROBE_RULE_SHARE as f32);
            }
            rules.starts.push(rules.rule.len() as u32);
            let unclear = row[PROBE_COLUMN] < 0.4;
            let fails = if unclear && applied { rng.gen_bool(PROBE_RULE_FAILURES) } else { unclear };
            fails != rng.gen_bool(0.05)
        })
        .collect();
    let mut asked = vec![0.5; WIDTH];
    asked[PROBE_COLUMN] = 0.05;
    KnownAnswer {
        batch: batch(features, &failed, rules),
        query: Query { features: Some(asked), neighbors: Some(3), ..Query::default() },
        verify,
    }
}

fn verify(answer: &Answer) -> Result<(), String> {
    if !(0.7..=0.95).contains(&answer.p_failure) || !answer.likely_to_fail {
        return Err(format!("p_failure is {} where four in five such prompts failed", answer.p_failure));
    }
    match answer.contributions.first() {
        Some(first) if first.feature == COLUMNS[PROBE_COLUMN].name && first.log_odds > 0.0 => {}
        other => return Err(format!("the strongest contribution is {other:?}, not a positive one of clarity")),
    }
    match answer.advice.rules.first() {
        Some(rule) if rule.rule_id == PROBE_RULE && (0.2..0.8).contains(&rule.reduction) && rule.low > 0.0 => {}
        other => return Err(format!("the advice is {other:?}, not the rule that mends such prompts")),
    }
    if answer.similar_failures.len() != 3 {
        return Err(format!("{} similar failures are named, 3 were asked for", answer.similar_failures.len()));
    }
    Ok(())
}

/// Learns from planted failures and is measured on fresh ones.
///
/// The figures are those of the report, taken on rows drawn after the training rows from the same world; beside them
/// stands `accuracy_best`, what somebody who knows the true probabilities would reach.
pub(super) fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let params = Params::default().check().map_err(ComponentError::Params)?;
    let learn = feature_batch(seed, CERTIFICATE_ROWS);
    let test = feature_batch(!seed, CERTIFICATE_TEST_ROWS);
    let train::Run { model, .. } = train::train(&params, &batch(learn.features, &learn.failed, no_rules(CERTIFICATE_ROWS)), job)?;
    let anomaly = anomaly_scores(&model.forest, test.features.view(), &())?;
    let log_odds = model.log_odds(&test.features, &anomaly)?;
    let p: Vec<f64> = log_odds.iter().map(|&z| model.calibration.probability(z)).collect::<Result<_, _>>()?;
    let measured = |e: souffleur_algorithms::metrics::MetricError| ComponentError::Data(e.to_string());
    let calls = confusion(&p, &test.failed, model.threshold).map_err(measured)?;
    let base_rate = test.failed.iter().filter(|f| **f).count() as f64 / test.failed.len() as f64;
    let precision = average_precision(&p, &test.failed).map_err(measured)?;
    let error = expected_calibration_error(&p, &test.failed, Bins::EqualMass(10)).map_err(measured)?;
    let failures: Vec<usize> =
        (0..test.failed.len()).filter(|row| test.failed[*row] && test.mode[*row].is_some()).collect();
    let planted: Vec<i32> = failures.iter().map(|row| test.mode[*row].map_or(-1, |mode| mode as i32)).collect();
    let found = modes::labels_of(&model, &test.features.select(Axis(0), &failures), &())?;
    let agreement = adjusted_rand_index(&found, &planted).map_err(|e| ComponentError::Data(e.to_string()))?;
    let covered = log_odds.iter().zip(&test.failed).filter(|(score, failed)| {
        let p = model.conformal.p_values(**score);
        (if **failed { p.positive } else { p.negative }) > params.alpha
    });
    let coverage = covered.count() as f64 / test.failed.len() as f64;
    let mut measurements = vec![
        Measurement::new("conformal_coverage", coverage),
        Measurement::new("mode_ari", agreement),
        Measurement::new("modes_found", model.modes.modes.len() as f64),
        Measurement::new("accuracy", calls.accuracy().unwrap_or(f64::NAN)),
        Measurement::new("accuracy_best", test.best_accuracy()),
        Measurement::new("false_positive_rate", calls.false_positive_rate().unwrap_or(f64::NAN)),
        Measurement::new("calibration_error", error),
        Measurement::new("auroc", auroc(&p, &test.failed).map_err(measured)?),
        Measurement::new("average_precision_lift", precision / base_rate),
        Measurement::new("missed_failures", missed_failures(&model, &params, &log_odds, &test.failed)),
    ];
    measurements.extend(advice::certificate::certify(seed, &params, job)?);
    Ok(measurements)
}

/// Share of the failures that are missed when flagging from the score that promises at most `alpha`.
fn missed_failures(model: &Model, params: &Params, log_odds: &[f64], failed: &[bool]) -> f64 {
    let Some(threshold) = model.conformal.risk_threshold(params.alpha) else { return f64::NAN };
    let failures = failed.iter().filter(|failed| **failed).count() as f64;
    let missed = log_odds.iter().zip(failed).filter(|(score, failed)| **failed && **score < threshold).count();
    missed as f64 / failures
}

#[cfg(test)]
mod tests {
    

    use super::*;
    use crate::bridge::certified;
    

    #[test]
    fn every_bar_is_cleared_by_the_first_seeds() {
        certified::clears_every_bar::<FailureAnalyzer>(4);
    }

    #[test]
    fn a_rule_that_does_nothing_fails_the_probe() {
        certified::probe_fails_where::<FailureAnalyzer>(|batch| {
            let Some(rules) = &mut batch.session_rules else { return };
            // The same outcomes, but the rule was applied in the sessions before.
            let applied: Vec<bool> = (0..PROBE_ROWS).map(|row| !rules.of((row + 1) % PROBE_ROWS).is_empty()).collect();
            rules.starts = std::iter::once(0)
                .chain(applied.iter().scan(0, |sum, applied| {
                    *sum += u32::from(*applied);
                    Some(*sum)
                }))
                .collect();
        });
    }

    #[test]
    fn an_inverted_model_fails_the_probe() {
        certified::probe_fails_where::<FailureAnalyzer>(certified::turn_outcomes);
    }
}
