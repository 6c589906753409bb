//! Any session comes back as it went in.

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::Value;
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

fn application() -> impl Strategy<Value = RuleApplication> {
    ("[a-d]{1,2}", of(btree_map(".{0,5}", value(), 0..3)), score(), score(), score(), score()).prop_map(
        |(rule_id, parameters, improvement_score, confidence, execution_time_ms, propensity)| RuleApplication {
            rule_id,
            parameters,
            improvement_score,
            confidence,
            execution_time_ms,
            propensity,
        },
    )
}

fn feedback() -> impl Strategy<Value = FeedbackEntry> {
    (1u8..=5, of(".{0,40}"), vec(".{0,10}", 0..3)).prop_map(|(rating, text, areas)| FeedbackEntry {
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
    let context = (of(0usize..4), of(any::<u32>()), any::<i64>(), before());
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sessions_come_back_as_they_went_in(
        sessions in vec((session(), any::<bool>()), 1..8),
        features in proptest::array::uniform31(0f32..=1.0),
    ) {
        let (store, _keep) = sqlite::open();
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
        assert_gapless(&store);
    }
}
