//! Any session comes back as it went in.

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::Value;
use souffleur_core::features::FeatureVector;
use souffleur_core::records::{BeforeMetrics, Complexity, FeedbackEntry, RuleApplication, Session};
use souffleur_core::store::{FeaturedSession, Record, Store};
use souffleur_core::time::Timestamp;

use crate::records::{NOW, assert_gapless};
use crate::sqlite;

/// Any finite number of a score's size, ends included.
fn score() -> impl Strategy<Value = Option<f64>> {
    of(prop_oneof![Just(0.0), Just(1.0), Just(-1.0), -1.0..1.0])
}

/// Values with exact decimal forms: JSON columns are read back through text.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1000i32..1000).prop_map(|n| Value::from(f64::from(n) / 8.0)),
        ".{0,20}".prop_map(Value::from),
    ]
}

/// A time of its own; the session's are other ones.
fn time() -> impl Strategy<Value = Option<Timestamp>> {
    of((1..1000i64).prop_map(Timestamp))
}

fn application() -> impl Strategy<Value = RuleApplication> {
    ("[a-d]{1,2}", of(btree_map(".{0,5}", value(), 0..3)), score(), score(), score(), score(), time()).prop_map(
        |(rule_id, parameters, improvement_score, confidence, execution_time_ms, propensity, event_time)| {
            RuleApplication {
                event_time,
                rule_id,
                parameters,
                improvement_score,
                confidence,
                execution_time_ms,
                propensity,
            }
        },
    )
}

fn feedback() -> impl Strategy<Value = FeedbackEntry> {
    (1u8..=5, of(".{0,40}"), vec(".{0,10}", 0..3), time()).prop_map(|(rating, text, areas, event_time)| FeedbackEntry {
        event_time,
        rating,
        text,
        areas,
    })
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
    let texts = ("(?s).{0,300}", of("(?s).{0,300}"), of(".{0,12}"), of(".{0,12}"));
    let context = (of(0usize..4), of(any::<u32>()), 1000..i64::MAX, before());
    let parts = (vec(application(), 0..4), vec(feedback(), 0..3), btree_map(".{0,8}", value(), 0..3));
    (texts, context, parts, score(), score()).prop_map(|(texts, context, parts, quality_score, improvement_score)| {
        Session {
            session_id: None,
            original_prompt: texts.0,
            improved_prompt: texts.1,
            event_time: Some(Timestamp(context.2)),
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

fn parts() -> impl Strategy<Value = (Vec<(Session, bool)>, FeatureVector)> {
    (vec((session(), any::<bool>()), 1..8), proptest::array::uniform31(0f32..=1.0))
}

/// Appends the sessions, made up or not, and reads them back.
fn check(store: &dyn Store, sessions: Vec<(Session, bool)>, features: FeatureVector) -> Result<(), TestCaseError> {
    let sessions: Vec<_> = sessions
        .into_iter()
        .enumerate()
        .map(|(n, (session, synthetic))| (Session { session_id: Some(format!("s{n}")), ..session }, synthetic))
        .collect();
    let records = sessions.iter().map(|(session, synthetic)| {
        let provenance = synthetic.then(|| "generator".to_owned());
        Record::Session(Box::new(FeaturedSession { session: session.clone(), features, provenance })).into()
    });
    let receipts = store.append(records.collect(), NOW).wait().unwrap();
    let seqs: Vec<_> = receipts.iter().map(|receipt| receipt.seq).collect();
    let stored = store.sessions(&seqs).unwrap();
    let expected: Vec<_> = seqs.iter().copied().zip(sessions.iter().map(|(session, _)| session.clone())).collect();
    prop_assert_eq!(stored, expected);
    let delta = store.delta(souffleur_core::ids::Seq::ZERO, usize::MAX).unwrap();
    prop_assert_eq!(delta.sessions.features, features.repeat(sessions.len()));
    assert_gapless(store);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sessions_come_back_as_they_went_in((sessions, features) in parts()) {
        let (store, _keep) = sqlite::open();
        check(&store, sessions, features)?;
    }
}

/// The session without U+0000, which PostgreSQL has no room for and refuses.
#[cfg(feature = "postgres")]
fn without_zero(session: &Session) -> Session {
    // Not every time has a form in JSON.
    let text = serde_json::to_string(&Session { event_time: None, ..session.clone() }).unwrap();
    let read: Session = serde_json::from_str(&text.replace("\\u0000", "")).unwrap();
    Session { event_time: session.event_time, ..read }
}

#[cfg(feature = "postgres")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sessions_come_back_from_postgres_as_they_went_in((sessions, features) in parts()) {
        if let Some((store, _keep)) = crate::postgres::fresh() {
            let sessions = sessions.into_iter().map(|(session, made_up)| (without_zero(&session), made_up));
            check(&store, sessions.collect(), features)?;
        }
    }
}
