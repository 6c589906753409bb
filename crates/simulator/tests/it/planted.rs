//! Planted effects, modes, drift and poison, recovered by brute force.

use std::collections::BTreeMap;

use souffleur_core::records::FAILURE_BELOW;
use souffleur_simulator::batch::session_batch;
use souffleur_simulator::{Simulated, Simulation, SimulationSettings, Truths, feature_batch};

fn run(settings: SimulationSettings) -> (Vec<Simulated>, Truths) {
    let mut simulation = Simulation::new(settings).unwrap();
    let all = simulation.by_ref().collect();
    (all, simulation.truths())
}

fn quality(simulated: &Simulated) -> f64 {
    simulated.session.quality_score.unwrap()
}

/// Mean quality under every rule, sessions weighted by `weight(logged propensity)`.
fn means(all: &[Simulated], weight: fn(f64) -> f64) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for simulated in all {
        let rule = &simulated.session.rules[0];
        let w = weight(rule.propensity.unwrap());
        let sum = sums.entry(rule.rule_id.clone()).or_default();
        *sum = (sum.0 + w * quality(simulated), sum.1 + w);
    }
    sums.into_iter().map(|(rule, (sum, weight))| (rule, sum / weight)).collect()
}

#[test]
fn weighting_by_the_logged_propensity_finds_the_effects_and_comparing_means_does_not() {
    let (all, truths) = run(SimulationSettings::steady(40_000, 7));
    let weighted = means(&all, |p| 1.0 / p);
    let naive = means(&all, |_| 1.0);
    let mut largest_bias: f64 = 0.0;
    for rule in &truths.rules {
        let id = &rule.rule_id;
        let ipw = weighted[id] - weighted["keep_as_is"];
        assert!((ipw - rule.mean_effect).abs() < 0.02, "{id}: {ipw} for {}", rule.mean_effect);
        let plain = naive[id] - naive["keep_as_is"];
        assert!((plain - rule.naive_effect).abs() < 0.015, "{id}: {plain} for {}", rule.naive_effect);
        largest_bias = largest_bias.max((rule.naive_effect - rule.mean_effect).abs());
    }
    assert!(largest_bias > 0.04, "the planted confounding is only {largest_bias}");
}

#[test]
fn effects_differ_by_domain_as_the_tables_say() {
    let (all, truths) = run(SimulationSettings::steady(60_000, 11));
    for context in &truths.contexts {
        let of_domain: Vec<Simulated> =
            all.iter().filter(|s| s.session.domain.as_deref() == Some(&context.domain)).cloned().collect();
        let weighted = means(&of_domain, |p| 1.0 / p);
        let domain = souffleur_core::features::domain_index(&context.domain);
        for rule in &truths.rules {
            let found = weighted[&rule.rule_id] - weighted["keep_as_is"];
            let expected = rule.effects[domain];
            assert!((found - expected).abs() < 0.05, "{} in {}: {found} for {expected}", rule.rule_id, context.domain);
        }
    }
}

#[test]
fn failures_follow_the_modes_and_can_be_told_from_what_is_known_before() {
    let (all, truths) = run(SimulationSettings::steady(20_000, 3));
    let failed: Vec<bool> = all.iter().map(|s| quality(s) < FAILURE_BELOW).collect();
    let rate = failed.iter().filter(|&&f| f).count() as f64 / failed.len() as f64;
    assert!((rate - truths.failure_rate).abs() < 0.01, "{rate} for {}", truths.failure_rate);
    assert!((0.12..0.3).contains(&rate), "{rate}");
    let right = all.iter().zip(&failed).filter(|(s, f)| (s.truth.p_failure_before > 0.5) == **f).count();
    let accuracy = right as f64 / all.len() as f64;
    assert!((accuracy - truths.best_accuracy).abs() < 0.01, "{accuracy} for {}", truths.best_accuracy);
    assert!(truths.best_accuracy > 0.93, "{}", truths.best_accuracy);
    for mode in &truths.modes {
        let in_mode: Vec<_> = all.iter().zip(&failed).filter(|(s, _)| s.truth.mode == Some(mode.mode)).collect();
        assert_eq!(in_mode.len() as u64, mode.sessions);
        let share = in_mode.len() as f64 / all.len() as f64;
        assert!(share > 0.015, "{:?}: only {share}", mode.mode);
        let rate = in_mode.iter().filter(|(_, f)| **f).count() as f64 / in_mode.len() as f64;
        assert!(rate > 0.8, "{:?}: {rate}", mode.mode);
    }
}

#[test]
fn stated_probabilities_are_calibrated() {
    let (all, _) = run(SimulationSettings::steady(30_000, 5));
    for (low, high) in [(0.0, 0.05), (0.05, 0.3), (0.3, 0.7), (0.7, 0.95), (0.95, 1.01)] {
        let bin: Vec<_> = all.iter().filter(|s| (low..high).contains(&s.truth.p_failure)).collect();
        let said = bin.iter().map(|s| s.truth.p_failure).sum::<f64>() / bin.len() as f64;
        let seen = bin.iter().filter(|s| quality(s) < FAILURE_BELOW).count() as f64 / bin.len() as f64;
        assert!((said - seen).abs() < 0.03, "[{low}, {high}): said {said}, seen {seen} in {}", bin.len());
    }
}

#[test]
fn drift_changes_one_rule_and_one_context_from_the_stated_session_on() {
    let settings = SimulationSettings { sessions: 30_000, drift_from: Some(0.5), ..SimulationSettings::steady(0, 9) };
    let (all, truths) = run(settings);
    let drift = truths.drift.unwrap();
    assert_eq!(drift.from_session, 15_000);
    let (before, after) = all.split_at(15_000);
    let share = |part: &[Simulated]| {
        let named = part.iter().filter(|s| truths.contexts[s.truth.context].name == drift.context).count();
        named as f64 / part.len() as f64
    };
    assert!((share(before) - drift.share_before).abs() < 0.01);
    assert!((share(after) - drift.share_after).abs() < 0.015);
    let effect = |part: &[Simulated]| {
        let weighted = means(part, |p| 1.0 / p);
        weighted[&drift.rule_id] - weighted["keep_as_is"]
    };
    assert!(effect(before) > 0.03, "{}", effect(before));
    assert!((effect(after) - drift.effects[0]).abs() < 0.025, "{}", effect(after));
    assert!(all.iter().enumerate().all(|(i, s)| s.truth.drifted == (i >= 15_000)));
}

#[test]
fn farmed_ratings_come_from_the_marked_users_and_ignore_the_quality() {
    let (all, truths) = run(SimulationSettings { poisoned_share: 0.1, ..SimulationSettings::steady(20_000, 2) });
    let share = truths.poisoned as f64 / all.len() as f64;
    assert!((share - 0.1).abs() < 0.01, "{share}");
    for simulated in &all {
        let user = simulated.session.tags["user"].as_str().unwrap().to_owned();
        let ratings = &simulated.session.feedback;
        let farm = truths.farm_users.contains(&user);
        assert_eq!(simulated.truth.poisoned, farm && !ratings.is_empty(), "{user}");
        if simulated.truth.poisoned {
            assert!(ratings.iter().all(|r| r.rating == if user == "u-47" { 1 } else { 5 }));
        } else {
            assert!(ratings.iter().all(|r| (r.rating >= 3) == (quality(simulated) >= FAILURE_BELOW)));
        }
    }
}

#[test]
fn some_propensities_are_not_logged_and_the_rest_are_true() {
    let (all, truths) = run(SimulationSettings { logged_share: 0.8, ..SimulationSettings::steady(5000, 6) });
    let mut logged = 0;
    for simulated in &all {
        let rule = &simulated.session.rules[0];
        let index = truths.rules.iter().position(|r| r.rule_id == rule.rule_id).unwrap();
        if let Some(p) = rule.propensity {
            logged += 1;
            assert!((p - simulated.truth.propensities[index]).abs() < 1e-6);
        }
    }
    assert!((3850..4150).contains(&logged), "{logged}");
}

#[test]
fn the_contexts_can_be_told_apart_in_the_features() {
    let (all, truths) = run(SimulationSettings::steady(3000, 8));
    let sessions: Vec<_> = all.iter().map(|s| s.session.clone()).collect();
    let batch = session_batch(&sessions);
    let k = truths.contexts.len();
    let mut centres = vec![[0.0_f64; 16]; k];
    for (row, simulated) in batch.features.rows().into_iter().zip(&all) {
        let n = truths.contexts[simulated.truth.context].sessions as f64;
        for (centre, value) in centres[simulated.truth.context].iter_mut().zip(row.iter().skip(15)) {
            *centre += f64::from(*value) / n;
        }
    }
    let nearest = |row: &[f32]| {
        let distance =
            |centre: &[f64; 16]| -> f64 { centre.iter().zip(row).map(|(c, v)| (c - f64::from(*v)).powi(2)).sum() };
        (0..k).min_by(|&a, &b| distance(&centres[a]).total_cmp(&distance(&centres[b]))).unwrap()
    };
    let right = batch
        .features
        .rows()
        .into_iter()
        .zip(&all)
        .filter(|(row, s)| nearest(&row.as_slice().unwrap()[15..]) == s.truth.context)
        .count();
    assert!(right as f64 / all.len() as f64 > 0.95, "{right} of {}", all.len());
}

#[test]
fn planted_rows_fail_as_often_as_their_probability_says() {
    let batch = feature_batch(1, 20_000);
    let expected = batch.p_failure.iter().sum::<f64>() / 20_000.0;
    let failed = batch.failed.iter().filter(|&&f| f).count() as f64 / 20_000.0;
    assert!((expected - failed).abs() < 0.01, "{failed} for {expected}");
    assert!((0.1..0.4).contains(&failed), "{failed}");
    assert!(batch.best_accuracy() > 0.93);
}

#[test]
fn what_if_agrees_with_what_was_and_with_the_policy() {
    let (all, truths) = run(SimulationSettings::steady(20_000, 13));
    let (mut before, mut best) = (0.0, 0.0);
    for simulated in &all {
        let under: Vec<f64> = (0..truths.rules.len()).map(|rule| simulated.p_failure_under(rule)).collect();
        let applied = truths.rules.iter().position(|r| r.rule_id == simulated.session.rules[0].rule_id).unwrap();
        assert!((under[applied] - simulated.truth.p_failure).abs() < 1e-9);
        let of_policy: f64 = under.iter().zip(&simulated.truth.propensities).map(|(p, chosen)| p * chosen).sum();
        assert!((of_policy - simulated.truth.p_failure_before).abs() < 1e-9);
        before += simulated.truth.p_failure_before;
        best += under.into_iter().fold(1.0, f64::min);
    }
    println!("failures {before:.1}, with the best rule everywhere {best:.1}");
    assert!(best < before);
}
