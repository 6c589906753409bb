use souffleur_core::batch::TrainingBatch;
use souffleur_core::document::DocumentKind;
use souffleur_core::features::WIDTH;
use souffleur_core::query::FeatureSet;
use souffleur_core::records::RuleApplication;
use souffleur_core::store::Record;

use super::*;
use crate::loader::fixture::{History, ask, hour, job, known_history, rules_found, rules_told};

/// Names of the batch's sessions, in order.
fn sessions(history: &History, batch: &TrainingBatch) -> Vec<&'static str> {
    let names = ["s1", "s2", "s3", "s4", "p1", "s5"];
    let name = |seq: &Seq| *names.iter().find(|name| history.seq(name) == *seq).unwrap();
    batch.rows.session.iter().map(name).collect()
}

/// The sessions that answer a query on the known history.
fn check_sessions(query: Query, expected: &[&str]) {
    let history = known_history();
    let batch = ask(&history.engine(), &query).unwrap();
    assert_eq!(sessions(&history, &batch), expected, "{query:?}");
}

/// The applications that answer a query on the known history, as session and rule.
fn check_applications(query: Query, expected: &[(&str, &str)]) {
    let history = known_history();
    let batch = ask(&history.engine(), &query).unwrap();
    let applied = batch.applications.as_ref().unwrap();
    let rules = applied.rule.iter().map(|&rule| &*applied.rule_ids[rule as usize]);
    let found: Vec<_> = sessions(&history, &batch).into_iter().zip(rules).collect();
    assert_eq!(found, expected, "{query:?}");
}

fn check_documents(query: Query, expected: &[&str]) {
    let batch = ask(&known_history().engine(), &query).unwrap();
    let bodies: Vec<_> = batch.documents.iter().map(|document| document.body.to_string()).collect();
    assert_eq!(bodies, expected, "{query:?}");
    assert_eq!(batch.len(), expected.len());
}

fn everything() -> Query {
    Query { synthetic_percent: 50, ..Query::default() }
}

#[test]
fn training_data_and_all_features_are_all_sessions() {
    // One made-up session in four real ones is within 30 percent.
    check_sessions(Query::all_features(), &["s1", "s2", "s3", "s4", "p1", "s5"]);
    check_sessions(Query::training_data(FeatureSet::Context), &["s1", "s2", "s3", "s4", "p1", "s5"]);
    let batch = ask(&known_history().engine(), &Query::training_data(FeatureSet::Context)).unwrap();
    assert_eq!((batch.columns.len(), batch.columns[0], batch.columns[15]), (16, "project_type_web", "team_size"));
    assert_eq!(batch.features[[0, 7]], 1.0, "s1 is of the domain finance");
}

#[test]
fn recent_data_is_of_the_last_hours() {
    // One made-up session in three would be more than 30 percent.
    check_sessions(Query::recent_data(None, 3, hour(7)), &["s4", "s5"]);
    check_sessions(Query::recent_data(Some("s4"), 3, hour(7)), &["s4"]);
    check_sessions(Query::recent_data(Some("s1"), 3, hour(7)), &[]);
    check_sessions(Query::recent_data(Some("nobody"), 3, hour(7)), &[]);
}

#[test]
fn all_data_is_every_application_with_what_it_did() {
    let all = [("s1", "clarity"), ("s1", "few_shot"), ("s2", "clarity"), ("s4", "cot"), ("s5", "few_shot")];
    check_applications(Query::all_data(), &all);
    let history = known_history();
    let batch = ask(&history.engine(), &Query::all_data()).unwrap();
    let applied = batch.applications.as_ref().unwrap();
    let rule_ids: Vec<&str> = applied.rule_ids.iter().map(|id| &**id).collect();
    assert_eq!(rule_ids, ["clarity", "few_shot", "cot"]);
    assert_eq!((applied.confidence[1], applied.execution_time_ms[1]), (0.7, 12.0));
    assert!(applied.confidence[0].is_nan() && applied.propensity[1].is_nan());
    assert_eq!(batch.outcomes.improvement_score[..2], [0.2, 0.1], "the rule's own figure");
    assert_eq!(batch.outcomes.success_score[..3], [1.0, 1.0, 0.2], "of the session");
    assert_eq!(batch.features.shape(), [5, WIDTH]);
    let sessions = ask(&history.engine(), &Query::all_features()).unwrap();
    assert_eq!(batch.features.row(2), sessions.features.row(1), "the features of s2");
}

#[test]
fn outcomes_part_success_failure_and_the_unknown() {
    check_sessions(Query { synthetic_percent: 50, ..Query::successful_optimizations() }, &["s1", "s4", "p1"]);
    check_sessions(Query::failure_cases(), &["s2", "s5"]);
    check_sessions(Query::quality_labeled_data(), &["s1", "s2", "s4", "p1", "s5"]);
}

#[test]
fn interventions_are_applications_with_an_outcome_or_a_propensity() {
    let labelled = [("s1", "clarity"), ("s1", "few_shot"), ("s2", "clarity"), ("s4", "cot"), ("s5", "few_shot")];
    check_applications(Query::intervention_data(), &labelled);
    check_applications(Query::rule_interventions(), &[("s1", "clarity"), ("s5", "few_shot")]);
}

#[test]
fn an_application_with_an_improvement_of_its_own_has_an_outcome() {
    let history = History::default();
    history.session(1, "s1", r#"{"rules":[{"rule_id":"a","improvement_score":0.7},{"rule_id":"b"}]}"#);
    let batch = ask(&history.engine(), &Query::intervention_data()).unwrap();
    assert_eq!(batch.outcomes.success_score, [0.7]);
    assert_eq!(ask(&history.engine(), &Query::quality_labeled_data()).unwrap().len(), 0);
}

#[test]
fn domain_data_is_of_one_domain() {
    check_sessions(Query { synthetic_percent: 50, ..Query::domain_data("finance") }, &["s1", "s3", "p1"]);
    check_sessions(Query::domain_data("other"), &["s4"]);
    check_sessions(Query::domain_data("social"), &[]);
}

#[test]
fn documents_and_metrics_come_from_the_store() {
    check_documents(Query::automl_results(), &[r#"{"trials":3}"#]);
    check_documents(Query::federated_specs(), &[r#"{"clients":2}"#]);
    check_documents(Query::adversarial_examples(), &[r#"{"text":"ignore all"}"#]);
    check_documents(Query::experiment_results(), &[r#"{"arm":"a","outcome":1}"#]);
    let results = Query { view: View::Documents(DocumentKind::Results), ..Query::default() };
    check_documents(results.clone(), &[r#"{"trials":3}"#, r#"{"clients":2}"#]);
    check_documents(Query { limit: Some(1), ..results.clone() }, &[r#"{"clients":2}"#]);
    let known = AsOf { known: Some(hour(10)), ..AsOf::default() };
    check_documents(Query { as_of: known, ..results }, &[r#"{"trials":3}"#]);

    let engine = known_history().engine();
    let values = |query: &Query| -> Vec<f64> { ask(&engine, query).unwrap().metrics.iter().map(|m| m.value).collect() };
    assert_eq!(values(&Query::metric_history(None)), [3.0, 4.0]);
    assert_eq!(values(&Query::metric_history(Some("context_learner"))), [4.0]);
    let until = Filter { until: Some(hour(9)), ..Filter::default() };
    assert_eq!(values(&Query { filter: until, ..Query::metric_history(None) }), [3.0]);
}

#[test]
fn more_documents_than_a_page_are_all_found() {
    let history = History::default();
    for i in 0..2_500 {
        history.metric(i, "m", if i % 2 == 0 { "even" } else { "odd" }, i as f64);
    }
    let engine = history.engine();
    let batch = ask(&engine, &Query::metric_history(None)).unwrap();
    assert!(batch.metrics.iter().map(|m| m.value).eq((0..2_500).map(f64::from)));
    let until = Filter { until: Some(hour(100)), ..Filter::default() };
    let batch = ask(&engine, &Query { filter: until, limit: Some(3), ..Query::metric_history(None) }).unwrap();
    assert!(batch.metrics.iter().map(|m| m.value).eq([97.0, 98.0, 99.0]));
}

#[test]
fn a_rule_filter_finds_applications_and_their_sessions() {
    let filter = |rule: &str| Filter { rule_id: Some(rule.to_owned()), ..Filter::default() };
    check_sessions(Query { filter: filter("clarity"), ..Query::default() }, &["s1", "s2"]);
    check_sessions(Query { filter: filter("nothing"), ..Query::default() }, &[]);
    check_applications(Query { filter: filter("cot"), ..Query::all_data() }, &[("s4", "cot")]);
    check_applications(Query { filter: filter("nothing"), ..Query::all_data() }, &[]);
}

#[test]
fn the_newest_rows_are_kept_real_ones_first() {
    check_sessions(Query { limit: Some(2), ..Query::default() }, &["s4", "s5"]);
    check_sessions(Query { limit: Some(6), ..everything() }, &["s1", "s2", "s3", "s4", "p1", "s5"]);
    check_sessions(Query { limit: Some(5), ..everything() }, &["s1", "s2", "s3", "s4", "s5"]);
    check_sessions(Query { synthetic_percent: 0, ..Query::default() }, &["s1", "s2", "s3", "s4", "s5"]);
    // One in six is more than 16 percent.
    check_sessions(Query { synthetic_percent: 16, ..Query::default() }, &["s1", "s2", "s3", "s4", "s5"]);
    check_sessions(Query { synthetic_percent: 17, ..Query::default() }, &["s1", "s2", "s3", "s4", "p1", "s5"]);
    let flags = ask(&known_history().engine(), &everything()).unwrap().rows.synthetic.clone();
    assert_eq!(flags, [false, false, false, false, true, false]);
}

#[test]
fn an_old_watermark_or_time_shows_what_was_known_then() {
    let history = known_history();
    let as_of = |as_of: AsOf| Query { as_of, ..Query::default() };
    let before_rating = history.seq("s5");
    let pinned = as_of(AsOf { watermark: Some(before_rating), ..AsOf::default() });
    let engine = history.engine();
    let then = ask(&engine, &pinned).unwrap();
    assert_eq!((then.version.watermark, then.outcomes.success_score[5]), (before_rating, 0.9));
    let known = as_of(AsOf { known: Some(hour(6)), ..AsOf::default() });
    assert_eq!(ask(&engine, &known).unwrap().outcomes.success_score[5], 0.9);
    assert_eq!(ask(&engine, &Query::default()).unwrap().outcomes.success_score[5], 0.0);
    let event = as_of(AsOf { event: Some(hour(2)), ..AsOf::default() });
    assert_eq!(ask(&engine, &event).unwrap().len(), 2);
    let future = as_of(AsOf { watermark: Some(Seq(1_000)), ..AsOf::default() });
    assert_eq!(ask(&engine, &future).unwrap().version, ask(&engine, &Query::default()).unwrap().version);
}

#[test]
fn late_rows_are_seen_by_when_they_were_known_not_by_when_they_happened() {
    let history = History::default();
    history.session(5, "s1", r#"{"quality_score":0.9}"#);
    history.session(9, "s2", r#"{"event_time":"2023-11-14T23:00:00Z"}"#);
    let engine = history.engine();
    let with = |as_of: AsOf| ask(&engine, &Query { as_of, ..Query::default() }).unwrap().rows.seq.clone();
    assert_eq!(with(AsOf { known: Some(hour(5)), ..AsOf::default() }), [history.seq("s1")]);
    assert_eq!(with(AsOf { event: Some(hour(1)), ..AsOf::default() }), [history.seq("s2")]);
}

#[test]
fn a_condition_the_view_does_not_have_is_refused() {
    let refused = |query: Query| ask(&known_history().engine(), &query).unwrap_err().to_string();
    let subject = Filter { subject: Some("x".into()), ..Filter::default() };
    assert_eq!(
        refused(Query { filter: subject, ..Query::default() }),
        "filter.subject: does not apply to the view \"sessions\"; only metrics and documents have one"
    );
    let propensity = Filter { logged_propensity: true, ..Filter::default() };
    assert!(refused(Query { filter: propensity, ..Query::default() }).contains("ask for the view `applications`"));
    assert!(refused(Query { limit: Some(0), ..Query::default() }).starts_with("limit: is 0"));
}

#[test]
fn an_empty_history_gives_empty_batches() {
    let engine = History::default().engine();
    for query in [Query::default(), Query::all_data(), Query::metric_history(None), Query::adversarial_examples()] {
        let batch = ask(&engine, &query).unwrap();
        assert!(batch.is_empty() && batch.quality.score == 0.0, "{query:?}");
    }
}

fn with_rules(query: Query) -> Query {
    Query { session_rules: true, ..query }
}

/// The names of the rules of each row, joined.
fn rule_names(batch: &TrainingBatch) -> Vec<String> {
    let joined = |rules: Vec<(String, u32, u32)>| rules.into_iter().map(|rule| rule.0).collect::<Vec<_>>().join("+");
    rules_told(batch).into_iter().map(joined).collect()
}

/// What the query tells of the rules is what one finds by looking at every application for every session.
fn check_rules(history: &History, query: Query, expected: &[&str]) {
    let batch = ask(&history.engine(), &with_rules(query)).unwrap();
    assert_eq!(rule_names(&batch), expected, "{:?}", batch.query);
    assert_eq!(rules_told(&batch), rules_found(history, &batch), "{:?}", batch.query);
}

#[test]
fn sessions_carry_their_rules_if_asked() {
    let history = known_history();
    let engine = history.engine();
    assert_eq!(ask(&engine, &Query::default()).unwrap().session_rules, None);
    let batch = ask(&engine, &with_rules(Query::default())).unwrap();
    let rules = batch.session_rules.as_ref().unwrap();
    assert_eq!(rules.starts, [0, 2, 3, 3, 4, 4, 5]);
    assert_eq!(rules.rule, [0, 1, 0, 2, 1]);
    let names: Vec<&str> = rules.rule_ids.iter().map(|id| &**id).collect();
    assert_eq!(names, ["clarity", "few_shot", "cot"], "in the order the hub first saw them");
    assert_eq!((rules.improvement_score[4], rules.propensity[4]), (-0.3, 0.25));
    assert!(rules.propensity[1].is_nan() && rules.improvement_score[3].is_nan());
    check_rules(&history, Query::default(), &["clarity+few_shot", "clarity", "", "cot", "", "few_shot"]);
}

#[test]
fn only_rules_that_occur_are_numbered_and_filters_choose_sessions_not_rules() {
    let history = known_history();
    let filter = Filter { rule_id: Some("few_shot".into()), ..Filter::default() };
    check_rules(&history, Query { filter, ..Query::default() }, &["clarity+few_shot", "few_shot"]);
    check_rules(&history, Query { limit: Some(2), ..Query::default() }, &["cot", "few_shot"]);
    let batch = ask(&history.engine(), &with_rules(Query { limit: Some(2), ..Query::default() })).unwrap();
    let rules = batch.session_rules.as_ref().unwrap();
    let names: Vec<&str> = rules.rule_ids.iter().map(|id| &**id).collect();
    assert_eq!((names, &rules.rule[..]), (vec!["few_shot", "cot"], &[1, 0][..]));
    check_rules(&history, Query::domain_data("social"), &[]);
    check_rules(&history, Query::failure_cases(), &["clarity", "few_shot"]);
}

#[test]
fn rules_of_made_up_sessions_are_told_where_the_session_is() {
    let history = known_history();
    history.made_up(14, "p2", r#"{"quality_score":0.5,"rules":[{"rule_id":"brevity"},{"rule_id":"cot"}]}"#);
    let newest = |synthetic_percent| Query { limit: Some(7), synthetic_percent, ..Query::default() };
    check_rules(&history, newest(0), &["clarity+few_shot", "clarity", "", "cot", "few_shot"]);
    check_rules(&history, newest(20), &["clarity+few_shot", "clarity", "", "cot", "few_shot", "brevity+cot"]);
    check_rules(&history, newest(50), &["clarity+few_shot", "clarity", "", "cot", "", "few_shot", "brevity+cot"]);
}

#[test]
fn a_rule_applied_later_comes_last_and_is_not_there_before() {
    let history = known_history();
    history.application(20, "s3", "brevity");
    history.application(21, "s1", "clarity");
    let application = RuleApplication { rule_id: "cot".into(), propensity: Some(0.125), ..RuleApplication::default() };
    let record = Record::Application { session_id: "s2".into(), application, event_time: Some(hour(2)) };
    let last = history.append(22, record);
    let then = |as_of: AsOf| Query { as_of, ..Query::default() };
    let now = ["clarity+few_shot+clarity", "clarity+cot", "brevity", "cot", "", "few_shot"];
    check_rules(&history, Query::default(), &now);
    let before_last = AsOf { watermark: Some(Seq(last.0 - 1)), ..AsOf::default() };
    let without = ["clarity+few_shot+clarity", "clarity", "brevity", "cot", "", "few_shot"];
    check_rules(&history, then(before_last), &without);
    let known = AsOf { known: Some(hour(20)), ..AsOf::default() };
    check_rules(&history, then(known), &["clarity+few_shot", "clarity", "brevity", "cot", "", "few_shot"]);
    // What became known later had happened: the rule of s2 is there, those of s1 and s3 are not.
    let event = AsOf { event: Some(hour(3)), ..AsOf::default() };
    check_rules(&history, then(event), &["clarity+few_shot", "clarity+cot", ""]);
}

#[test]
fn rules_are_found_in_all_blocks_with_signs_of_life() {
    let history = History::default();
    history.bulk(0, 6_000);
    (0..6_000).rev().step_by(7).for_each(|i| _ = history.application(2, &format!("bulk-{i}"), "late"));
    let filter = Filter { rule_id: Some("r3".into()), ..Filter::default() };
    for query in [Query::default(), Query { limit: Some(10), ..Query::default() }, Query { filter, ..Query::default() }]
    {
        let batch = ask(&history.engine(), &with_rules(query)).unwrap();
        let (told, found) = (rules_told(&batch), rules_found(&history, &batch));
        assert!(told == found, "{:?}", batch.query);
    }
    let engine = history.engine();
    engine.refresh(&job()).unwrap();
    let signs = |query: Query| {
        let job = job();
        engine.build(&query, &job).unwrap();
        job.progress().ticks()
    };
    let without = signs(Query { features: FeatureSet::None, ..Query::default() });
    let with = signs(with_rules(Query { features: FeatureSet::None, ..Query::default() }));
    assert!(with >= without + 2 * 6_857 / 4_096, "{with} {without}");
}

#[test]
fn only_sessions_carry_rules() {
    let documents = Query { view: View::Documents(DocumentKind::Results), ..Query::default() };
    for query in [Query::all_data(), Query::metric_history(None), documents] {
        let error = ask(&known_history().engine(), &with_rules(query)).unwrap_err().to_string();
        assert!(error.starts_with("session_rules: only sessions carry them"), "{error}");
    }
}

#[test]
fn an_empty_history_has_no_rules() {
    let batch = ask(&History::default().engine(), &with_rules(Query::default())).unwrap();
    assert_eq!(batch.session_rules, Some(souffleur_core::batch::SessionRules::default()));
}
