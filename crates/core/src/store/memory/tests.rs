use super::*;
use crate::features;
use crate::records::Feedback;
use crate::store::{FeaturedSession, Record};

fn session(id: &str) -> Append {
    let json = format!(
        r#"{{"session_id":"{id}","original_prompt":"Write a test.","quality_score":0.5,
            "rules":[{{"rule_id":"clarity"}}],"feedback":[{{"rating":4}}]}}"#
    );
    let session: Session = serde_json::from_str(&json).unwrap();
    let features = features::extract(&session);
    Record::Session(Box::new(FeaturedSession { session, features, provenance: None })).into()
}

#[test]
fn rows_have_one_gapless_order_and_arrive_in_stretches() {
    let store = MemoryStore::default();
    store.append(vec![session("a"), session("b")], Timestamp(5)).wait().unwrap();
    // a, its rule, its application, its feedback; b, its application, its feedback.
    assert_eq!(store.watermark(), Ok(Seq(7)));
    let (first, second) = (store.delta(Seq::ZERO, 4).unwrap(), store.delta(Seq(4), 100).unwrap());
    assert_eq!((first.watermark, first.more, second.watermark, second.more), (Seq(4), true, Seq(7), false));
    assert_eq!((first.sessions.seq, second.sessions.seq), (vec![1], vec![5]));
    assert_eq!((first.applications.rule_seq, second.applications.rule_seq), (vec![2], vec![2]));
    assert_eq!(second.feedback.session_seq, vec![5]);
    assert_eq!(store.session_seq("b"), Ok(Some(Seq(5))));
}

#[test]
fn a_repeated_session_or_key_is_answered_with_the_first_receipt() {
    let store = MemoryStore::default();
    let first = store.append(vec![session("a")], Timestamp(5)).wait().unwrap();
    let again = store.append(vec![session("a")], Timestamp(6)).wait().unwrap();
    assert_eq!(again, vec![Receipt { duplicate: true, ..first[0].clone() }]);
    assert_eq!(store.counts().unwrap().sessions, 1);
}

#[test]
fn a_call_with_an_unknown_session_keeps_nothing() {
    let store = MemoryStore::default();
    let feedback = Feedback { session_id: "nobody".into(), rating: 3, ..Feedback::default() };
    let error = store.append(vec![session("a"), Record::Feedback(feedback).into()], Timestamp(5)).wait();
    assert_eq!(error, Err(StoreError::Unknown { what: "session", name: "nobody".into() }));
    assert_eq!(store.watermark(), Ok(Seq::ZERO));
}

#[test]
fn only_the_newest_epoch_commits() {
    let store = MemoryStore::default();
    let old = store.claim(Claim::new("c", "run-1", Timestamp(1), 10)).wait().unwrap();
    let new = store.claim(Claim::new("c", "run-2", Timestamp(2), 10)).wait().unwrap();
    let commit = |lease: &Lease| RunCommit {
        lease: lease.clone(),
        now: Timestamp(3),
        version: DataVersion::default(),
        seed: 1,
        duration_ms: 1,
        report: serde_json::Value::Null,
        metrics: Vec::new(),
        snapshot: vec![7],
        rows: vec![Seq(1)],
        origin: super::super::Origin::default(),
    };
    let fenced = store.commit_run(commit(&old)).wait();
    assert!(matches!(fenced, Err(StoreError::Fenced { have: Epoch(1), current: Epoch(2), .. })), "{fenced:?}");
    assert_eq!(store.unfinished_runs().unwrap().len(), 1);
    store.commit_run(commit(&new)).wait().unwrap();
    assert_eq!(store.latest_model("c").unwrap().unwrap().snapshot, [7]);
    assert_eq!(store.runs("c", 9).unwrap()[1].state, RunState::Abandoned);
}

#[test]
fn a_closed_store_and_one_made_to_fail_say_so() {
    let store = MemoryStore::default();
    store.fail_with(Some(StoreError::Database("disk full".into())));
    assert_eq!(store.watermark(), Err(StoreError::Database("disk full".into())));
    store.fail_with(None);
    store.close();
    assert_eq!(store.watermark(), Err(StoreError::Closed));
}
