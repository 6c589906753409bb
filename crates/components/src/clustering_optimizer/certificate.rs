//! The planted cases: one small for the probe, teams and a simulated history for the certificate.

use ndarray::Array2;
use souffleur_algorithms::clustering_quality::{adjusted_rand_index, silhouette};
use souffleur_core::batch::SessionRules;
use souffleur_core::component::{KnownAnswer, Measurement};
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;
use souffleur_core::query::Query as DataQuery;
use souffleur_simulator::batch::{planted_batch, session_batch};
use souffleur_simulator::world::RULES;
use souffleur_simulator::{Mixture, MixtureKind, Simulated, Simulation, SimulationSettings, mixture};

use super::answer::Answer;
use super::params::Params;
use super::patterns::discover;
use super::{ClusteringOptimizer, train};
use crate::bridge::Phases;
use crate::bridge::asked::Asked;
use crate::bridge::matched::{Circumstance, Outcomes};
use crate::bridge::space::{Space, Weights};

/// Rows of the probe, and of each mixture of the certificate.
const PROBE_ROWS: usize = 240;
const MIXTURE_ROWS: usize = 400;
/// Sessions of the simulated history.
const HISTORY_SESSIONS: u64 = 6000;
/// A mixture is held against the bar of the silhouette where its planted groups have at least this.
const PLANTED_SILHOUETTE: f64 = 0.6;

/// Six teams; a rule helps half of the sessions in which it is applied. A session of the first team is asked about.
pub(super) fn probe() -> KnownAnswer<ClusteringOptimizer> {
    let Mixture { features, labels, .. } = mixture(MixtureKind::OneHot, 0x5057, PROBE_ROWS);
    let mut rules = SessionRules { rule_ids: vec!["be_brief".into()], ..SessionRules::default() };
    let mut success = Vec::new();
    for row in 0..PROBE_ROWS {
        let applied = row % 2 == 0;
        if applied {
            rules.rule.push(0);
            rules.improvement_score.push(f32::NAN);
            rules.propensity.push(0.5);
        }
        rules.starts.push(rules.rule.len() as u32);
        let lucky = row * 7919 % 101 < 40;
        let helped = applied && row * 104_729 % 97 < 60;
        success.push(if lucky || helped { 0.75 } else { 0.25 });
    }
    let asked = labels.iter().position(|label| *label == 0).unwrap_or(0);
    let features_asked = features.row(asked).to_vec();
    KnownAnswer {
        batch: planted_batch(DataQuery::all_features(), features, success, rules),
        query: Asked { features: Some(features_asked), ..Asked::default() },
        verify,
    }
}

fn verify(answer: &Answer) -> Result<(), String> {
    if answer.cluster.is_none() || !(0.05..0.5).contains(&answer.share) {
        let Answer { cluster, share, .. } = answer;
        return Err(format!("a session of one of six teams is in cluster {cluster:?} with a share of {share}"));
    }
    match answer.patterns.first() {
        Some(pattern) if pattern.rules == ["be_brief"] && pattern.low > 0.0 && pattern.difference < 0.7 => Ok(()),
        other => Err(format!("the rule that helps is {other:?}")),
    }
}

/// What the search makes of planted groups, and the discovery of a simulated history.
///
/// `silhouette` is the least of the mixtures whose planted groups have .6 or more themselves; `grid_score_reached` the least
/// ratio of the search's score to the exhaustive grid's; `grid_fits_share` the clusterings it took, as a share of the grid's.
/// `pattern_rate` is how many patterns are found and true for each one that comparing rules alone finds, true or not.
pub(super) fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let params = Params::default();
    let mut measured = Vec::new();
    let (mut least, mut reached, mut fits, mut grid_fits) = (f64::INFINITY, f64::INFINITY, 0, 0);
    for kind in MixtureKind::ALL {
        let Mixture { features, labels, .. } = mixture(kind, seed, MIXTURE_ROWS);
        let watch = |_: u64, _: u64| job.check().map_err(|_| souffleur_algorithms::Interrupted);
        let failed = |e: &dyn std::error::Error| ComponentError::Data(format!("{}: {e}", kind.name()));
        let search = train::search(&params, seed)?;
        let rows = Space::of(Weights::default()).coordinates(features.view())?;
        let found = search.search(rows.view(), &watch).map_err(|e| failed(&e))?;
        let grid = search.grid(rows.view(), &watch).map_err(|e| failed(&e))?;
        let inside = labels.iter().filter(|label| **label >= 0).count() as f64 / labels.len() as f64;
        let planted = inside * silhouette(rows.view(), &labels, &watch).map_err(|e| failed(&e))?.mean;
        let same = adjusted_rand_index(&found.labels, &labels).map_err(|e| failed(&e))?;
        measured.push(Measurement::new(format!("silhouette_{}", kind.name()), found.best.silhouette));
        measured.push(Measurement::new(format!("silhouette_planted_{}", kind.name()), planted));
        measured.push(Measurement::new(format!("planted_ari_{}", kind.name()), same));
        if planted >= PLANTED_SILHOUETTE {
            least = least.min(found.best.silhouette);
        }
        reached = reached.min(found.best.score / grid.best.score);
        fits += found.fits;
        grid_fits += grid.fits;
    }
    if least.is_infinite() {
        return Err(ComponentError::Data(format!("no planted mixture has a silhouette of {PLANTED_SILHOUETTE}")));
    }
    measured.push(Measurement::new("silhouette", least));
    measured.push(Measurement::new("grid_score_reached", reached));
    measured.push(Measurement::new("grid_fits_share", fits as f64 / grid_fits as f64));
    measured.extend(pattern_figures(seed, &params, job)?);
    Ok(measured)
}

fn rule_of(id: &str) -> Option<usize> {
    RULES.iter().position(|rule| rule.name == id)
}

/// By how much more often the sessions of a pattern succeed in truth than they would under what the policy of the log does
/// instead of its rule.
fn true_difference(simulated: &[&Simulated], rule: usize) -> f64 {
    let of = |one: &&Simulated| {
        let others = (0..RULES.len()).filter(|other| *other != rule);
        let chosen = 1.0 - one.truth.propensities[rule];
        let usual: f64 = others.map(|other| one.truth.propensities[other] * one.p_failure_under(other)).sum();
        usual / chosen - one.p_failure_under(rule)
    };
    simulated.iter().map(of).sum::<f64>() / simulated.len().max(1) as f64
}

/// How many patterns are found and true in a steady world in which every rule's choice depends on the prompt.
fn pattern_figures(seed: u64, params: &Params, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let settings = SimulationSettings { feedback_share: 0.0, ..SimulationSettings::steady(HISTORY_SESSIONS, seed) };
    let mut simulation = Simulation::new(settings).map_err(|e| ComponentError::Data(e.to_string()))?;
    let log: Vec<Simulated> = simulation.by_ref().collect();
    let batch = session_batch(log.iter().map(|s| &s.session));
    let contexts = simulation.truths().contexts;
    let cluster: Vec<i32> = log.iter().map(|s| s.truth.context as i32).collect();
    let words: Vec<String> = contexts.into_iter().map(|context| context.name).collect();
    let found = discover(params, &batch, &Outcomes::of(&batch), &cluster, &words, &Phases::new(job, 1))?;
    let features: Array2<f32> = batch.features.to_owned();
    let with = |rule: usize, circumstance: Circumstance| -> Vec<&Simulated> {
        let holds = |i: &usize| circumstance.holds(features.row(*i), cluster[*i]);
        let applied = |s: &&Simulated| s.session.rules.iter().any(|r| rule_of(&r.rule_id) == Some(rule));
        (0..log.len()).filter(holds).map(|i| &log[i]).filter(applied).collect()
    };
    let (mut true_patterns, mut covered) = (0.0, 0.0);
    for known in &found.found {
        let Some(rule) = known.pattern.rules.first().and_then(|id| rule_of(id)) else { continue };
        let truth = true_difference(&with(rule, known.circumstance), rule);
        true_patterns += f64::from(u8::from(truth > 0.0));
        covered += f64::from(u8::from((known.pattern.low..=known.pattern.high).contains(&truth)));
    }
    let all = found.found.len() as f64;
    let single = found.found_by_baseline.iter().filter_map(|id| rule_of(id));
    let true_singles = single.filter(|rule| true_difference(&with(*rule, Circumstance::Any), *rule) > 0.0).count();
    let baseline = found.found_by_baseline.len() as f64;
    Ok(vec![
        Measurement::new("pattern_rate", true_patterns / baseline.max(1.0)),
        Measurement::new("pattern_false_discoveries", (all - true_patterns) / all.max(1.0)),
        Measurement::new("pattern_interval_coverage", covered / all.max(1.0)),
        Measurement::new("patterns_found", all),
        Measurement::new("patterns_by_baseline", baseline),
        Measurement::new("patterns_by_baseline_true", true_singles as f64),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::certified;
    use crate::bridge::stopped_clock;

    #[test]
    fn every_bar_is_cleared_by_the_first_seed() {
        certified::clears_every_bar::<ClusteringOptimizer>(1);
    }

    #[test]
    fn a_rule_that_harms_fails_the_probe() {
        certified::probe_fails_where::<ClusteringOptimizer>(certified::turn_outcomes);
    }

    #[test]
    fn what_is_missing_for_patterns_is_said() {
        let case = probe();
        let reason = |change: fn(&mut souffleur_core::batch::TrainingBatch)| {
            let mut batch = case.batch.clone();
            change(&mut batch);
            let params = Params { resamples: 2, clusters_max: 3, ..Params::default() };
            let (_, report) = train::train(&params, &batch, &stopped_clock::job(1)).unwrap();
            assert!(report.patterns.found.is_empty() && report.best.clusters >= 2);
            report.patterns.reason.unwrap()
        };
        assert!(reason(|batch| batch.session_rules = None).contains("which rules were applied"));
        let unknown = reason(|batch| batch.outcomes.success_score.fill(f32::NAN));
        assert_eq!(unknown, "0 sessions have a known outcome; at least 60 are needed");
        assert!(reason(|batch| batch.outcomes.success_score.fill(0.9)).contains("that failed, or that succeeded"));
        let all = reason(|batch| batch.session_rules = Some(souffleur_simulator::batch::no_rules(PROBE_ROWS)));
        assert!(all.contains("often enough"), "{all}");
    }
}
