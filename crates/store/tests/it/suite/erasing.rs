//! Tracing and erasing sessions.

use std::collections::BTreeSet;

use serde_json::json;
use souffleur_core::document::DocumentKind;
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::store::{
    Append, Claim, Erase, Erased, Erasure, Origin, Record, RunCommit, Stage, Store, StoreError, Tie, Traces,
};
use souffleur_core::time::Timestamp;

use crate::records::{
    NOW, application, document, everything, featured, feedback, keyed, metric, named, numbers, run, session, synthetic,
};

fn erasure(store: &dyn Store) -> &dyn Erasure {
    store.erasure().unwrap()
}

fn traces(store: &dyn Store, names: &[&str]) -> Traces {
    erasure(store).traces(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

pub(crate) fn erase(store: &dyn Store, names: &[&str]) -> Erased {
    let session_ids = names.iter().map(|name| (*name).to_owned()).collect();
    erasure(store).erase(Erase { session_ids, reason: "asked for".into(), now: NOW }).wait().unwrap()
}

/// Commits a model of these rows, known up to the newest.
pub(crate) fn model(store: &dyn Store, component: &str, rows: &[Seq], origin: Origin) -> (Seq, String) {
    let run_id = format!("run-{}", store.counts().unwrap().runs);
    let lease = store.claim(Claim::new(component, run_id, NOW, 1000)).wait().unwrap();
    let version = DataVersion { watermark: store.watermark().unwrap(), schema_hash: 1 };
    let report = json!({"found": component});
    let commit = RunCommit { rows: rows.to_vec(), version, origin, report, ..run(lease) };
    let committed = store.commit_run(commit).wait().unwrap();
    (committed.seq, committed.model_id)
}

fn seq(store: &dyn Store, name: &str) -> Seq {
    store.session_seq(name).unwrap().unwrap()
}

fn ties(traces: &Traces) -> Vec<(Seq, Tie)> {
    traces.models.iter().map(|model| (model.seq, model.tie)).collect()
}

fn add(store: &dyn Store, records: Vec<Append>) -> Vec<Seq> {
    store.append(records, NOW).wait().unwrap().into_iter().map(|receipt| receipt.seq).collect()
}

/// A text that does not come up anywhere else.
fn secret(name: &str) -> Append {
    let mut secret = session(name);
    secret.original_prompt = format!("Tell nobody that the password of {name} is swordfish-{name}.");
    secret.improved_prompt = Some(format!("Say politely that swordfish-{name} opens the door of {name}."));
    featured(secret)
}

pub(crate) fn an_erased_session_leaves_no_row(store: &dyn Store) {
    add(store, vec![named("a"), secret("b"), keyed("k1", feedback("b", 2)), named("c"), application("b", "late")]);
    add(store, vec![synthetic("d"), metric("b", 1.0), metric("c", 2.0)]);
    let before = everything(store);
    let gone = erase(store, &["b", "d", "nobody"]);
    assert_eq!((gone.traces.sessions.len(), gone.traces.unknown.as_slice()), (2, &["nobody".to_owned()][..]));
    // Session, two rules, an opinion; one more of each; the made-up one with its parts.
    assert_eq!(gone.traces.rows.len(), 6 + 4);
    assert_eq!(gone.traces.metric_points.len(), 1);
    assert_eq!(gone.seq, Some(store.watermark().unwrap()));
    for name in ["b", "d"] {
        assert_eq!(store.session_seq(name).unwrap(), None);
    }
    assert!(store.sessions(&gone.traces.sessions).unwrap().is_empty());
    let counts = store.counts().unwrap();
    assert_eq!((counts.sessions, counts.training_prompts, counts.feedback), (2, 0, 2));
    assert_eq!(store.metrics(None, Seq(i64::MAX), 9).unwrap().len(), 1);
    let after = everything(store);
    assert_eq!(after.erasures, [gone.seq.unwrap()]);
    let erased: BTreeSet<i64> = gone.traces.rows.iter().map(|seq| seq.0).collect();
    let left: Vec<i64> = numbers(&before).into_iter().filter(|seq| !erased.contains(seq)).collect();
    assert_eq!(numbers(&after), left);
    // A key that was answered with an erased row is free again.
    let error = store.append(vec![keyed("k1", feedback("b", 2))], NOW).wait().unwrap_err();
    assert_eq!(error, StoreError::Unknown { what: "session", name: "b".into() });
    // So is the name.
    assert!(!store.append(vec![named("b")], NOW).wait().unwrap()[0].duplicate);
}

pub(crate) fn the_numbers_of_erased_rows_stay_taken(store: &dyn Store) {
    add(store, (0..6).map(|n| named(&n.to_string())).collect());
    let documents = add(store, vec![document(DocumentKind::Insights, "s", json!({"about": "3"}))]);
    let erased = erase(store, &["1", "3", "4"]);
    add(store, vec![named("7")]);
    let watermark = store.watermark().unwrap();
    let mut taken: Vec<i64> = numbers(&everything(store));
    taken.push(erased.seq.unwrap().0);
    for (first, last) in erasure(store).tombstones(Seq::ZERO, watermark).unwrap() {
        taken.extend(first.0..=last.0);
    }
    taken.sort_unstable();
    assert_eq!(taken, (1..=watermark.0).collect::<Vec<_>>(), "every number once");
    // A stretch is cut where it is asked for.
    let middle = Seq(documents[0].0);
    assert_eq!(erasure(store).tombstones(Seq(middle.0 - 1), middle).unwrap(), [(middle, middle)]);
}

pub(crate) fn nothing_to_erase_takes_no_number(store: &dyn Store) {
    add(store, vec![named("a")]);
    let before = store.watermark().unwrap();
    let erased = erase(store, &["nobody"]);
    assert_eq!((erased.seq, store.watermark().unwrap()), (None, before));
    assert_eq!(erased.traces.unknown, ["nobody"]);
}

pub(crate) fn whatever_quotes_an_erased_session_goes_with_it(store: &dyn Store) {
    add(store, vec![secret("b"), named("c")]);
    let kind = DocumentKind::Patterns;
    let quoting = [
        document(kind, "s", json!({"members": ["x", "b"]})),
        document(kind, "b", json!({})),
        document(
            DocumentKind::Results,
            "s",
            json!({"text": "they said: Tell nobody that the password of b is swordfish-b."}),
        ),
        document(
            DocumentKind::Insights,
            "s",
            json!({"text": "Say politely that swordfish-b opens the door of b. So be it."}),
        ),
    ];
    let others = [document(kind, "s", json!({"members": ["c", "bb", "a b"]})), document(kind, "c", json!({"b": 1}))];
    let quoting = add(store, quoting.to_vec());
    let others = add(store, others.to_vec());
    // A key of an object is a name as well.
    let found: BTreeSet<Seq> = traces(store, &["b"]).documents.iter().map(|document| document.seq).collect();
    assert_eq!(found, quoting.iter().copied().chain([others[1]]).collect());
    erase(store, &["b"]);
    let left = store.documents(kind, None, Seq(i64::MAX), 9).unwrap();
    assert_eq!(left.iter().map(|document| document.seq).collect::<Vec<_>>(), [others[0]]);
    assert!(store.documents(DocumentKind::Results, None, Seq(i64::MAX), 9).unwrap().is_empty());
}

pub(crate) fn models_are_traced_through_others(store: &dyn Store) {
    add(store, vec![named("a"), named("b"), named("c")]);
    let (a, b, c) = (seq(store, "a"), seq(store, "b"), seq(store, "c"));
    let (direct, direct_id) = model(store, "k_means", &[a, b], Origin::default());
    let run_id = store.latest_model("k_means").unwrap().unwrap().run_id;
    let started = Origin { previous: Some(direct_id.clone()), ..Origin::default() };
    let (heir, _) = model(store, "k_means", &[c], started);
    let handed = Origin { products: [("k_means".to_owned(), run_id.clone())].into(), ..Origin::default() };
    let (reader, _) = model(store, "apriori", &[c], handed);
    let (free, _) = model(store, "hdbscan", &[a, c], Origin::default());
    let named = document(DocumentKind::Results, "s", json!({"metadata": {"run_id": run_id}}));
    let derived = add(store, vec![named])[0];
    let (of_document, _) = model(store, "reader_of_documents", &[derived], Origin::default());
    let found = traces(store, &["b"]);
    let expected = [(direct, Tie::Rows), (heir, Tie::Inherited), (reader, Tie::Inherited), (of_document, Tie::Rows)];
    assert_eq!(ties(&found), expected);
    assert_eq!(found.documents.iter().map(|document| document.seq).collect::<Vec<_>>(), [derived]);
    assert!(traces(store, &["c"]).models.iter().all(|model| model.seq != direct && model.rows == 1));
    let erased = erase(store, &["b"]);
    assert_eq!(erased.traces, found, "what was foretold is what was done");
    let registry = store.registry().unwrap();
    for (seq, _) in expected {
        let row = registry.at(seq).unwrap();
        assert!(row.erased && !row.kept && row.stage == Stage::Archived, "{row:?}");
        assert!(registry.stored(seq).unwrap().model.snapshot.is_empty());
        assert!(matches!(registry.promote(seq, "").wait(), Err(StoreError::Refused(_))));
    }
    assert_eq!(registry.version("hdbscan@live").unwrap().seq, free);
    assert_eq!(registry.report(&run_id).unwrap(), None);
    assert!(registry.version("k_means@live").is_err(), "no model of it is free of what was erased");
    assert!(traces(store, &["b"]).sessions.is_empty());
}

pub(crate) fn the_newest_model_without_erased_rows_takes_over(store: &dyn Store) {
    add(store, vec![named("a"), named("b")]);
    let (a, b) = (seq(store, "a"), seq(store, "b"));
    let (sound, _) = model(store, "k_means", &[a], Origin::default());
    model(store, "k_means", &[a, b], Origin::default());
    erase(store, &["b"]);
    assert_eq!(store.registry().unwrap().version("k_means@live").unwrap().seq, sound);
}

pub(crate) fn a_model_of_rows_erased_meanwhile_is_refused(store: &dyn Store) {
    add(store, vec![named("a"), named("b")]);
    let (a, b) = (seq(store, "a"), seq(store, "b"));
    let version = DataVersion { watermark: store.watermark().unwrap(), schema_hash: 1 };
    let commit = |run_id: &str, rows: Vec<Seq>| {
        let lease = store.claim(Claim::new("k_means", run_id, NOW, 1000)).wait().unwrap();
        RunCommit { rows, version, ..run(lease) }
    };
    let touched = commit("r1", vec![a, b]);
    erase(store, &["b"]);
    let before = store.watermark().unwrap();
    assert!(matches!(store.commit_run(touched).wait(), Err(StoreError::Refused(_))));
    assert_eq!((store.watermark().unwrap(), store.counts().unwrap().models), (before, 0));
    store.commit_run(commit("r2", vec![a])).wait().unwrap();
}

/// Lineage, forwards and backwards, against a search through every row of every model.
pub(crate) fn traces_are_those_of_a_search_row_by_row(store: &dyn Store) {
    let names: Vec<String> = (0..40).map(|n| format!("s{n}")).collect();
    add(store, names.iter().map(|name| named(name)).collect());
    let delta = everything(store);
    let mut trained: Vec<(Seq, BTreeSet<i64>)> = Vec::new();
    for n in 0..30_usize {
        // Sessions or applications; all, every third, a stretch, a few that follow no order.
        let of: &[i64] = if n % 2 == 0 { &delta.sessions.seq } else { &delta.applications.seq };
        let wanted = |i: usize| match n % 4 {
            0 => i.is_multiple_of(n + 1),
            1 => i > n && i < 2 * n + 3,
            2 => (i * i + n) % 7 == 3,
            _ => (i * (n + 3)) % 11 < 4,
        };
        let rows: Vec<Seq> = of.iter().enumerate().filter(|(i, _)| wanted(*i)).map(|(_, seq)| Seq(*seq)).collect();
        let (seq, model_id) = model(store, &format!("c{n}"), &rows, Origin::default());
        assert_eq!(store.model_rows(&model_id).unwrap().1, rows);
        trained.push((seq, rows.iter().map(|row| row.0).collect()));
    }
    for name in &names {
        let session = seq(store, name).0;
        let mut own = BTreeSet::from([session]);
        let parts = delta.applications.session_seq.iter().zip(&delta.applications.seq);
        own.extend(parts.filter(|(of, _)| **of == session).map(|(_, seq)| *seq));
        let parts = delta.feedback.session_seq.iter().zip(&delta.feedback.seq);
        own.extend(parts.filter(|(of, _)| **of == session).map(|(_, seq)| *seq));
        let hits = |rows: &BTreeSet<i64>| rows.intersection(&own).count() as u64;
        let brute: Vec<(Seq, u64)> =
            trained.iter().map(|(seq, rows)| (*seq, hits(rows))).filter(|(_, hits)| *hits > 0).collect();
        let found = traces(store, &[name]);
        assert_eq!(found.models.iter().map(|model| (model.seq, model.rows)).collect::<Vec<_>>(), brute, "{name}");
        assert_eq!(found.rows.iter().map(|seq| seq.0).collect::<BTreeSet<_>>(), own);
    }
}

pub(crate) fn the_oldest_sessions_are_named_first(store: &dyn Store) {
    let ago = |name: &str, seconds: i64| {
        let mut session = session(name);
        session.event_time = Some(Timestamp(NOW.0 - seconds * 1_000_000));
        session
    };
    add(store, vec![featured(ago("new", 10)), featured(ago("old", 1_000)), featured(ago("b", 500))]);
    let mut made_up = featured(ago("a", 500));
    if let Record::Session(session) = &mut made_up.record {
        session.provenance = Some("test".into());
    }
    add(store, vec![made_up]);
    let oldest = |before: Option<i64>, limit| {
        let before = before.map(|seconds| Timestamp(NOW.0 - seconds * 1_000_000));
        erasure(store).oldest(before, limit).unwrap()
    };
    assert_eq!(oldest(None, 10), ["old", "a", "b", "new"]);
    assert_eq!(oldest(None, 2), ["old", "a"]);
    assert_eq!(oldest(Some(500), 10), ["old"]);
    assert_eq!(oldest(Some(499), 10), ["old", "a", "b"]);
    assert_eq!(erasure(store).older(Timestamp(NOW.0 - 499_000_000)).unwrap(), 3);
    if let Some(used) = erasure(store).used_bytes().unwrap() {
        assert!(used >= 4_096, "{used}");
        let many: Vec<String> = (0..500).map(|n| format!("many {n}")).collect();
        add(store, many.iter().map(|name| named(name)).collect());
        let filled = erasure(store).used_bytes().unwrap().unwrap();
        let order = Erase { session_ids: many, reason: "more than is kept".into(), now: NOW };
        erasure(store).erase(order).wait().unwrap();
        let left = erasure(store).used_bytes().unwrap().unwrap();
        assert!(filled > used + 100_000 && left < filled - 100_000, "{used}, {filled}, {left}");
    }
}
