use souffleur_core::query::{FeatureSet, Query};

use super::*;
use crate::loader::fixture::{History, ask};

fn quality_of(history: &History, query: &Query) -> DataQuality {
    ask(&history.engine(), query).unwrap().quality
}

/// Adds sessions that differ in their names only.
fn same_prompt(history: &History, outcomes: &[&str]) {
    for (i, outcome) in outcomes.iter().enumerate() {
        history.session(1, &format!("same-{}", "abcdefgh".chars().nth(i).unwrap()), outcome);
    }
}

#[test]
fn good_data_scores_one() {
    let history = History::default();
    history.bulk(0, 100);
    let quality = quality_of(&history, &Query::default());
    assert_eq!(quality, DataQuality { score: 1.0, ..DataQuality::default() });
}

#[test]
fn each_fault_has_its_share_and_its_weight() {
    let history = History::default();
    let hours = 181 * 24;
    history.session(0, "old", r#"{"quality_score":0.9,"domain":"social"}"#);
    history.session(hours, "unknown", r#"{"domain":"gaming"}"#);
    history.session(hours, "good", r#"{"quality_score":0.9}"#);
    history.made_up(hours, "made_up", r#"{"quality_score":0.8,"team_size":3}"#);
    let quality = quality_of(&history, &Query { synthetic_percent: 50, ..Query::default() });
    assert_eq!((quality.missing, quality.staleness, quality.synthetic), (0.25, 0.25, 0.25));
    assert_eq!((quality.duplicates, quality.label_noise, quality.out_of_range), (0.0, 0.0, 0.0));
    let expected = 1.0 - 0.25 * (WEIGHTS.missing + WEIGHTS.staleness + WEIGHTS.synthetic);
    assert!((quality.score - expected).abs() < 1e-12);
}

#[test]
fn repetitions_and_contradictions_are_counted_by_row_and_by_pair() {
    let history = History::default();
    let (good, bad) = (r#"{"quality_score":0.9}"#, r#"{"quality_score":0.1}"#);
    same_prompt(&history, &[good, good, good, bad]);
    let context = Query { features: FeatureSet::Context, ..Query::default() };
    let quality = quality_of(&history, &context);
    // Two repeat the first; one pair contradicts.
    assert_eq!((quality.duplicates, quality.label_noise), (0.5, 0.25));
    let nothing = quality_of(&history, &Query { features: FeatureSet::None, ..Query::default() });
    assert_eq!((nothing.duplicates, nothing.label_noise), (0.0, 0.0));
}

#[test]
fn applications_of_different_rules_do_not_repeat_each_other() {
    let history = History::default();
    history.session(1, "s", r#"{"quality_score":0.9,"rules":[{"rule_id":"a"},{"rule_id":"b"},{"rule_id":"a"}]}"#);
    let quality = quality_of(&history, &Query::all_data());
    assert!((quality.duplicates - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn the_weights_add_up_to_one() {
    let Weights { missing, out_of_range, duplicates, label_noise, staleness, synthetic } = WEIGHTS;
    assert!((missing + out_of_range + duplicates + label_noise + staleness + synthetic - 1.0).abs() < 1e-12);
}

#[test]
fn a_feature_out_of_range_is_noticed() {
    let history = History::default();
    history.bulk(0, 4);
    let mut batch = (*ask(&history.engine(), &Query::default()).unwrap()).clone();
    batch.features[[1, 3]] = f32::NAN;
    batch.features[[2, 3]] = 1.5;
    let quality = assess(&batch, &crate::loader::fixture::job()).unwrap();
    assert_eq!(quality.out_of_range, 0.5);
}
