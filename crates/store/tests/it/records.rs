//! Records to test with.

use std::collections::BTreeMap;

use serde_json::json;
use souffleur_core::features;
use souffleur_core::records::{BeforeMetrics, Complexity, FeedbackEntry, RuleApplication, Session};
use souffleur_core::store::{Append, FeaturedSession, Record};
use souffleur_core::time::Timestamp;

/// A moment to call now.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

/// A session with two rules and one feedback: five rows where the rules are new, seven in all.
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
            },
            RuleApplication { rule_id: "few_shot".into(), ..RuleApplication::default() },
        ],
        quality_score: Some(0.5),
        improvement_score: None,
        feedback: vec![FeedbackEntry { rating: 4, text: Some("fine".into()), areas: vec!["tone".into()] }],
        tags: BTreeMap::from([("team".to_owned(), json!("blue")), ("n".to_owned(), json!(3))]),
    }
}

/// The session as it is appended.
pub(crate) fn featured(session: Session) -> Append {
    let features = features::extract(&session);
    Record::Session(Box::new(FeaturedSession { session, features, provenance: None })).into()
}
