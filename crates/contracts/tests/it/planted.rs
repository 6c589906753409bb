//! Flaws that were planted.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_contracts::{Check, ContractSettings, Finding, Report, Severity};
use souffleur_core::ids::Seq;
use souffleur_core::store::ForeignRow;
use souffleur_core::time::Timestamp;

use crate::history::{NOW, Row, check, check_in, history, job};

fn of(report: &Report, check: Check) -> Vec<&Finding> {
    report.findings.iter().filter(|finding| finding.check == check).collect()
}

/// The places of the findings of a check.
fn places(report: &Report, check: Check) -> Vec<&str> {
    of(report, check).into_iter().map(|finding| finding.at.as_str()).collect()
}

#[test]
fn drift_is_found_in_the_column_it_was_planted_in() {
    for seed in 0..10 {
        let mut rows = history(2000, seed);
        for row in &mut rows[1600..] {
            row.features[5] = (0.35 + 0.65 * row.features[5]).min(1.0);
            row.features[15..22].fill(0.0);
            row.features[18] = 1.0;
        }
        let report = check(&rows);
        let found = places(&report, Check::Drift);
        assert!(found.contains(&"session_features.readability"), "seed {seed}: {found:?}");
        assert!(found.contains(&"session_features.project_type_api"), "seed {seed}: {found:?}");
        let elsewhere = |at: &&str| !at.contains("readability") && !at.contains("project_type");
        assert!(!found.iter().any(elsewhere), "seed {seed}: {found:?}");
        assert_eq!(report.worst, Some(Severity::Error));
        let api = of(&report, Check::Drift).into_iter().find(|finding| finding.at.ends_with("api")).unwrap();
        assert!((api.figures["mean_now"] - 1.0).abs() < 1e-9 && api.figures["mean_before"] < 0.2, "{api:?}");
    }
}

#[test]
fn a_shift_too_small_to_matter_is_none_however_many_rows_show_it() {
    let mut rows = history(20_000, 3);
    rows[16_000..].iter_mut().for_each(|row| row.features[5] = (row.features[5] + 0.03).min(1.0));
    assert_eq!(places(&check(&rows), Check::Drift), [""; 0]);
}

#[test]
fn a_column_filled_in_from_the_outcome_is_a_leak() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    for (noise, severity) in [(0.0, Severity::Error), (0.15, Severity::Warning)] {
        let mut rows = history(2000, 5);
        for row in &mut rows {
            let success = row.rating.map_or(row.quality, |rating| f32::from(rating - 1) / 4.0);
            row.features[8] = (1.0 - success + noise * random.gen_range(-1.0..=1.0f32)).clamp(0.0, 1.0);
        }
        let report = check(&rows);
        assert_eq!(places(&report, Check::Leakage), ["session_features.syntactic_complexity"]);
        let finding = of(&report, Check::Leakage)[0];
        assert_eq!(finding.severity, severity, "{finding:?}");
        assert!(finding.figures["correlation"] < -0.9 && finding.figures["area"] > 0.95, "{finding:?}");
    }
}

#[test]
fn repeated_sessions_are_counted() {
    let mut rows = history(1000, 2);
    let copies: Vec<Row> = rows[..200].to_vec();
    rows.extend(copies);
    let report = check(&rows);
    let finding = of(&report, Check::Duplicates)[0];
    assert!((finding.figures["exact_share"] - 200.0 / 1200.0).abs() < 1e-12, "{finding:?}");
    assert_eq!((finding.severity, finding.example), (Severity::Warning, Some(Seq(3001))));
}

#[test]
fn contradicting_outcomes_are_measured() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(9);
    let mut rows = Vec::new();
    for mut row in history(400, 4) {
        let truth = row.quality >= 0.5;
        for _ in 0..3 {
            row.quality = if truth ^ random.gen_bool(0.2) { 0.9 } else { 0.1 };
            (row.rating, row.improvement) = (None, random.gen_range(-1.0..1.0));
            rows.push(row.clone());
        }
    }
    let report = check(&rows);
    let finding = of(&report, Check::LabelNoise)[0];
    assert!((finding.figures["flipped"] - 0.2).abs() < 0.04, "{finding:?}");
    assert!(finding.problem.contains("1200 such sessions") && finding.example.is_some(), "{finding:?}");
}

#[test]
fn values_outside_their_range_are_told_with_their_first_row() {
    let mut rows = history(500, 6);
    rows[100].features[3] = 1.5;
    rows[200].features[3] = f32::NAN;
    rows[300].quality = -0.1;
    rows[301].improvement = 7.0;
    rows[302].propensity = 0.0;
    rows[303].rating = Some(9);
    rows[304].event = Timestamp(NOW.0 + 48 * Timestamp::HOUR_US);
    let report = check(&rows);
    let mut found = places(&report, Check::Range);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "prompt_sessions.event_time",
            "rule_applications.improvement_score",
            "rule_applications.propensity",
            "session_features.actionability",
            "session_features.improvement_score",
            "session_features.quality_score",
            "user_feedback.rating",
        ]
    );
    let feature = of(&report, Check::Range).into_iter().find(|f| f.at.ends_with("actionability")).unwrap();
    assert_eq!((feature.figures["rows"], feature.figures["first"], feature.example), (2.0, 1.5, Some(Seq(301))));
    assert_eq!(report.worst, Some(Severity::Error));
}

#[test]
fn rows_of_another_schema_are_told_of() {
    let foreign = [(5, 9), (8, 9), (11, 4)].map(|(seq, schema_hash)| ForeignRow { seq, schema_hash, feature_bytes: 8 });
    let report = check_in(&history(300, 1), &foreign, ContractSettings::default(), 100, &job()).unwrap();
    let found = of(&report, Check::Schema);
    assert_eq!(found.len(), 2);
    assert_eq!((found[1].figures["rows"], found[1].example, found[1].severity), (2.0, Some(Seq(5)), Severity::Error));
    assert!(found[1].problem.contains("0000000000000009"), "{found:?}");
}

#[test]
fn what_is_old_or_unknown_is_told() {
    let mut rows = history(1000, 8);
    for row in &mut rows {
        row.event.0 -= 40 * 24 * Timestamp::HOUR_US;
        row.propensity = f32::NAN;
    }
    for row in &mut rows[..700] {
        (row.quality, row.improvement, row.rating) = (f32::NAN, f32::NAN, None);
    }
    let report = check(&rows);
    assert_eq!(of(&report, Check::Staleness)[0].severity, Severity::Warning);
    let missing = places(&report, Check::Missing);
    let expected = ["prompt_sessions.outcome", "rule_applications.propensity", "prompt_sessions.team_size"];
    assert_eq!(missing, expected);
    let outcome = of(&report, Check::Missing)[0];
    assert!((outcome.figures["share"] - 0.7).abs() < 1e-12 && outcome.severity == Severity::Warning, "{outcome:?}");
}

#[test]
fn made_up_sessions_are_checked_for_range_and_compared_with_nothing() {
    let mut rows = history(1000, 8);
    let mut made_up = history(500, 9);
    for row in &mut made_up {
        row.synthetic = true;
        row.features[5] = 1.0;
    }
    made_up[0].features[6] = 2.0;
    rows.extend(made_up);
    let report = check(&rows);
    assert_eq!((report.sessions, report.synthetic), (1000, 500));
    assert_eq!(places(&report, Check::Drift), [""; 0]);
    assert_eq!(places(&report, Check::Range), ["session_features.lexical_diversity"]);
}
