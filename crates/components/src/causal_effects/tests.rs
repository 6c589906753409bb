use souffleur_core::component::Component;
use souffleur_simulator::batch::session_batch;
use souffleur_simulator::{RuleWorld, Simulation, SimulationSettings, log_rule};

use super::*;
use crate::bridge::stopped_clock;
use crate::causal_effects::report::Evidence;
use crate::causal_effects::{CausalEffects, Query, certificate};

fn params() -> Params {
    Params { refuter_repeats: 2, ..Params::default() }
}

fn learn(params: &Params, batch: &TrainingBatch) -> (Model, Report) {
    train(params, batch, &stopped_clock::job(1)).unwrap()
}

#[test]
fn a_planted_log_is_read_rightly_and_told_in_words() {
    let world = RuleWorld::draw(2);
    let (_, report) = learn(&params(), &world.log(5, 2000, 1.0).batch);
    assert_eq!((report.rules.len(), report.sessions, report.prompts), (5, 2000, 2000));
    assert_eq!(report.graph.adjusted_for.len(), 11, "ten columns and the other rules: {:?}", report.graph);
    for rule in &report.rules {
        let number = (0..5).find(|number| log_rule(*number) == rule.rule_id).unwrap();
        let truth = world.average_effect(number);
        let wide = rule.debiased.high - rule.debiased.low;
        assert!((rule.debiased.effect - truth).abs() < wide, "{truth}: {rule:?}");
        assert_eq!((rule.compared_with, rule.propensities), (Comparison::WithoutIt, Evidence::Logged));
        assert!(rule.q_value >= rule.p_value && rule.overlap.comparable > 0.9, "{rule:?}");
        assert!(rule.refuters.len() == 3 && rule.e_value.is_some(), "{rule:?}");
        if truth == 0.0 {
            assert!(rule.verdict == Verdict::Unclear || rule.p_value > 0.001, "{rule:?}");
        }
    }
    assert!(report.rules.iter().any(|rule| rule.verdict != Verdict::Unclear), "{:#?}", report.summary);
    assert!(report.summary[0].starts_with("2000 sessions with 2000 different prompts"), "{:#?}", report.summary);
    assert!(report.summary.iter().any(|line| line.contains("against the same session without it")));
}

#[test]
fn rules_chosen_instead_of_each_other_are_compared_with_what_else_was_done() {
    let settings = SimulationSettings { feedback_share: 0.0, logged_share: 0.0, ..SimulationSettings::steady(1500, 3) };
    let sessions: Vec<_> = Simulation::new(settings).unwrap().map(|simulated| simulated.session).collect();
    let (model, report) = learn(&Params { refuter_repeats: 0, ..params() }, &session_batch(&sessions));
    assert!(report.rules.len() >= 4, "{:?}", report.refused);
    for rule in &report.rules {
        assert_eq!((rule.compared_with, rule.propensities), (Comparison::WhatElseWasDone, Evidence::Estimated));
    }
    assert!(report.summary.iter().any(|line| line.contains("is not logged")), "{:#?}", report.summary);
    let prompt = Some("Write a web shop.".to_owned());
    let answer = CausalEffects::answer(&params(), &model, Query { prompt, ..Query::default() }).unwrap();
    assert_eq!(answer.effects.len(), report.rules.len());
}

#[test]
fn what_cannot_be_told_is_refused_with_the_reason() {
    let case = certificate::probe();
    let mut batch = case.batch.clone();
    let rules = batch.session_rules.as_mut().unwrap();
    // A second rule in every session, and a third in three.
    let old = rules.clone();
    *rules = souffleur_core::batch::SessionRules { rule_ids: vec!["be_specific".into(), "always".into(), "rare".into()], ..Default::default() };
    for row in 0..old.starts.len() - 1 {
        rules.rule.extend_from_slice(&old.rule[old.of(row)]);
        rules.rule.push(1);
        rules.rule.extend((row < 3).then_some(2));
        rules.starts.push(rules.rule.len() as u32);
    }
    rules.propensity = vec![f32::NAN; rules.rule.len()];
    rules.improvement_score = rules.propensity.clone();
    let (model, report) = learn(&params(), &batch);
    let reason = |id: &str| &report.refused.iter().find(|refused| refused.rule_id == id).unwrap().reason;
    assert!(reason("always").starts_with("it was left out in 0 sessions only"), "{}", reason("always"));
    assert!(reason("rare").starts_with("it was applied in 3 sessions"), "{}", reason("rare"));
    assert_eq!(report.rules.len(), 1);
    let ask = |id: &str| CausalEffects::answer(&params(), &model, Query { rule_id: Some(id.to_owned()), ..Query::default() });
    assert!(ask("rare").unwrap().note.unwrap().contains("cannot be told"));
    assert!(ask("never").unwrap_err().to_string().contains("known are be_specific"));
    assert!(ask("be_specific").unwrap().effects[0].here.is_none());
}

#[test]
fn a_rule_without_overlap_is_refused() {
    let case = certificate::probe();
    let mut batch = case.batch.clone();
    // Applied where clarity is high, and only there.
    let features = batch.features.clone();
    let rules = batch.session_rules.as_mut().unwrap();
    *rules = souffleur_core::batch::SessionRules { rule_ids: vec!["clear_only".into()], ..Default::default() };
    for row in features.outer_iter() {
        rules.rule.extend((row[1] > 0.5).then_some(0));
        rules.starts.push(rules.rule.len() as u32);
    }
    rules.propensity = vec![f32::NAN; rules.rule.len()];
    rules.improvement_score = rules.propensity.clone();
    let (_, report) = learn(&params(), &batch);
    assert!(report.rules.is_empty(), "{:?}", report.rules);
    let reason = &report.refused[0].reason;
    assert!(reason.contains("probability of treatment") || reason.contains("differs by"), "{reason}");
}

#[test]
fn a_rule_that_harms_fails_the_probe_and_failures_turn_the_sign() {
    let case = certificate::probe();
    let (model, _) = learn(&params(), &case.batch);
    let answer = |model: &Model| CausalEffects::answer(&params(), model, case.query.clone()).unwrap();
    assert_eq!((case.verify)(&answer(&model)), Ok(()));
    let mut turned = case.batch.clone();
    turned.outcomes.success_score.iter_mut().for_each(|score| *score = 1.0 - *score);
    assert!((case.verify)(&answer(&learn(&params(), &turned).0)).is_err());
    let failure = Params { outcome: Outcome::Failure, ..params() };
    let (_, report) = learn(&failure, &case.batch);
    assert!(report.rules[0].debiased.effect < 0.0 && report.rules[0].verdict == Verdict::Works, "{report:?}");
}

/// Seeds measured. `SOUFFLEUR_TEST_SEEDS` sets another number.
const SEEDS: u64 = 2;

#[test]
fn every_bar_is_cleared_by_the_first_seeds() {
    let seeds = std::env::var("SOUFFLEUR_TEST_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    let mut sums: Vec<(String, f64)> = Vec::new();
    for seed in 0..seeds {
        for measured in certificate::certify(seed, &stopped_clock::job(seed)).unwrap() {
            let value = measured.value / seeds as f64;
            match sums.iter_mut().find(|(metric, _)| *metric == measured.metric) {
                Some((_, sum)) => *sum += value,
                None => sums.push((measured.metric, value)),
            }
        }
    }
    sums.iter().for_each(|(metric, value)| println!("{metric} {value:.4}"));
    for bar in CausalEffects::BARS {
        let value = sums.iter().find(|(name, _)| name == bar.metric).unwrap().1;
        // Four standard errors: the bars of coverage are about more intervals than a few seeds draw.
        let chance = if bar.metric.starts_with("interval_coverage") { 4.0 * (0.05 * 0.95 / (50 * seeds) as f64).sqrt() } else { 0.0 };
        let cleared = bar.cleared_by(value) || (value - 0.95).abs() < chance;
        assert!(cleared, "{} is {value}, the bar is {}", bar.metric, bar.value);
    }
}
