use proptest::prelude::*;
use souffleur_core::ids::Seq;
use souffleur_core::query::{AsOf, FeatureSet, Filter};

use super::*;
use crate::loader::fixture::{History, ask, bytes, hour, job, known_history, rules_found, rules_told};

/// Something that happens to a history.
#[derive(Clone, Debug)]
enum Event {
    Session { score: u8, rules: u8, synthetic: bool },
    Feedback { session: u8, rating: u8 },
    Application { session: u8, rule: u8 },
    Metric,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0..12u8, 0..4u8, proptest::bool::weighted(0.3))
            .prop_map(|(score, rules, synthetic)| Event::Session { score, rules, synthetic }),
        2 => (any::<u8>(), 1..=5u8).prop_map(|(session, rating)| Event::Feedback { session, rating }),
        2 => (any::<u8>(), 0..5u8).prop_map(|(session, rule)| Event::Application { session, rule }),
        1 => Just(Event::Metric),
    ]
}

fn happen(history: &History, i: usize, event: &Event, sessions: &mut Vec<String>) {
    let known = i as i64;
    match event {
        Event::Session { score, rules, synthetic } => {
            let rules: Vec<_> = (0..*rules)
                .map(|rule| format!(r#"{{"rule_id":"r{}","improvement_score":0.{rule}}}"#, (rule + score) % 5))
                .collect();
            let quality = if *score < 10 { format!(r#""quality_score":0.{score},"#) } else { String::new() };
            let json = format!(r#"{{{quality}"domain":"finance","rules":[{}]}}"#, rules.join(","));
            let id = format!("s{i}");
            if *synthetic {
                history.made_up(known, &id, &json)
            } else {
                history.session(known, &id, &json)
            };
            sessions.push(id);
        }
        Event::Feedback { session, rating } => {
            if !sessions.is_empty() {
                history.feedback(known, &sessions[usize::from(*session) % sessions.len()], *rating);
            }
        }
        Event::Application { session, rule } => {
            if !sessions.is_empty() {
                history.application(known, &sessions[usize::from(*session) % sessions.len()], &format!("r{rule}"));
            }
        }
        Event::Metric => {
            history.metric(known, "m", "s", 1.0);
        }
    }
}

fn queries() -> Vec<Query> {
    let known = AsOf { known: Some(hour(5)), ..AsOf::default() };
    vec![
        Query::default(),
        Query::all_data(),
        Query::failure_cases(),
        Query::intervention_data(),
        Query { limit: Some(3), features: FeatureSet::Context, ..Query::default() },
        Query { limit: Some(2), ..Query::all_data() },
        Query { as_of: known, ..Query::default() },
        Query { filter: Filter { rule_id: Some("r1".into()), ..Filter::default() }, ..Query::default() },
        Query::metric_history(None),
        Query { session_rules: true, ..Query::default() },
        Query { session_rules: true, as_of: known, synthetic_percent: 50, ..Query::default() },
        Query { session_rules: true, limit: Some(4), features: FeatureSet::None, ..Query::failure_cases() },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The heart of the matter: a version's batch is the same for ever, however the rows came in.
    #[test]
    fn a_version_gives_the_same_bytes_whatever_the_deltas(
        events in prop::collection::vec(event(), 1..40),
        pages in prop::collection::vec(1..9usize, 1..6),
        cut in 0..40usize,
    ) {
        let history = History::default();
        let mut sessions = Vec::new();
        let mut stepwise = history.engine();
        let mut then = Vec::new();
        for (i, event) in events.iter().enumerate() {
            happen(&history, i, event, &mut sessions);
            stepwise.page_rows = pages[i % pages.len()];
            let refreshed = stepwise.refresh(&job()).unwrap();
            if i == cut.min(events.len() - 1) {
                then = queries().iter().map(|q| (refreshed, bytes(&stepwise.build(q, &job()).unwrap()))).collect();
            }
        }
        let restarted = history.engine();
        for query in &queries() {
            let batch = ask(&stepwise, query).unwrap();
            prop_assert_eq!(bytes(&batch), bytes(&ask(&restarted, query).unwrap()));
            if query.session_rules {
                prop_assert_eq!(rules_told(&batch), rules_found(&history, &batch));
            }
        }
        for (mut query, (watermark, expected)) in queries().into_iter().zip(then) {
            query.as_of.watermark = Some(watermark);
            prop_assert_eq!(bytes(&ask(&stepwise, &query).unwrap()), expected.clone());
            prop_assert_eq!(bytes(&ask(&restarted, &query).unwrap()), expected);
        }
    }

    /// A tight memory limit changes which queries are refused, never an answer; and it is never exceeded.
    #[test]
    fn a_memory_limit_refuses_or_answers_the_same(
        kib in 900..6_000usize,
        steps in prop::collection::vec((1..1_500usize, 0..queries().len()), 1..6),
    ) {
        let history = History::default();
        let tight = Engine::new(history.store(), kib << 10, 8);
        let mut held = Vec::new();
        let mut rows = 0;
        for (count, which) in steps {
            history.bulk(rows, count);
            rows += count;
            let query = &queries()[which];
            match ask(&tight, query) {
                Ok(batch) => {
                    prop_assert_eq!(bytes(&batch), bytes(&ask(&history.engine(), query).unwrap()));
                    held.push(batch);
                }
                Err(error) => prop_assert!(matches!(error, LoaderError::MemoryLimit { .. }), "{}", error),
            }
            prop_assert!(tight.meter().used() <= kib << 10);
        }
        drop(held);
        tight.cache().settle();
    }
}

#[test]
fn all_who_ask_the_same_get_the_same_batch() {
    let history = History::default();
    history.bulk(0, 10);
    let engine = history.engine();
    let first = ask(&engine, &Query::default()).unwrap();
    assert!(Arc::ptr_eq(&first, &ask(&engine, &Query::default()).unwrap()));
    history.bulk(10, 1);
    assert_eq!(ask(&engine, &Query::default()).unwrap().len(), 11);
    assert_eq!(engine.cache().len(), 1, "the old version made room");
}

#[test]
fn rows_that_show_in_no_batch_cost_no_new_features() {
    let history = History::default();
    history.bulk(0, 10);
    let engine = history.engine();
    let first = ask(&engine, &Query::default()).unwrap();
    history.metric(1, "m", "s", 1.0);
    let second = ask(&engine, &Query::default()).unwrap();
    assert!(second.version.watermark > first.version.watermark);
    assert_eq!(second.features.as_ptr(), first.features.as_ptr());
    assert_eq!(bytes(&second), bytes(&ask(&history.engine(), &Query::default()).unwrap()));
}

#[test]
fn consecutive_rows_share_the_features_of_the_whole_table() {
    let history = History::default();
    history.bulk(0, 3_000);
    let engine = history.engine();
    let all = ask(&engine, &Query::default()).unwrap();
    let before = engine.meter().used();
    let newest = ask(&engine, &Query { limit: Some(1_000), ..Query::default() }).unwrap();
    assert_eq!(newest.features.as_ptr(), all.features.row(2_000).as_ptr());
    assert!(engine.meter().used() - before < 1_000 * 31 * 4);
    history.bulk(3_000, 1);
    let grown = ask(&engine, &Query::default()).unwrap();
    assert_eq!(bytes(&grown), bytes(&ask(&history.engine(), &Query::default()).unwrap()));
}

#[test]
fn forgotten_rows_are_read_again_when_there_is_room() {
    let history = History::default();
    history.bulk(0, 6_000);
    let limit = 3 << 20;
    let engine = Engine::new(history.store(), limit, 8);
    // The image alone takes about half of the memory; a batch in somebody's hands most of the rest.
    let held = ask(&engine, &Query { limit: Some(5_500), ..Query::default() }).unwrap();
    let error = ask(&engine, &Query::all_data()).unwrap_err();
    assert!(error.to_string().contains("of 3 MiB are in use"), "{error}");
    assert!(error.to_string().contains("raise `loader_memory_bytes`"), "{error}");
    drop(held);
    let all = ask(&engine, &Query { features: FeatureSet::Context, ..Query::all_data() }).unwrap();
    assert_eq!(all.len(), 6_000);
    assert!(engine.meter().used() <= limit);
}

#[test]
fn the_newest_rows_are_served_from_a_history_that_does_not_fit() {
    let history = History::default();
    history.bulk(0, 20_000);
    let engine = Engine::new(history.store(), 3 << 20, 8);
    let newest = Query { limit: Some(1_000), ..Query::default() };
    assert_eq!(bytes(&ask(&engine, &newest).unwrap()), bytes(&ask(&history.engine(), &newest).unwrap()));
    assert!(engine.status().floor > Seq::ZERO);
    assert!(matches!(ask(&engine, &Query::default()), Err(LoaderError::MemoryLimit { .. })));
    let applied = Query { limit: Some(500), ..Query::all_data() };
    assert_eq!(bytes(&ask(&engine, &applied).unwrap()), bytes(&ask(&history.engine(), &applied).unwrap()));
}

fn with_rules() -> Query {
    Query { session_rules: true, ..Query::default() }
}

#[test]
fn with_and_without_rules_are_two_questions_that_share_the_features() {
    let history = known_history();
    let engine = history.engine();
    let (without, with) = (ask(&engine, &Query::default()).unwrap(), ask(&engine, &with_rules()).unwrap());
    assert_eq!(engine.cache().len(), 2);
    assert_eq!((without.session_rules.is_some(), with.session_rules.is_some()), (false, true));
    assert_eq!(without.features.as_ptr(), with.features.as_ptr());
    assert_eq!((without.quality, &without.rows), (with.quality, &with.rows));
    assert!(Arc::ptr_eq(&with, &ask(&engine, &with_rules()).unwrap()));
}

#[test]
fn rules_stay_when_nothing_came_that_shows_and_grow_when_one_is_applied() {
    let history = known_history();
    let engine = history.engine();
    let first = ask(&engine, &with_rules()).unwrap();
    history.metric(20, "m", "s", 1.0);
    let renewed = ask(&engine, &with_rules()).unwrap();
    assert!(renewed.version.watermark > first.version.watermark);
    assert_eq!(bytes(&renewed), bytes(&ask(&history.engine(), &with_rules()).unwrap()));
    history.application(21, "s3", "brevity");
    let grown = ask(&engine, &with_rules()).unwrap();
    assert_eq!(grown.session_rules.as_ref().unwrap().of(2).len(), 1);
    assert_eq!(bytes(&grown), bytes(&ask(&history.engine(), &with_rules()).unwrap()));
}

#[test]
fn rules_count_towards_the_memory_and_give_it_back() {
    let history = History::default();
    history.bulk(0, 3_000);
    (0..3_000).for_each(|i| _ = history.application(2, &format!("bulk-{i}"), "late"));
    let engine = history.engine();
    engine.refresh(&job()).unwrap();
    let image = engine.meter().used();
    let query = Query { features: FeatureSet::None, ..with_rules() };
    let batch = ask(&engine, &query).unwrap();
    assert_eq!(engine.meter().used() - image, batch.size_bytes());
    history.metric(3, "m", "s", 1.0);
    drop(batch);
    let renewed = ask(&engine, &query).unwrap();
    engine.cache().settle();
    assert_eq!(engine.meter().used() - image, renewed.size_bytes());

    // Enough for the batch without its rules, not for the rules.
    let limit = image + renewed.size_bytes() - 4 * 6_000;
    let mut tight = Engine::new(history.store(), limit, 8);
    tight.page_rows = 16;
    let error = ask(&tight, &query).unwrap_err();
    assert!(matches!(error, LoaderError::MemoryLimit { .. }), "{error}");
    assert_eq!(tight.meter().used(), image, "what was taken on the way is given back");
}

#[test]
fn rules_of_the_newest_sessions_are_served_from_a_history_that_does_not_fit() {
    let history = History::default();
    history.bulk(0, 20_000);
    (0..20_000).step_by(9).for_each(|i| _ = history.application(2, &format!("bulk-{i}"), "late"));
    let engine = Engine::new(history.store(), 3 << 20, 8);
    let newest = Query { limit: Some(1_000), ..with_rules() };
    let batch = ask(&engine, &newest).unwrap();
    assert!(engine.status().floor > Seq::ZERO);
    assert_eq!(bytes(&batch), bytes(&ask(&history.engine(), &newest).unwrap()));
    assert!(rules_told(&batch) == rules_found(&history, &batch));
}

#[test]
fn a_session_whose_ratings_were_forgotten_is_not_whole() {
    let history = History::default();
    history.session(1, "s", "{}");
    (0..FeedbackBlock::ROWS).for_each(|_| _ = history.feedback(2, "s", 1));
    (0..ApplicationBlock::ROWS + 10).for_each(|_| _ = history.application(3, "s", "clarity"));
    let engine = history.engine();
    engine.refresh(&job()).unwrap();
    assert!(engine.image().forget_oldest());
    let newest = Query { limit: Some(5), ..Query::all_data() };
    assert_eq!(ask(&engine, &newest).unwrap().outcomes.success_score, [0.0; 5]);
}

#[test]
fn all_memory_is_given_back() {
    let history = History::default();
    history.bulk(0, 2_000);
    let engine = history.engine();
    let batches: Vec<_> = queries().iter().map(|query| ask(&engine, query).unwrap()).collect();
    let meter = Arc::clone(&engine.meter);
    drop((engine, batches));
    assert_eq!(meter.used(), 0);
}

#[test]
fn a_models_training_data_is_what_it_was() {
    let history = known_history();
    let engine = history.engine();
    for query in [Query::default(), Query::all_data(), Query::failure_cases()] {
        let then = ask(&engine, &query).unwrap();
        let model_id = history.model("c", then.version, then.rows.seq.clone());
        history.feedback(20, "s3", 5);
        engine.refresh(&job()).unwrap();
        let again = engine.build_model(&model_id, &job()).unwrap();
        assert_eq!((again.version, &again.rows), (then.version, &then.rows));
        assert_eq!(again.features, then.features);
        assert_eq!(format!("{:?}", again.outcomes), format!("{:?}", then.outcomes));
    }
    let metrics = ask(&engine, &Query::metric_history(None)).unwrap();
    let model_id = history.model("c", metrics.version, metrics.rows.seq.clone());
    engine.refresh(&job()).unwrap();
    let error = engine.build_model(&model_id, &job()).unwrap_err().to_string();
    assert!(error.contains("no session and no application"), "{error}");
    assert_eq!(engine.build_model("nobody", &job()).unwrap_err().to_string(), "unknown model `nobody`");
}

#[test]
fn a_cancelled_job_stops_a_load_and_a_build() {
    let history = History::default();
    history.bulk(0, 10);
    let engine = history.engine();
    let cancelled = job();
    cancelled.cancel_token().cancel();
    assert!(matches!(engine.refresh(&cancelled), Err(LoaderError::Interrupted(_))));
    engine.refresh(&job()).unwrap();
    assert!(matches!(engine.build(&Query::default(), &cancelled), Err(LoaderError::Interrupted(_))));
}
