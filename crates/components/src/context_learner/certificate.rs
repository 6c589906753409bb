//! The planted cases: one small for the probe, ten kinds of mixture and a simulated history for the certificate.

use ndarray::Array2;
use souffleur_algorithms::clustering_quality::matched_accuracy;
use souffleur_core::batch::{SessionRules, TrainingBatch};
use souffleur_core::component::{KnownAnswer, Measurement};
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;
use souffleur_core::query::Query as DataQuery;
use souffleur_simulator::batch::{no_rules, planted_batch, session_batch};
use souffleur_simulator::{Mixture, MixtureKind, Simulated, Simulation, SimulationSettings, mixture};

use super::answer::Answer;
use super::clusters::Place;
use super::params::Params;
use super::{ContextLearner, train};
use crate::bridge::asked::Asked;

/// Rows of the probe, and of each mixture of the certificate.
const PROBE_ROWS: usize = 300;
const MIXTURE_ROWS: usize = 1500;
/// Sessions of the simulated history.
const HISTORY_SESSIONS: u64 = 6000;
/// Resamples for each mixture.
const RESAMPLES: usize = 5;

fn batch(features: Array2<f32>, success: Vec<f32>, rules: SessionRules) -> TrainingBatch {
    planted_batch(DataQuery::all_features(), features, success, rules)
}

/// Six teams; in the first one a rule helps, in all others it does not. A session of the first team is asked about.
pub(super) fn probe() -> KnownAnswer<ContextLearner> {
    let Mixture { features, labels, .. } = mixture(MixtureKind::OneHot, 0x5057, PROBE_ROWS);
    let mut rules = SessionRules { rule_ids: vec!["be_brief".into()], ..SessionRules::default() };
    let mut success = Vec::new();
    for (row, label) in labels.iter().enumerate() {
        let applied = row % 2 == 0;
        if applied {
            rules.rule.push(0);
            rules.improvement_score.push(f32::NAN);
            rules.propensity.push(0.5);
        }
        rules.starts.push(rules.rule.len() as u32);
        let wobble = (row * 7919 % 101) as f32 / 1010.0;
        success.push(0.45 + wobble + if applied && *label == 0 { 0.3 } else { 0.0 });
    }
    let asked = labels.iter().position(|label| *label == 0).unwrap_or(0);
    let features_asked = features.row(asked).to_vec();
    KnownAnswer {
        batch: batch(features, success, rules),
        query: Asked { features: Some(features_asked), ..Asked::default() },
        verify,
    }
}

fn verify(answer: &Answer) -> Result<(), String> {
    if answer.context.is_none() || answer.membership < 0.5 {
        return Err(format!("a session of a known team is in context {:?}, {}", answer.context, answer.membership));
    }
    if !(0.1..0.25).contains(&answer.share) {
        return Err(format!("its context has a share of {}, one in six was planted", answer.share));
    }
    match answer.rules.first() {
        Some(rule) if rule.effect > 0.05 && rule.low > 0.0 => Ok(()),
        other => Err(format!("the rule that helps in this context is {other:?}")),
    }
}

/// How well the contexts of the ten mixtures are recovered, and what is known of rules in a simulated history.
///
/// `context_accuracy` and `bootstrap_ari` are means over the ten kinds, beside which the least stands; each kind has its
/// own figures, and the ceiling that whoever knows how its rows are drawn would reach.
pub(super) fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let params = Params { resamples: RESAMPLES, ..Params::default() };
    let mut measured = Vec::new();
    let (mut accuracies, mut stabilities) = (Vec::new(), Vec::new());
    for kind in MixtureKind::ALL {
        let Mixture { features, labels, ceiling } = mixture(kind, seed, MIXTURE_ROWS);
        let n = labels.len();
        let batch = batch(features, vec![f32::NAN; n], no_rules(n));
        let (model, report) = train::train(&params, None, &batch, job)?;
        let rows = model.space.coordinates(batch.features.view())?;
        let places = model.clusters.place(rows.view(), &()).map_err(|failed| failed.into_error(job))?;
        let found: Vec<i32> = places.iter().map(Place::label).collect();
        let accuracy = matched_accuracy(&found, &labels).map_err(|e| ComponentError::Data(e.to_string()))?;
        measured.push(Measurement::new(format!("context_accuracy_{}", kind.name()), accuracy));
        measured.push(Measurement::new(format!("context_ceiling_{}", kind.name()), ceiling));
        measured.push(Measurement::new(format!("bootstrap_ari_{}", kind.name()), report.bootstrap_ari));
        accuracies.push(accuracy);
        stabilities.push(report.bootstrap_ari);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let least = |values: &[f64]| values.iter().copied().fold(1.0, f64::min);
    measured.push(Measurement::new("context_accuracy", mean(&accuracies)));
    measured.push(Measurement::new("context_accuracy_worst", least(&accuracies)));
    measured.push(Measurement::new("bootstrap_ari", mean(&stabilities)));
    measured.push(Measurement::new("bootstrap_ari_worst", least(&stabilities)));
    measured.extend(rule_figures(seed, &params, job)?);
    Ok(measured)
}

/// On a simulated history: how often the intervals hold the true effect, and what is lost by taking the rule said to be
/// best in each context instead of the one that is.
fn rule_figures(seed: u64, params: &Params, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let settings = SimulationSettings {
        sessions: HISTORY_SESSIONS,
        seed,
        drift_from: None,
        poisoned_share: 0.0,
        feedback_share: 0.0,
        logged_share: 1.0,
        ..SimulationSettings::default()
    };
    let mut simulation = Simulation::new(settings).map_err(|e| ComponentError::Data(e.to_string()))?;
    let simulated: Vec<Simulated> = simulation.by_ref().collect();
    let truths = simulation.truths();
    let batch = session_batch(simulated.iter().map(|s| &s.session));
    let (model, _) = train::train(params, None, &batch, job)?;
    let rows = model.space.coordinates(batch.features.view())?;
    let places = model.clusters.place(rows.view(), &()).map_err(|failed| failed.into_error(job))?;
    let rule = |id: &str| truths.rules.iter().position(|rule| rule.rule_id == id);
    let (mut covered, mut all, mut regret, mut sessions) = (0.0, 0.0f64, 0.0, 0.0f64);
    for (cluster, context) in model.contexts.iter().enumerate() {
        let members: Vec<&Simulated> =
            simulated.iter().zip(&places).filter(|(_, p)| p.cluster == Some(cluster)).map(|(s, _)| s).collect();
        // What each rule, and what was done on average, adds in this context, in truth.
        let of_rule = |r: usize| members.iter().map(|s| truths.contexts[s.truth.context].effects[r]).sum::<f64>();
        let count = members.len() as f64;
        let effects: Vec<f64> = (0..truths.rules.len()).map(|r| of_rule(r) / count).collect();
        let usual = members.iter().map(|s| s.truth.effect).sum::<f64>() / count;
        for known in &context.preferences {
            let Some(effect) = rule(&known.rule_id).map(|r| effects[r] - usual) else { continue };
            covered += f64::from(u8::from((known.low..=known.high).contains(&effect)));
            all += 1.0;
        }
        if let Some(taken) = context.preferences.first().and_then(|p| rule(&p.rule_id)) {
            regret += count * (effects.iter().copied().fold(f64::MIN, f64::max) - effects[taken]);
            sessions += count;
        }
    }
    let found: Vec<i32> = places.iter().map(Place::label).collect();
    let planted: Vec<i32> = simulated.iter().map(|s| s.truth.context as i32).collect();
    let accuracy = matched_accuracy(&found, &planted).map_err(|e| ComponentError::Data(e.to_string()))?;
    Ok(vec![
        Measurement::new("history_accuracy", accuracy),
        Measurement::new("preference_coverage", covered / all.max(1.0)),
        Measurement::new("preference_regret", regret / sessions.max(1.0)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::certified;
    use crate::bridge::stopped_clock;

    fn job() -> Job {
        stopped_clock::job(5)
    }

    #[test]
    fn every_bar_is_cleared_by_the_first_seeds() {
        certified::clears_every_bar::<ContextLearner>(2);
    }

    #[test]
    fn a_rule_that_helps_elsewhere_fails_the_probe() {
        certified::probe_fails_where::<ContextLearner>(|batch| {
            // The outcomes of the sessions with the rule are turned round.
            for (row, score) in batch.outcomes.success_score.iter_mut().enumerate() {
                *score = if row % 2 == 0 { 1.0 - *score } else { *score };
            }
        });
    }

    /// A batch of these rows of a mixture, as if they had come in this order.
    fn part(mixture: &Mixture, rows: &[usize]) -> TrainingBatch {
        let n = rows.len();
        batch(mixture.features.select(ndarray::Axis(0), rows), vec![f32::NAN; n], no_rules(n))
    }

    fn quick() -> Params {
        Params { resamples: 2, ..Params::default() }
    }

    #[test]
    fn attaching_in_parts_gives_the_same_contexts_as_attaching_at_once() {
        let mixture = mixture(MixtureKind::Blobs, 9, 900);
        let first = |rows: usize| part(&mixture, &(0..rows).collect::<Vec<usize>>());
        let (start, report) = train::train(&quick(), None, &first(700), &job()).unwrap();
        assert!(report.update.clustered);
        let (at_once, report) = train::train(&quick(), Some(&start), &first(900), &job()).unwrap();
        assert!(!report.update.clustered && report.update.new_sessions == 200, "{:?}", report.update);
        let (mut in_parts, mut rows) = (start, 700);
        while rows < 900 {
            rows += 40;
            let (next, report) = train::train(&quick(), Some(&in_parts), &first(rows), &job()).unwrap();
            assert!(!report.update.clustered && report.update.new_sessions == 40, "{:?}", report.update);
            in_parts = next;
        }
        assert!(at_once == in_parts, "the models differ");
    }

    #[test]
    fn contexts_keep_their_numbers_and_a_new_one_gets_a_new_number() {
        let mixture = mixture(MixtureKind::Blobs, 11, 1500);
        let of = |new: bool| (0..1500).filter(|row| (mixture.labels[*row] == 4) == new).collect::<Vec<usize>>();
        let (known, new) = (of(false), of(true));
        let (start, first) = train::train(&quick(), None, &part(&mixture, &known), &job()).unwrap();
        let all: Vec<usize> = known.iter().chain(&new).copied().collect();
        let (_, second) = train::train(&quick(), Some(&start), &part(&mixture, &all), &job()).unwrap();
        assert!(second.update.clustered && second.update.new_sessions == new.len(), "{:?}", second.update);
        assert!(second.update.new_unknown_share > 0.9, "{:?}", second.update);
        let ids = |report: &crate::context_learner::Report| report.contexts.iter().map(|c| c.id).collect::<Vec<u32>>();
        assert_eq!((ids(&first).len(), second.update.appeared.as_slice()), (4, [5].as_slice()));
        assert!(second.update.vanished.is_empty() && ids(&first).iter().all(|id| ids(&second).contains(id)));
        assert!(second.contexts.iter().all(|c| c.share_before.is_none() == (c.id == 5)));
    }

    #[test]
    fn other_weights_cluster_all_again_and_contexts_keep_their_numbers() {
        let mixture = mixture(MixtureKind::OneHot, 3, 900);
        let batch = part(&mixture, &(0..900).collect::<Vec<usize>>());
        let (start, first) = train::train(&quick(), None, &batch, &job()).unwrap();
        let heavier = Params { category_weight: 1.0, ..quick() };
        let (_, second) = train::train(&heavier, Some(&start), &batch, &job()).unwrap();
        assert!(second.update.clustered && second.update.reason.contains("weights"), "{:?}", second.update);
        assert!(first.contexts.len() == 6 && second.update.vanished.is_empty(), "{:?}", second.update);
    }

    #[test]
    fn a_few_odd_rows_are_no_drift() {
        let mixture = mixture(MixtureKind::Blobs, 5, 1220);
        let mut rows: Vec<usize> = (0..1200).collect();
        let (start, _) = train::train(&quick(), None, &part(&mixture, &rows), &job()).unwrap();
        // Eight sessions of one context move its share among the new ones to all of them.
        rows.extend((0..1200).filter(|row| mixture.labels[*row] == 0).take(8));
        let (_, report) = train::train(&quick(), Some(&start), &part(&mixture, &rows), &job()).unwrap();
        assert!(!report.update.clustered, "{:?}", report.update);
    }

    #[test]
    fn what_is_like_nothing_known_is_said_to_be_so() {
        let mixture = mixture(MixtureKind::Blobs, 7, 900);
        let batch = part(&mixture, &(0..900).collect::<Vec<usize>>());
        let (model, _) = train::train(&quick(), None, &batch, &job()).unwrap();
        let ask = |features: Vec<f32>| {
            let query = Asked { features: Some(features), ..Asked::default() };
            super::super::answer::answer(&model, &query).unwrap()
        };
        let near = ask(mixture.features.row(3).to_vec());
        assert!(!near.like_nothing_known && near.membership > 0.9, "{near:?}");
        let mut odd = mixture.features.row(3).to_vec();
        odd[5..13].iter_mut().for_each(|v| *v = if *v > 0.5 { 0.0 } else { 1.0 });
        let far = ask(odd);
        assert!(far.like_nothing_known && far.context.is_none() && far.membership == 0.0, "{far:?}");
        assert!(!far.alternatives.is_empty() && far.alternatives[0].membership < 0.9, "{far:?}");
    }
}
