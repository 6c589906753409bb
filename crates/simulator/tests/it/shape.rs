//! Determinism and ranges.

use proptest::prelude::*;
use souffleur_core::records::Validate;
use souffleur_core::time::Timestamp;
use souffleur_simulator::batch::{application_batch, session_batch};
use souffleur_simulator::{Simulation, SimulationSettings, feature_batch, simulate};

fn settings() -> impl Strategy<Value = SimulationSettings> {
    let shares = (0.0..=0.5, 0.0..=1.0, 0.0..=1.0, 0.0..=1.0);
    let drift = prop::option::of(0.01..0.99);
    (0_u64..60, any::<u64>(), 0..i64::MAX / 8, 0..u32::MAX, drift, shares).prop_map(
        |(sessions, seed, start, gap_us, drift_from, (poisoned, feedback, logged, follow_up))| SimulationSettings {
            sessions,
            seed,
            start: Timestamp(start),
            gap_us,
            drift_from,
            poisoned_share: poisoned,
            feedback_share: feedback,
            logged_share: logged,
            follow_up_share: follow_up,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_settings_give_the_same_valid_sessions(settings in settings()) {
        let all: Vec<_> = Simulation::new(settings).unwrap().collect();
        prop_assert_eq!(all.len() as u64, settings.sessions);
        prop_assert_eq!(&all, &Simulation::new(settings).unwrap().collect::<Vec<_>>());
        for simulated in &all {
            let session = &simulated.session;
            prop_assert_eq!(session.validate(), Ok(()));
            prop_assert!((80..=900).contains(&session.original_prompt.len()), "{}", session.original_prompt);
            let truth = &simulated.truth;
            prop_assert!((truth.propensities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&truth.p_failure));
            prop_assert!((0.0..=1.0).contains(&truth.p_failure_before));
            prop_assert_eq!(session.session_id.as_deref(), Some(truth.session_id.as_str()));
        }
    }

    #[test]
    fn rows_of_features_stay_in_range(seed in any::<u64>(), n in 0_usize..50) {
        let batch = feature_batch(seed, n);
        prop_assert_eq!(batch.features.dim(), (n, 31));
        prop_assert!(batch.features.iter().all(|v| (0.0..=1.0).contains(v)));
        prop_assert_eq!(batch, feature_batch(seed, n));
    }
}

#[test]
fn sessions_survive_a_line_of_json() {
    for session in simulate(SimulationSettings { sessions: 200, ..SimulationSettings::default() }).unwrap() {
        let line = serde_json::to_string(&session).unwrap();
        assert_eq!(serde_json::from_str::<souffleur_core::records::Session>(&line).unwrap(), session);
    }
}

#[test]
fn a_longer_steady_history_begins_like_a_shorter_one() {
    let short = simulate(SimulationSettings::steady(50, 4)).unwrap();
    let long = simulate(SimulationSettings::steady(80, 4)).unwrap();
    assert!(short.zip(long).all(|(a, b)| a == b));
}

#[test]
fn other_seeds_give_other_prompts_and_few_prompts_repeat() {
    let prompts = |seed| -> std::collections::BTreeSet<String> {
        simulate(SimulationSettings::steady(2000, seed)).unwrap().map(|s| s.original_prompt).collect()
    };
    let (a, b) = (prompts(1), prompts(2));
    assert!(a.len() > 1900, "{} distinct prompts", a.len());
    assert!(a.intersection(&b).count() < 100);
}

#[test]
fn bad_settings_are_refused() {
    let settings = SimulationSettings { feedback_share: 1.5, ..SimulationSettings::default() };
    assert_eq!(Simulation::new(settings).unwrap_err().to_string(), "feedback_share: is 1.5; it must lie in [0, 1]");
}

#[test]
fn batches_carry_every_row_in_the_order_of_the_history() {
    let settings = SimulationSettings { sessions: 300, follow_up_share: 0.5, ..SimulationSettings::default() };
    let sessions: Vec<_> = simulate(settings).unwrap().collect();
    let by_session = session_batch(&sessions);
    assert_eq!(by_session.len(), 300);
    assert_eq!(by_session.features.dim(), (300, 31));
    assert_eq!(by_session.quality.missing, 0.0);
    let by_rule = application_batch(&sessions);
    assert_eq!(by_rule.len(), sessions.iter().map(|s| s.rules.len()).sum::<usize>());
    let applications = by_rule.applications.as_ref().unwrap();
    let names: Vec<_> = applications.rule.iter().map(|&r| &*applications.rule_ids[r as usize]).collect();
    let expected: Vec<_> = sessions.iter().flat_map(|s| s.rules.iter().map(|r| r.rule_id.as_str())).collect();
    assert_eq!(names, expected);
    assert!(by_rule.rows.seq.windows(2).all(|w| w[0] < w[1]));
    assert!(by_rule.rows.session.iter().all(|s| by_session.rows.seq.contains(s)));
    let last = sessions.iter().map(|s| 1 + s.rules.len() + s.feedback.len()).sum::<usize>();
    assert_eq!(by_session.version.watermark.0, last as i64);
    assert_eq!(by_session.version, by_rule.version);
}
