//! Reading back.

use serde_json::json;
use souffleur_core::document::DocumentKind;
use souffleur_core::features;
use souffleur_core::ids::Seq;
use souffleur_core::records::Session;
use souffleur_core::store::{Claim, Counts, Delta, Store};
use souffleur_core::time::Timestamp;

use crate::records::{
    NOW, application, assert_same, document, everything, featured, feedback, metric, named, numbers, rule, run,
    session, synthetic,
};

fn join(whole: &mut Delta, page: Delta) {
    let (sessions, more) = (&mut whole.sessions, page.sessions);
    sessions.seq.extend(more.seq);
    sessions.event_time_us.extend(more.event_time_us);
    sessions.known_time_us.extend(more.known_time_us);
    sessions.quality_score.extend(more.quality_score);
    sessions.improvement_score.extend(more.improvement_score);
    sessions.synthetic.extend(more.synthetic);
    sessions.features.extend(more.features);
    let (applications, more) = (&mut whole.applications, page.applications);
    applications.seq.extend(more.seq);
    applications.session_seq.extend(more.session_seq);
    applications.rule_seq.extend(more.rule_seq);
    applications.event_time_us.extend(more.event_time_us);
    applications.known_time_us.extend(more.known_time_us);
    applications.improvement_score.extend(more.improvement_score);
    applications.confidence.extend(more.confidence);
    applications.execution_time_ms.extend(more.execution_time_ms);
    applications.propensity.extend(more.propensity);
    let (feedback, more) = (&mut whole.feedback, page.feedback);
    feedback.seq.extend(more.seq);
    feedback.session_seq.extend(more.session_seq);
    feedback.event_time_us.extend(more.event_time_us);
    feedback.known_time_us.extend(more.known_time_us);
    feedback.rating.extend(more.rating);
    whole.rules.extend(page.rules);
    whole.watermark = page.watermark;
    whole.more = page.more;
}

pub(crate) fn pages_of_a_delta_equal_the_whole(store: &dyn Store) {
    for name in 0..30 {
        let metric = metric("not part of a delta", 1.0);
        store.append(vec![named(&format!("s{name}")), metric, feedback("s0", 3)], NOW).wait().unwrap();
    }
    let whole = everything(store);
    for limit in [1, 2, 7, 50, 10_000] {
        let mut joined = Delta::default();
        loop {
            let page = store.delta(joined.watermark, limit).unwrap();
            assert!(numbers(&page).len() <= limit);
            assert!(page.watermark > joined.watermark, "a page leads on");
            join(&mut joined, page);
            if !joined.more {
                break;
            }
        }
        assert_same(&joined, &whole);
    }
}

pub(crate) fn a_delta_after_the_end_is_empty(store: &dyn Store) {
    store.append(vec![named("a")], NOW).wait().unwrap();
    let end = store.watermark().unwrap();
    for after in [end, Seq(end.0 + 10), Seq(i64::MAX)] {
        let delta = store.delta(after, 100).unwrap();
        assert_eq!(delta, Delta { watermark: after, ..Delta::default() });
    }
}

pub(crate) fn columns_hold_what_was_appended(store: &dyn Store) {
    store.append(vec![named("a"), synthetic("b")], NOW).wait().unwrap();
    let delta = everything(store);
    let sessions = &delta.sessions;
    assert_eq!(sessions.quality_score, [0.5, 0.5]);
    assert!(sessions.improvement_score.iter().all(|score| score.is_nan()));
    let expected = [features::extract(&session("a")), features::extract(&session("b"))].concat();
    assert_eq!(sessions.features, expected);
    let applied = &delta.applications;
    assert_eq!(applied.confidence[0], 0.0, "a zero is a zero, not a missing value");
    assert!(applied.confidence[1].is_nan());
    assert_eq!((applied.improvement_score[0], applied.execution_time_ms[0]), (0.125, 12.5));
    assert_eq!(applied.propensity[0], 0.75);
    assert_eq!(applied.event_time_us[0], NOW.0 - 5_000_000);
    assert_eq!(applied.known_time_us[0], NOW.0);
}

pub(crate) fn sessions_come_in_the_order_asked_for(store: &dyn Store) {
    let names: Vec<_> = (0..1200).map(|n| format!("s{n}")).collect();
    let receipts = store.append(names.iter().map(|name| named(name)).collect(), NOW).wait().unwrap();
    let mut seqs: Vec<_> = receipts.iter().rev().map(|receipt| receipt.seq).collect();
    seqs.insert(3, Seq(2));
    seqs.push(Seq(999_999));
    let found = store.sessions(&seqs).unwrap();
    assert_eq!(found.len(), 1200, "places without a session are left out");
    for ((seq, stored), (receipt, name)) in found.into_iter().rev().zip(receipts.iter().zip(&names)) {
        assert_eq!((seq, stored), (receipt.seq, session(name)));
    }
    assert_eq!(store.session_seq("s7").unwrap(), Some(receipts[7].seq));
    assert_eq!(store.session_seq("S7").unwrap(), None);
}

pub(crate) fn pages_of_stored_sessions_are_whole(store: &dyn Store) {
    let records = (0..25).map(|n| if n % 3 == 0 { synthetic(&format!("s{n}")) } else { named(&format!("s{n}")) });
    store.append(records.collect(), NOW).wait().unwrap();
    let until = store.watermark().unwrap();
    for limit in [1, 4, 25, 1000] {
        let (mut after, mut names) = (Seq::ZERO, 0);
        loop {
            let page = store.stored_sessions(after, until, limit).unwrap();
            for stored in &page {
                assert_eq!(stored.session, session(&format!("s{names}")), "with its rules and its feedback");
                let provenance = (names % 3 == 0).then_some("simulator v1 seed 7");
                assert_eq!(stored.provenance.as_deref(), provenance);
                assert!(stored.seq > after);
                after = stored.seq;
                names += 1;
            }
            if page.len() < limit {
                break;
            }
        }
        assert_eq!(names, 25);
    }
}

pub(crate) fn stored_sessions_are_those_of_a_moment(store: &dyn Store) {
    store.append(vec![named("a")], NOW).wait().unwrap();
    let before = store.watermark().unwrap();
    store.append(vec![application("a", "late"), feedback("a", 1), named("b")], NOW).wait().unwrap();
    let then = store.stored_sessions(Seq::ZERO, before, 10).unwrap();
    assert_eq!(then.into_iter().map(|stored| stored.session).collect::<Vec<_>>(), [session("a")]);
    let now = store.stored_sessions(Seq::ZERO, store.watermark().unwrap(), 10).unwrap();
    assert_eq!(now.len(), 2);
    let (rule, opinion) = (now[0].session.rules.last().unwrap(), now[0].session.feedback.last().unwrap());
    assert_eq!(
        (rule.rule_id.as_str(), rule.event_time),
        ("late", Some(Timestamp(3))),
        "what came later keeps its time"
    );
    assert_eq!((opinion.rating, opinion.event_time), (1, Some(NOW)));
    assert_eq!(now[0].session.rules[0].event_time, None, "what happened with the session has none of its own");
}

pub(crate) fn documents_are_kept_by_kind_and_subject(store: &dyn Store) {
    for kind in DocumentKind::ALL {
        let of = |subject: &str, n: i32| document(kind, subject, json!({ "kind": kind.table(), "n": n }));
        store.append(vec![of("a", 1), of("b", 2), of("a", 3)], NOW).wait().unwrap();
    }
    let all = Seq(i64::MAX);
    for kind in DocumentKind::ALL {
        let of = |subject, until, limit| -> Vec<i64> {
            let found = store.documents(kind, subject, until, limit).unwrap();
            assert!(found.iter().all(|document| document.body["kind"] == kind.table()));
            found.iter().map(|document| document.body["n"].as_i64().unwrap()).collect()
        };
        assert_eq!(of(None, all, 10), [1, 2, 3]);
        assert_eq!(of(Some("a"), all, 10), [1, 3]);
        assert_eq!(of(Some("a"), all, 1), [3], "the newest are kept");
        assert_eq!(of(Some("'; DROP TABLE runs; --"), all, 10), [0; 0]);
        let second = store.documents(kind, Some("b"), all, 1).unwrap()[0].seq;
        assert_eq!(of(None, second, 10), [1, 2]);
    }
}

pub(crate) fn metrics_are_the_newest_oldest_first(store: &dyn Store) {
    let points = vec![metric("a", 1.0), metric("b", 2.0), metric("a", 3.5)];
    let receipts = store.append(points, NOW).wait().unwrap();
    let values = |subject, until, limit| -> Vec<f64> {
        store.metrics(subject, until, limit).unwrap().into_iter().map(|(_, point)| point.value).collect()
    };
    assert_eq!(values(None, Seq(i64::MAX), 10), [1.0, 2.0, 3.5]);
    assert_eq!(values(None, Seq(i64::MAX), 2), [2.0, 3.5]);
    assert_eq!(values(Some("a"), receipts[1].seq, 10), [1.0]);
    let (seq, point) = store.metrics(Some("b"), Seq(i64::MAX), 1).unwrap().remove(0);
    assert_eq!((seq, point.metric.as_str(), point.event_time.unwrap().0), (receipts[1].seq, "latency_ms", 9));
}

pub(crate) fn everything_is_counted(store: &dyn Store) {
    assert_eq!(store.counts().unwrap(), Counts::default());
    store.append(vec![named("a"), synthetic("b"), feedback("a", 1), rule("r", "x")], NOW).wait().unwrap();
    let lease = store.claim(Claim::new("k_means", "r1", NOW, 1)).wait().unwrap();
    store.commit_run(run(lease)).wait().unwrap();
    store.claim(Claim::new("k_means", "r2", NOW, 1)).wait().unwrap();
    let expected =
        Counts { sessions: 1, training_prompts: 1, rule_applications: 4, feedback: 3, rules: 3, runs: 2, models: 1 };
    assert_eq!(store.counts().unwrap(), expected);
}

pub(crate) fn what_there_is_is_told_table_by_table(store: &dyn Store) {
    let empty = store.inventory().unwrap();
    assert_eq!((empty.watermark, empty.table("prompt_sessions").unwrap().rows), (Seq::ZERO, 0));
    assert!(empty.schemas.is_empty() && empty.models.is_empty());
    let mut known = session("known");
    known.domain = Some("finance".to_owned());
    known.quality_score = Some(0.5);
    known.event_time = Some(Timestamp(7));
    let unknown = Session { domain: None, quality_score: None, ..session("unknown") };
    let records = vec![featured(known), featured(unknown), synthetic("made up"), feedback("known", 4)];
    let receipts = store.append(records, NOW).wait().unwrap();
    let lease = store.claim(Claim::new("k_means", "r1", NOW, 60_000)).wait().unwrap();
    let committed = store.commit_run(run(lease)).wait().unwrap();

    let inventory = store.inventory().unwrap();
    assert_eq!(inventory.watermark, store.watermark().unwrap());
    assert!(inventory.layout.is_some() && inventory.size_bytes.is_some_and(|bytes| bytes > 0));
    let counts = store.counts().unwrap();
    let table = |name: &str| inventory.table(name).unwrap();
    let rows = |name: &str| table(name).rows;
    assert_eq!((rows("prompt_sessions"), rows("training_prompts")), (2, 1));
    assert_eq!((rows("rule_applications"), rows("user_feedback")), (counts.rule_applications, counts.feedback));
    assert_eq!((rows("rules"), rows("runs"), rows("models"), rows("lineage")), (counts.rules, 1, 1, 1));
    let sessions = table("prompt_sessions");
    assert_eq!(sessions.first_event, Some(Timestamp(7)));
    assert_eq!((sessions.newest, sessions.last_known), (Some(receipts[1].seq), Some(NOW)));
    let share = |column: &str| sessions.coverage.iter().find(|field| field.column == column).unwrap().share;
    assert_eq!((share("domain"), share("quality_score")), (0.5, 0.5));
    assert!(sessions.size_bytes.is_some_and(|bytes| bytes > 0));
    let schema = &inventory.schemas[0];
    assert_eq!((schema.current, schema.rows, schema.first), (true, 3, receipts[0].seq));
    let model = &inventory.models[0];
    assert_eq!((model.component.as_str(), model.models, &model.model_id), ("k_means", 1, &committed.model_id));
    assert_eq!((model.snapshot_bytes, model.version.schema_hash), (3, u64::MAX));
}
