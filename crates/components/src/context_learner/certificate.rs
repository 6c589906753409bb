//! The planted cases: one small for the probe, ten kinds of mixture and a simulated history for the certificate.

use std::collections::BTreeMap;

use ndarray::Array2;
use souffleur_algorithms::clustering_quality::matched_accuracy;
use souffleur_core::batch::{DataQuality, Outcomes, Rows, SessionRules, TrainingBatch};
use souffleur_core::component::{KnownAnswer, Measurement};
use souffleur_core::error::ComponentError;
use souffleur_core::features::{COLUMNS, FeatureSchema};
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::job::Job;
use souffleur_core::query::Query as DataQuery;
use souffleur_simulator::batch::session_batch;
use souffleur_simulator::{Mixture, MixtureKind, Simulated, Simulation, SimulationSettings, mixture};

use super::answer::{Answer, Query};
use super::params::Params;
use super::space::coordinates;
use super::{ContextLearner, train};

/// Rows of the probe, and of each mixture of the certificate.
const PROBE_ROWS: usize = 300;
const MIXTURE_ROWS: usize = 1500;
/// Sessions of the simulated history.
const HISTORY_SESSIONS: u64 = 6000;
/// Resamples for each mixture.
const RESAMPLES: usize = 5;

/// A batch of its own making, in the order of the rows.
fn batch(features: Array2<f32>, success: Vec<f32>, rules: SessionRules) -> TrainingBatch {
    let n = features.nrows();
    let seqs: Vec<Seq> = (1..=n as i64).map(Seq).collect();
    let unknown = vec![f32::NAN; n];
    TrainingBatch {
        query: DataQuery { session_rules: true, ..DataQuery::all_features() },
        version: DataVersion { watermark: Seq(n as i64), schema_hash: FeatureSchema::current().hash },
        columns: COLUMNS.iter().map(|c| c.name).collect(),
        features: features.into(),
        rows: Rows { seq: seqs.clone(), session: seqs, event_time_us: vec![0; n], synthetic: vec![true; n] },
        outcomes: Outcomes {
            quality_score: success.clone(),
            success_score: success,
            improvement_score: unknown.clone(),
            mean_rating: unknown,
            ratings: vec![0; n],
        },
        applications: None,
        session_rules: Some(rules),
        metrics: Vec::new(),
        documents: Vec::new(),
        products: BTreeMap::new(),
        quality: DataQuality { score: 1.0, synthetic: 1.0, ..DataQuality::default() },
    }
}

/// No rules in any of `n` sessions.
fn no_rules(n: usize) -> SessionRules {
    SessionRules { starts: vec![0; n + 1], ..SessionRules::default() }
}

/// Six teams; in the first one a rule helps, in all others it does not. A session of the first team is asked about.
pub(super) fn probe() -> KnownAnswer<ContextLearner> {
    let Mixture { features, labels } = mixture(MixtureKind::OneHot, 0x5057, PROBE_ROWS);
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
        query: Query { features: Some(features_asked), ..Query::default() },
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
pub(super) fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let params = Params { resamples: RESAMPLES, ..Params::default() };
    let mut measured = Vec::new();
    let (mut accuracies, mut stabilities) = (Vec::new(), Vec::new());
    for kind in MixtureKind::ALL {
        let Mixture { features, labels } = mixture(kind, seed, MIXTURE_ROWS);
        let rows = coordinates(features.view(), &params)?;
        let n = labels.len();
        let (model, report) = train::train(&params, None, &batch(features, vec![f32::NAN; n], no_rules(n)), job)?;
        let places = model.clusters.place(rows.view(), &()).map_err(|failed| failed.into_error(job))?;
        let found: Vec<i32> = places.iter().map(|p| p.cluster.map_or(-1, |c| c as i32)).collect();
        let accuracy = matched_accuracy(&found, &labels).map_err(|e| ComponentError::Data(e.to_string()))?;
        measured.push(Measurement::new(format!("context_accuracy_{}", kind.name()), accuracy));
        measured.push(Measurement::new(format!("bootstrap_ari_{}", kind.name()), report.bootstrap_ari));
        accuracies.push(accuracy);
        stabilities.push(report.bootstrap_ari);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    measured.push(Measurement::new("context_accuracy", mean(&accuracies)));
    measured.push(Measurement::new("context_accuracy_worst", accuracies.iter().copied().fold(1.0, f64::min)));
    measured.push(Measurement::new("bootstrap_ari", mean(&stabilities)));
    measured.push(Measurement::new("bootstrap_ari_worst", stabilities.iter().copied().fold(1.0, f64::min)));
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
    let rows = coordinates(batch.features.view(), params)?;
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
    Ok(vec![
        Measurement::new("preference_coverage", covered / all.max(1.0)),
        Measurement::new("preference_regret", regret / sessions.max(1.0)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::stopped_clock;

    fn job() -> Job {
        stopped_clock::job(5)
    }

    #[test]
    fn every_bar_is_cleared_by_the_first_seeds() {
        use souffleur_core::component::Component;
        let mut measured = Vec::new();
        for seed in 0..2 {
            let figures = certify(seed, &stopped_clock::job(seed)).unwrap();
            figures.iter().for_each(|m| println!("seed {seed}: {} {:.4}", m.metric, m.value));
            measured.push(figures);
        }
        for bar in ContextLearner::BARS {
            let of = |figures: &Vec<Measurement>| figures.iter().find(|m| m.metric == bar.metric).unwrap().value;
            let figure = bar.figure(&measured.iter().map(of).collect::<Vec<_>>());
            assert!(bar.cleared_by(figure), "{} is {figure}, the bar is {}", bar.metric, bar.value);
        }
    }

    #[test]
    fn a_rule_that_helps_elsewhere_fails_the_probe() {
        let case = probe();
        let mut shifted = case.batch.clone();
        // The outcomes of the sessions with the rule are turned round.
        for (row, score) in shifted.outcomes.success_score.iter_mut().enumerate() {
            *score = if row % 2 == 0 { 1.0 - *score } else { *score };
        }
        let params = Params::default();
        for (batch, right) in [(case.batch, true), (shifted, false)] {
            let (model, _) = train::train(&params, None, &batch, &job()).unwrap();
            let answer = super::super::answer::answer(&params, &model, &case.query).unwrap();
            assert_eq!((case.verify)(&answer).is_ok(), right, "{answer:?}");
        }
    }

    #[test]
    fn attaching_in_parts_gives_the_same_contexts_as_attaching_at_once() {
        let Mixture { features, labels } = mixture(MixtureKind::Blobs, 9, 900);
        let part = |rows: usize| {
            let cut = features.slice(ndarray::s![..rows, ..]).to_owned();
            batch(cut, vec![f32::NAN; rows], no_rules(rows))
        };
        let params = Params { resamples: 2, ..Params::default() };
        let (start, first) = train::train(&params, None, &part(700), &job()).unwrap();
        assert!(first.update.clustered);
        let (at_once, report) = train::train(&params, Some(&start), &part(900), &job()).unwrap();
        assert!(!report.update.clustered, "{:?}", report.update);
        let (middle, _) = train::train(&params, Some(&start), &part(800), &job()).unwrap();
        let (in_parts, _) = train::train(&params, Some(&middle), &part(900), &job()).unwrap();
        assert!(at_once == in_parts, "the models differ");
        assert_eq!(labels.len(), 900);
    }

    #[test]
    fn contexts_keep_their_numbers_and_a_new_one_gets_a_new_number() {
        let Mixture { features, labels } = mixture(MixtureKind::Blobs, 11, 1500);
        let of = |keep: &dyn Fn(i32) -> bool| {
            let rows: Vec<usize> = (0..1500).filter(|row| keep(labels[*row])).collect();
            let n = rows.len();
            batch(features.select(ndarray::Axis(0), &rows), vec![f32::NAN; n], no_rules(n))
        };
        let params = Params { resamples: 2, ..Params::default() };
        let (start, first) = train::train(&params, None, &of(&|label| label < 4), &job()).unwrap();
        let mut later = of(&|_| true);
        // All rows are known but those of the fifth group, which come last.
        later.rows.seq = later.rows.seq.iter().map(|seq| Seq(seq.0 + 10_000)).collect();
        let (_, second) = train::train(&params, Some(&start), &later, &job()).unwrap();
        assert!(second.update.clustered, "{:?}", second.update);
        let ids = |report: &crate::context_learner::Report| report.contexts.iter().map(|c| c.id).collect::<Vec<u32>>();
        assert_eq!((ids(&first).len(), second.update.appeared.as_slice()), (4, [5].as_slice()));
        assert!(second.update.vanished.is_empty() && ids(&first).iter().all(|id| ids(&second).contains(id)));
    }
}
