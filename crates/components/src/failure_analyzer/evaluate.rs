//! How well held-out sessions are judged, and what a person should know of it.

use ndarray::Axis;
use souffleur_algorithms::metrics::{Bins, MetricError, auroc, average_precision, brier, confusion, expected_calibration_error};
use souffleur_core::error::ComponentError;
use souffleur_core::features::COLUMNS;

use super::advice::AdviceReport;
use super::model::Model;
use super::params::Params;
use super::report::{HeldOut, Report, Signal};
use super::summary::summary;
use super::train::Labelled;
use crate::bridge::contrast::Moments;

/// Bins of the calibration error.
const BINS: usize = 10;
/// Signals a report names.
const SIGNALS: usize = 8;
/// A difference below this many standard deviations is none (Cohen 1988: small is .2).
const EFFECT_MINIMUM: f64 = 0.1;

/// Every labelled session with a probability from models that never saw it.
pub(super) struct Held<'a> {
    pub(super) probabilities: Vec<f64>,
    pub(super) failed: &'a [bool],
    pub(super) anomaly: &'a [f64],
}

/// The probability from which to flag: the most accurate among those that flag at most `false_positive_rate_max`
/// of the successes. `O(n log n)`.
pub(super) fn threshold(held: &Held<'_>, false_positive_rate_max: f64) -> f64 {
    let mut rows: Vec<(f64, bool)> = held.probabilities.iter().copied().zip(held.failed.iter().copied()).collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let successes = rows.iter().filter(|(_, failed)| !failed).count();
    let (mut right, mut flagged_successes) = (successes, 0usize);
    let mut best = (successes, f64::MAX);
    for (i, (p, failed)) in rows.iter().enumerate() {
        if *failed {
            right += 1;
        } else {
            right -= 1;
            flagged_successes += 1;
        }
        let last_of_its_value = rows.get(i + 1).is_none_or(|next| next.0 < *p);
        let allowed = flagged_successes as f64 <= false_positive_rate_max * successes as f64;
        if last_of_its_value && allowed && right >= best.0 {
            best = (right, *p);
        }
    }
    // Above every probability: flagging nothing was best, so nothing is flagged short of certainty.
    if best.1 > 1.0 { 1.0 } else { best.1 }
}

/// The report on what was learnt.
pub(super) fn report(
    params: &Params,
    data: &Labelled,
    held: &Held<'_>,
    model: &Model,
    advice: AdviceReport,
) -> Result<Report, ComponentError> {
    let threshold = model.threshold;
    let figures = figures(held, threshold).map_err(|e| ComponentError::Data(e.to_string()))?;
    let failures = data.failures();
    let labelled = data.failed.len();
    let signals = signals(data);
    Ok(Report {
        summary: summary(params, &figures, &signals, model, (failures, labelled), &advice),
        labelled_sessions: labelled,
        failures,
        failure_rate: failures as f64 / labelled as f64,
        held_out: figures,
        calibration: model.calibration.name().to_owned(),
        recall_threshold: recall_threshold(params, model)?,
        modes: model.modes.ranked(),
        unexplained_share: model.modes.unexplained_share,
        threshold,
        advice,
        signals,
    })
}

fn figures(held: &Held<'_>, threshold: f64) -> Result<HeldOut, MetricError> {
    let p = &held.probabilities;
    let calls = confusion(p, held.failed, threshold)?;
    Ok(HeldOut {
        accuracy: calls.accuracy().unwrap_or(f64::NAN),
        false_positive_rate: calls.false_positive_rate().unwrap_or(f64::NAN),
        true_positive_rate: calls.true_positive_rate().unwrap_or(f64::NAN),
        auroc: auroc(p, held.failed)?,
        average_precision: average_precision(p, held.failed)?,
        calibration_error: expected_calibration_error(p, held.failed, Bins::EqualMass(BINS))?,
        brier: brier(p, held.failed)?,
        anomaly_auroc: auroc(held.anomaly, held.failed)?,
    })
}

/// The probability from which flagging misses at most `alpha` of the failures, if so much can be promised.
fn recall_threshold(params: &Params, model: &Model) -> Result<Option<f64>, ComponentError> {
    model.conformal.risk_threshold(params.alpha).map(|log_odds| model.calibration.probability(log_odds)).transpose()
}

/// The features in which the means differ most, in pooled standard deviations (Cohen 1988).
fn signals(data: &Labelled) -> Vec<Signal> {
    let mut found: Vec<Signal> = (0..data.features.len_of(Axis(1)))
        .filter_map(|column| {
            let values = data.features.column(column);
            let of = |failed: bool| Moments::of(values, &data.failed, failed);
            let (failures, successes) = (of(true), of(false));
            let cohens_d = failures.cohens_d(&successes);
            (cohens_d.is_finite() && cohens_d.abs() >= EFFECT_MINIMUM).then(|| Signal {
                feature: COLUMNS[column].name.to_owned(),
                mean_failures: failures.mean,
                mean_successes: successes.mean,
                cohens_d,
            })
        })
        .collect();
    found.sort_by(|a, b| b.cohens_d.abs().total_cmp(&a.cohens_d.abs()));
    found.truncate(SIGNALS);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held<'a>(probabilities: &[f64], failed: &'a [bool]) -> Held<'a> {
        Held { probabilities: probabilities.to_vec(), failed, anomaly: &[] }
    }

    #[test]
    fn the_threshold_is_the_most_accurate_one_allowed() {
        let failed = [true, true, false, true, false, false];
        let p = [0.9, 0.8, 0.7, 0.6, 0.2, 0.1];
        // Flagging from .6 gets 5 right but flags one success in three.
        assert_eq!(threshold(&held(&p, &failed), 0.5), 0.6);
        // With no success to be flagged, .8 is the best left.
        assert_eq!(threshold(&held(&p, &failed), 0.0), 0.8);
    }

    #[test]
    fn nothing_is_flagged_where_flagging_only_errs() {
        let failed = [false, false, true];
        assert_eq!(threshold(&held(&[0.9, 0.8, 0.1], &failed), 0.1), 1.0);
    }
}
