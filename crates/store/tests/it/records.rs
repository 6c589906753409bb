//! Records to test with.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use souffleur_core::document::{DocumentKind, NewDocument};
use souffleur_core::features;
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::records::{
    BeforeMetrics, Complexity, Feedback, FeedbackEntry, MetricPoint, Rule, RuleApplication, Session,
};
use souffleur_core::store::{Append, Delta, FeaturedSession, Lease, Origin, Record, RunCommit, Store};
use souffleur_core::time::Timestamp;

/// A moment to call now.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

/// A session with two rules and one feedback: six rows where the rules are new, four where they are not.
pub(crate) fn session(name: &str) -> Session {
    Session {
        session_id: Some(name.to_owned()),
        original_prompt: format!("Write a function that sorts the list {name}. For example: [3, 1, 2]."),
        improved_prompt: Some("Write a tested function `sort`.".into()),
        event_time: Some(Timestamp(NOW.0 - 5_000_000)),
        project_type: Some("api".into()),
        domain: Some("finance".into()),
        complexity: Some(Complexity::High),
        team_size: Some(4),
        before_metrics: Some(BeforeMetrics { clarity: Some(0.25), ..BeforeMetrics::default() }),
        rules: vec![
            RuleApplication {
                rule_id: "clarity".into(),
                parameters: Some(BTreeMap::from([("weight".to_owned(), json!(0.5))])),
                improvement_score: Some(0.125),
                confidence: Some(0.0),
                execution_time_ms: Some(12.5),
                propensity: Some(0.75),
                event_time: None,
            },
            RuleApplication { rule_id: "few_shot".into(), ..RuleApplication::default() },
        ],
        quality_score: Some(0.5),
        improvement_score: None,
        feedback: vec![FeedbackEntry {
            rating: 4,
            text: Some("fine".into()),
            areas: vec!["tone".into()],
            event_time: None,
        }],
        tags: BTreeMap::from([("team".to_owned(), json!("blue")), ("n".to_owned(), json!(3))]),
    }
}

/// The session as it is appended.
pub(crate) fn featured(session: Session) -> Append {
    let features = features::extract(&session);
    Record::Session(Box::new(FeaturedSession { session, features, provenance: None })).into()
}

/// [`session`] as it is appended.
pub(crate) fn named(name: &str) -> Append {
    featured(session(name))
}

/// A session that somebody made up.
pub(crate) fn synthetic(name: &str) -> Append {
    let session = session(name);
    let features = features::extract(&session);
    let provenance = Some("simulator v1 seed 7".to_owned());
    Record::Session(Box::new(FeaturedSession { session, features, provenance })).into()
}

/// Feedback on a stored session.
pub(crate) fn feedback(session_id: &str, rating: u8) -> Append {
    let feedback = Feedback { session_id: session_id.to_owned(), rating, ..Feedback::default() };
    Record::Feedback(feedback).into()
}

/// A rule applied afterwards.
pub(crate) fn application(session_id: &str, rule_id: &str) -> Append {
    let application = RuleApplication { rule_id: rule_id.to_owned(), confidence: Some(0.5), ..Default::default() };
    Record::Application { session_id: session_id.to_owned(), application, event_time: Some(Timestamp(3)) }.into()
}

/// A rule with a description.
pub(crate) fn rule(rule_id: &str, description: &str) -> Append {
    let description = Some(description.to_owned());
    Record::Rule(Rule { rule_id: rule_id.to_owned(), description, priority: 3, ..Rule::default() }).into()
}

/// A measurement.
pub(crate) fn metric(subject: &str, value: f64) -> Append {
    let (metric, subject) = ("latency_ms".to_owned(), subject.to_owned());
    Record::Metric(MetricPoint { metric, subject, value, event_time: Some(Timestamp(9)) }).into()
}

/// A document.
pub(crate) fn document(kind: DocumentKind, subject: &str, body: Value) -> Append {
    Record::Document(kind, NewDocument { subject: subject.to_owned(), event_time: None, body }).into()
}

/// The same record under an idempotency key.
pub(crate) fn keyed(key: &str, append: Append) -> Append {
    Append { idempotency_key: Some(key.to_owned()), ..append }
}

/// A finished run of a lease.
pub(crate) fn run(lease: Lease) -> RunCommit {
    RunCommit {
        lease,
        now: Timestamp(NOW.0 + 1),
        version: DataVersion { watermark: Seq(42), schema_hash: u64::MAX },
        seed: u64::MAX - 1,
        duration_ms: 5,
        report: json!({"clusters": 3}),
        metrics: vec![souffleur_core::component::Measurement::new("silhouette", 0.5)],
        snapshot: vec![1, 2, 3],
        rows: vec![Seq(4), Seq(2), Seq(9)],
        origin: Origin::default(),
    }
}

/// Everything in the store, as one delta.
pub(crate) fn everything(store: &dyn Store) -> Delta {
    let delta = store.delta(Seq::ZERO, usize::MAX).unwrap();
    assert!(!delta.more);
    delta
}

/// Every number a delta holds, sorted.
pub(crate) fn numbers(delta: &Delta) -> Vec<i64> {
    let mut numbers: Vec<i64> = delta.sessions.seq.clone();
    numbers.extend(&delta.applications.seq);
    numbers.extend(&delta.feedback.seq);
    numbers.extend(delta.rules.iter().map(|(seq, _)| seq.0));
    numbers.sort_unstable();
    numbers
}

/// Fails unless the store, holding sessions, applications, feedback and rules only, has every number once.
pub(crate) fn assert_gapless(store: &dyn Store) {
    let delta = everything(store);
    assert_eq!(numbers(&delta), (1..=delta.watermark.0).collect::<Vec<_>>());
    assert_eq!(store.watermark().unwrap(), delta.watermark);
}

/// Fails unless two deltas are the same; a missing number equals a missing number.
#[track_caller]
pub(crate) fn assert_same(a: &Delta, b: &Delta) {
    // `NaN` is written as such, and every other number so that it can be read back exactly.
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}
