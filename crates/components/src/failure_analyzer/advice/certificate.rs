//! Advice and its replay held against a simulated history whose truth is known.

use ndarray::ArrayView1;
use souffleur_core::component::Measurement;
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;
use souffleur_simulator::batch::session_batch;
use souffleur_simulator::world::RULES;
use souffleur_simulator::{Simulated, Simulation, SimulationSettings};

use crate::failure_analyzer::contributions::{groups, variant_log_odds};
use crate::failure_analyzer::params::Params;
use crate::failure_analyzer::train::{Run, train};

/// Sessions of the log that is learnt from.
const LOG_SESSIONS: u64 = 8000;
/// Bins of stated reductions.
const BINS: usize = 10;
/// Fresh sessions the advice is followed in.
const FRESH_SESSIONS: u64 = 4000;

/// A steady world, every choice logged with its probability.
fn history(sessions: u64, seed: u64) -> Result<Vec<Simulated>, ComponentError> {
    let settings = SimulationSettings { feedback_share: 0.0, ..SimulationSettings::steady(sessions, seed) };
    Ok(Simulation::new(settings).map_err(|e| ComponentError::Data(e.to_string()))?.collect())
}

fn rule_of(id: &str) -> Option<usize> {
    RULES.iter().position(|rule| rule.name == id)
}

/// Learns advice from a planted log and measures it by the truth.
///
/// `preventable_reduction` is the share of the preventable failures that following the advice in fresh sessions prevents:
/// preventable are, in expectation, the failures that the best rule for each session would have spared compared with
/// what the policy of the log does. Most failures of this world come from modes that no rule mends: even who knows all
/// prevents only `failure_reduction_best` of them. `replay_error` is how far the rate of failure estimated from the log
/// for the advice is from the true one; `replay_covered` is 1 if its interval holds the truth.
pub(in crate::failure_analyzer) fn certify(
    seed: u64,
    params: &Params,
    job: &Job,
) -> Result<Vec<Measurement>, ComponentError> {
    let log = history(LOG_SESSIONS, seed)?;
    let run = train(params, &session_batch(log.iter().map(|s| &s.session)), job)?;
    let mut measured = followed(params, &run, &history(FRESH_SESSIONS, !seed)?, job)?;
    measured.extend(replayed(&run, &log)?);
    Ok(measured)
}

/// What following the advice does in fresh sessions.
fn followed(params: &Params, run: &Run, fresh: &[Simulated], job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let batch = session_batch(fresh.iter().map(|s| &s.session));
    let groups: Vec<_> = groups().collect();
    let (mut usual, mut spared, mut possible) = (0.0, 0.0, 0.0);
    let (mut harmed, mut claims) = (0.0, Vec::new());
    for (row, simulated) in batch.features.outer_iter().zip(fresh) {
        job.check()?;
        let before = simulated.truth.p_failure_before;
        usual += before;
        let best = (0..RULES.len()).map(|rule| simulated.p_failure_under(rule)).fold(before, f64::min);
        possible += before - best;
        let (log_odds, _) = variant_log_odds(&run.model, ArrayView1::from(&row), &groups[..0])?;
        let p = run.model.calibration.probability(log_odds[0])?;
        let advice = run.model.advisor.advise(params, row, p)?;
        if let Some((suggestion, rule)) = advice.rules.first().and_then(|s| Some((s, rule_of(&s.rule_id)?))) {
            let reduction = before - simulated.p_failure_under(rule);
            spared += reduction;
            harmed += f64::from(u8::from(reduction < 0.0));
            claims.push(Claim { said: suggestion.reduction, low: suggestion.low, high: suggestion.high, truth: reduction });
        }
    }
    let advised = claims.len() as f64;
    let (error, coverage) = claim_figures(claims);
    Ok(vec![
        Measurement::new("preventable_reduction", spared / possible),
        Measurement::new("failure_reduction", spared / usual),
        Measurement::new("failure_reduction_best", possible / usual),
        Measurement::new("advised_share", advised / fresh.len() as f64),
        Measurement::new("advice_harms_share", harmed / advised.max(1.0)),
        Measurement::new("advice_error", error),
        Measurement::new("advice_interval_coverage", coverage),
    ])
}

/// What was said of a session's advice, and what is so.
struct Claim {
    said: f64,
    low: f64,
    high: f64,
    truth: f64,
}

/// By how much stated reductions are off on average of ten bins of equal mass, and the share of bins whose mean true
/// reduction lies in the mean interval: intervals are of the mean over sessions that are judged alike.
fn claim_figures(mut claims: Vec<Claim>) -> (f64, f64) {
    claims.sort_by(|a, b| a.said.total_cmp(&b.said));
    let size = claims.len().div_ceil(BINS).max(1);
    let (mut error, mut covered, mut bins) = (0.0, 0.0, 0.0);
    for bin in claims.chunks(size) {
        let mean = |of: fn(&Claim) -> f64| bin.iter().map(of).sum::<f64>() / bin.len() as f64;
        let truth = mean(|c| c.truth);
        error += (mean(|c| c.said) - truth).abs();
        covered += f64::from(u8::from((mean(|c| c.low)..=mean(|c| c.high)).contains(&truth)));
        bins += 1.0;
    }
    (error / f64::max(bins, 1.0), covered / f64::max(bins, 1.0))
}

/// How right the replay of the log is.
fn replayed(run: &Run, log: &[Simulated]) -> Result<Vec<Measurement>, ComponentError> {
    let (Some(replay), Some(figures)) = (&run.replay, &run.report.advice.preventable) else {
        let reason = run.report.advice.reason.clone().unwrap_or_default();
        return Err(ComponentError::Data(format!("the planted log was not replayed: {reason}")));
    };
    let truly = |(simulated, advised): (&Simulated, &Option<usize>)| {
        let id = advised.and_then(|rule| replay.rule_ids.get(rule));
        let under = id.and_then(|id| rule_of(id)).map(|rule| simulated.p_failure_under(rule));
        under.map_or(0.0, |under| simulated.truth.p_failure_before - under)
    };
    let truth: f64 = log.iter().zip(&replay.advised).map(truly).sum();
    let covered = (figures.prevented_low..=figures.prevented_high).contains(&truth);
    Ok(vec![
        Measurement::new("replay_error", (figures.prevented - truth).abs() / figures.sessions as f64),
        Measurement::new("replay_covered", f64::from(u8::from(covered))),
        Measurement::new("replay_prevented", figures.prevented),
        Measurement::new("replay_prevented_true", truth),
        Measurement::new("replay_deviation", (figures.prevented_high - figures.prevented_low) / 3.92),
    ])
}
