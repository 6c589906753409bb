//! Writing records.

use souffleur_core::document::DocumentKind;
use souffleur_core::ids::Seq;
use souffleur_core::records::Session;
use souffleur_core::store::{Claim, Receipt, Record, Store, StoreError};
use souffleur_core::time::Timestamp;

use crate::records::{
    NOW, application, assert_gapless, assert_same, document, everything, featured, feedback, keyed, metric, named,
    rule, session, synthetic,
};

fn append(store: &dyn Store, records: Vec<souffleur_core::store::Append>) -> Vec<Receipt> {
    store.append(records, NOW).wait().unwrap()
}

pub(crate) fn a_session_and_its_parts_are_numbered_in_order(store: &dyn Store) {
    let receipts = append(store, vec![named("a"), named("b")]);
    assert_eq!(receipts[0], Receipt { seq: Seq(1), id: "a".into(), duplicate: false });
    assert_eq!(receipts[1], Receipt { seq: Seq(7), id: "b".into(), duplicate: false });
    let delta = everything(store);
    assert_eq!(delta.sessions.seq, [1, 7]);
    assert_eq!(delta.applications.session_seq, [1, 1, 7, 7]);
    assert_eq!(delta.applications.rule_seq, [2, 4, 2, 4]);
    assert_eq!(
        delta.rules.iter().map(|(seq, name)| (seq.0, &**name)).collect::<Vec<_>>(),
        [(2, "clarity"), (4, "few_shot")]
    );
    assert_gapless(store);
}

pub(crate) fn a_repeated_session_adds_nothing(store: &dyn Store) {
    let first = append(store, vec![named("a")]).remove(0);
    let before = everything(store);
    let other = Session { original_prompt: "something else".into(), ..session("a") };
    let again = append(store, vec![featured(other), synthetic("a")]);
    for receipt in again {
        assert_eq!(receipt, Receipt { duplicate: true, ..first.clone() });
    }
    assert_same(&everything(store), &before);
    assert_eq!(store.sessions(&[first.seq]).unwrap()[0].1, session("a"));
    let twice = append(store, vec![named("b"), named("b")]);
    assert_eq!(twice[1], Receipt { duplicate: true, ..twice[0].clone() });
    assert_gapless(store);
}

pub(crate) fn a_repeated_key_gets_the_first_receipt(store: &dyn Store) {
    append(store, vec![named("a")]);
    let first = append(store, vec![keyed("k", feedback("a", 5))]).remove(0);
    assert!(!first.duplicate);
    let before = everything(store);
    let again = append(store, vec![keyed("k", feedback("a", 1))]).remove(0);
    assert_eq!(again, Receipt { duplicate: true, ..first.clone() });
    assert_same(&everything(store), &before);
    let other = append(store, vec![keyed("l", feedback("a", 1)), feedback("a", 1)]);
    assert!(other.iter().all(|receipt| !receipt.duplicate));
    assert_eq!(everything(store).feedback.rating.len(), before.feedback.rating.len() + 2);
}

pub(crate) fn a_key_stands_for_one_record_of_any_kind(store: &dyn Store) {
    let first = append(store, vec![keyed("k", named("a"))]).remove(0);
    let again = append(store, vec![keyed("k", metric("s", 1.0)), keyed("k", named("z"))]);
    assert_eq!(again[0], Receipt { duplicate: true, ..first.clone() });
    assert_eq!(again[1], Receipt { duplicate: true, ..first });
    assert_eq!(store.session_seq("z").unwrap(), None);
}

pub(crate) fn late_feedback_and_rules_join_their_session(store: &dyn Store) {
    append(store, vec![named("a"), named("b")]);
    append(store, vec![feedback("a", 2), application("a", "structure"), application("a", "clarity")]);
    let delta = everything(store);
    let tail = delta.applications.seq.len() - 2;
    assert_eq!(delta.applications.session_seq[tail..], [1, 1]);
    assert_eq!(delta.applications.event_time_us[tail..], [3, 3]);
    assert_eq!(*delta.applications.rule_seq.last().unwrap(), 2);
    assert_eq!(delta.feedback.rating, [4, 4, 2]);
    let stored = store.sessions(&[Seq(1)]).unwrap().remove(0).1;
    let rules: Vec<_> = stored.rules.iter().map(|rule| rule.rule_id.as_str()).collect();
    assert_eq!(rules, ["clarity", "few_shot", "structure", "clarity"]);
    assert_eq!(stored.feedback.iter().map(|entry| entry.rating).collect::<Vec<_>>(), [4, 2]);
    assert_gapless(store);
}

pub(crate) fn unknown_sessions_are_refused_by_name(store: &dyn Store) {
    for record in [feedback("nobody", 3), application("nobody", "clarity")] {
        let error = store.append(vec![record], NOW).wait().unwrap_err();
        assert_eq!(error, StoreError::Unknown { what: "session", name: "nobody".into() });
    }
    assert_eq!(store.watermark().unwrap(), Seq::ZERO);
    // A session of the same request is known.
    append(store, vec![named("a"), feedback("a", 3)]);
}

pub(crate) fn a_request_is_kept_whole_or_not_at_all(store: &dyn Store) {
    let error = store.append(vec![named("a"), metric("s", 1.0), feedback("nobody", 3)], NOW).wait().unwrap_err();
    assert!(matches!(error, StoreError::Unknown { .. }), "{error}");
    assert_eq!(store.session_seq("a").unwrap(), None);
    assert!(store.rules().unwrap().is_empty());
    assert!(store.metrics(None, Seq(i64::MAX), 10).unwrap().is_empty());
    // Rules seen only in what was undone are registered anew, and the numbers are used again.
    assert_eq!(append(store, vec![named("b")])[0].seq, Seq(1));
    assert_gapless(store);
}

pub(crate) fn a_rule_is_registered_once_and_redefined_in_place(store: &dyn Store) {
    append(store, vec![named("a")]);
    let defined = append(store, vec![rule("clarity", "say it plainly")]).remove(0);
    assert_eq!(defined, Receipt { seq: Seq(2), id: "clarity".into(), duplicate: false });
    let again = append(store, vec![rule("clarity", "say it plainly")]).remove(0);
    assert_eq!(again, Receipt { duplicate: true, ..defined.clone() });
    assert_eq!(append(store, vec![rule("clarity", "say it clearly")]).remove(0), defined);
    let new = append(store, vec![rule("brevity", "say less")]).remove(0);
    assert_eq!(new.seq, Seq(7));
    let rules = store.rules().unwrap();
    let shown: Vec<_> = rules.iter().map(|rule| (rule.rule_id.as_str(), rule.description.as_deref())).collect();
    assert_eq!(shown, [("brevity", Some("say less")), ("clarity", Some("say it clearly")), ("few_shot", None)]);
    assert_gapless(store);
}

pub(crate) fn made_up_sessions_are_kept_apart_and_flagged(store: &dyn Store) {
    append(store, vec![named("a"), synthetic("s")]);
    assert_eq!(everything(store).sessions.synthetic, [false, true]);
    let counts = store.counts().unwrap();
    assert_eq!((counts.sessions, counts.training_prompts), (1, 1));
    let seq = store.session_seq("s").unwrap().unwrap();
    assert_eq!(store.sessions(&[seq]).unwrap(), [(seq, session("s"))]);
}

pub(crate) fn an_empty_request_is_answered(store: &dyn Store) {
    assert!(append(store, Vec::new()).is_empty());
    assert_eq!(store.watermark().unwrap(), Seq::ZERO);
}

pub(crate) fn a_session_without_a_name_is_refused(store: &dyn Store) {
    let nameless = Session { session_id: None, ..session("a") };
    let error = store.append(vec![featured(nameless)], NOW).wait().unwrap_err();
    assert!(error.to_string().contains("session_id"), "{error}");
}

pub(crate) fn absent_times_are_the_time_of_arrival(store: &dyn Store) {
    let timeless = Session { event_time: None, ..session("a") };
    append(store, vec![featured(timeless), feedback("a", 1)]);
    append(store, vec![document(DocumentKind::Results, "k_means", serde_json::json!(1))]);
    let delta = everything(store);
    assert_eq!(delta.sessions.event_time_us, [NOW.0]);
    assert_eq!(delta.sessions.known_time_us, [NOW.0]);
    assert_eq!(delta.feedback.event_time_us, [NOW.0, NOW.0]);
    let found = store.documents(DocumentKind::Results, None, Seq(i64::MAX), 10).unwrap();
    assert_eq!((found[0].event_time, found[0].known_time), (NOW, NOW));
    assert_eq!(store.sessions(&[Seq(1)]).unwrap()[0].1.event_time, Some(NOW));
}

pub(crate) fn a_closed_store_says_so(store: &dyn Store) {
    let queued = store.append(vec![named("a")], NOW);
    store.close();
    store.close();
    assert_eq!(queued.wait().unwrap().len(), 1, "what was queued is finished");
    assert_eq!(store.append(vec![Record::Rule(Default::default()).into()], NOW).wait(), Err(StoreError::Closed));
    assert_eq!(store.claim(Claim::new("c", "r", Timestamp(0), 1)).wait(), Err(StoreError::Closed));
    assert_eq!(store.watermark(), Err(StoreError::Closed));
    assert_eq!(store.delta(Seq::ZERO, 1), Err(StoreError::Closed));
    assert_eq!(store.counts(), Err(StoreError::Closed));
}
