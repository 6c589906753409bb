//! Any session comes back from any format as it went in.

use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::Value;
use souffleur_core::records::{BeforeMetrics, Complexity, Feedback, FeedbackEntry, RuleApplication, Session, Validate};
use souffleur_core::store::memory::MemoryStore;
use souffleur_core::store::{Append, Record, Store};
use souffleur_core::time::Timestamp;
use souffleur_export::Shape;

use crate::support::{NOW, SHAPES, append, export, import, simulated, stored};

/// Any finite number in [0, 1], ends included.
fn score() -> impl Strategy<Value = Option<f64>> {
    of(prop_oneof![Just(0.0), Just(1.0), 0.0..1.0])
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        "(?s).{0,20}".prop_map(Value::from),
    ]
}

fn name() -> impl Strategy<Value = String> {
    "[a-zé\"',;=+ ]{0,6}[a-z]"
}

/// Any time between 1000 and 3000.
fn time() -> impl Strategy<Value = Timestamp> {
    (-30_000_000_000_000_000i64..32_000_000_000_000_000).prop_map(Timestamp)
}

fn application() -> impl Strategy<Value = RuleApplication> {
    let scores = (score(), score(), of(0.0..1e6), of(f64::MIN_POSITIVE..=1.0));
    (name(), of(btree_map(name(), value(), 0..3)), scores, of(time())).prop_map(
        |(rule_id, parameters, (improvement_score, confidence, execution_time_ms, propensity), event_time)| {
            RuleApplication {
                rule_id,
                parameters,
                improvement_score,
                confidence,
                execution_time_ms,
                propensity,
                event_time,
            }
        },
    )
}

fn feedback() -> impl Strategy<Value = FeedbackEntry> {
    (1u8..=5, of("(?s).{0,40}"), vec(name(), 0..3), of(time()))
        .prop_map(|(rating, text, areas, event_time)| FeedbackEntry { rating, text, areas, event_time })
}

fn before() -> impl Strategy<Value = Option<BeforeMetrics>> {
    (score(), score(), score(), score(), score()).prop_map(
        |(overall_score, clarity, completeness, actionability, effectiveness)| {
            let scores = BeforeMetrics { overall_score, clarity, completeness, actionability, effectiveness };
            // Scores of which none is known are the same as no scores.
            (scores != BeforeMetrics::default()).then_some(scores)
        },
    )
}

fn session() -> impl Strategy<Value = Session> {
    // CSV does not tell an empty text from none; everything else does, see below.
    let texts = ("(?s).{0,200}[a-z]", of("(?s).{1,200}"), of(name()), of(name()));
    let context = (of(0usize..4), of(0u32..1_000_000), of(time()), before());
    let parts = (vec(application(), 0..4), vec(feedback(), 0..3), btree_map(name(), value(), 0..3));
    (texts, context, parts, score(), score()).prop_map(|(texts, context, parts, quality_score, improvement_score)| {
        Session {
            session_id: None,
            original_prompt: texts.0,
            improved_prompt: texts.1,
            event_time: context.2,
            project_type: texts.2,
            domain: texts.3,
            complexity: context.0.map(|grade| Complexity::ALL[grade]),
            team_size: context.1,
            before_metrics: context.3,
            rules: parts.0,
            quality_score,
            improvement_score,
            feedback: parts.1,
            tags: parts.2,
        }
    })
}

/// What came after the sessions: feedback and rules with times of their own.
fn late() -> impl Strategy<Value = (usize, u8, Timestamp)> {
    (0..8usize, 1u8..=5, time())
}

fn fill(sessions: Vec<(Session, bool)>, late: Vec<(usize, u8, Timestamp)>) -> Arc<MemoryStore> {
    let store = MemoryStore::default();
    let count = sessions.len();
    let named = sessions.into_iter().enumerate().map(|(n, (session, made_up))| {
        let session = Session { session_id: Some(format!("s{n}")), ..session };
        assert_eq!(session.validate(), Ok(()), "the strategy makes sessions that may be stored");
        append(session, made_up.then_some("generator v1"))
    });
    store.append(named.collect(), NOW).wait().unwrap();
    let records = late.into_iter().map(|(n, rating, time)| {
        let session_id = format!("s{}", n % count);
        let event_time = Some(time);
        Append::from(if rating % 2 == 0 {
            let application = RuleApplication { rule_id: "late".to_owned(), ..RuleApplication::default() };
            Record::Application { session_id, application, event_time }
        } else {
            Record::Feedback(Feedback { session_id, rating, event_time, ..Feedback::default() })
        })
    });
    store.append(records.collect(), NOW).wait().unwrap();
    Arc::new(store)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn sessions_come_back_as_they_went_in(
        sessions in vec((session(), any::<bool>()), 1..8),
        late in vec(late(), 0..4),
        gzip in any::<bool>(),
    ) {
        let store = fill(sessions, late);
        let folder = tempfile::tempdir().unwrap();
        for shape in SHAPES {
            // The name says nothing of the format: the tables are told by their bytes.
            let path = folder.path().join(if shape == Shape::Csv { "history.csv" } else { "history" });
            let gzip = gzip && shape.columnar().is_none();
            let written = export(&store, &path, shape, gzip).unwrap();
            prop_assert_eq!(written.bytes, std::fs::metadata(&path).unwrap().len());
            let (again, summary) = import(&path);
            prop_assert_eq!(summary.progress.errors, 0);
            prop_assert_eq!(stored(&again), stored(&*store), "{:?}", shape);
            // And the copy's export has the same bytes.
            let second = folder.path().join("second");
            export(&Arc::new(again), &second, shape, gzip).unwrap();
            prop_assert_eq!(std::fs::read(&second).unwrap(), std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn an_empty_text_is_one_in_all_but_csv() {
    let session = Session {
        session_id: Some("a".to_owned()),
        original_prompt: "Write.".to_owned(),
        improved_prompt: Some(String::new()),
        ..Session::default()
    };
    let store = Arc::new(MemoryStore::default());
    store.append(vec![append(session, None)], NOW).wait().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for shape in [Shape::Parquet, Shape::Arrow, Shape::ArrowStream, Shape::Jsonl] {
        let path = folder.path().join("history");
        export(&store, &path, shape, false).unwrap();
        assert_eq!(stored(&import(&path).0), stored(&*store), "{shape:?}");
    }
}

#[test]
fn many_pages_come_back_in_their_order() {
    let store = simulated(1_200);
    let folder = tempfile::tempdir().unwrap();
    for shape in SHAPES {
        let path = folder.path().join(if shape == Shape::Csv { "history.csv" } else { "history.data" });
        assert_eq!(export(&store, &path, shape, false).unwrap().sessions, 1_200);
        let (again, summary) = import(&path);
        assert_eq!((summary.progress.sessions, summary.incomplete), (1_200, false));
        assert_eq!(stored(&again), stored(&*store), "{shape:?}");
    }
}

#[test]
fn an_empty_hub_is_an_empty_file() {
    let folder = tempfile::tempdir().unwrap();
    for shape in SHAPES {
        let path = folder.path().join(if shape == Shape::Csv { "history.csv" } else { "history.data" });
        assert_eq!(export(&Arc::new(MemoryStore::default()), &path, shape, false).unwrap().sessions, 0);
        let (again, summary) = import(&path);
        assert_eq!((stored(&again).len(), summary.progress.records), (0, 0), "{shape:?}");
    }
}
