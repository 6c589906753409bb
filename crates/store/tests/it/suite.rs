//! What every store must do.

use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::records::Session;
use souffleur_core::store::{RunCommit, Store};
use souffleur_store::{SqliteStore, StoreSettings};

use crate::records::{NOW, featured, session};

#[test]
fn what_is_appended_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("deep/souffleur.db"), StoreSettings::default()).unwrap();
    let receipts = store.append(vec![featured(session("a")), featured(session("b"))], NOW).wait().unwrap();
    assert_eq!(receipts[0].seq, Seq(1));
    assert_eq!(receipts[1].seq, Seq(7));
    let delta = store.delta(Seq::ZERO, 1000).unwrap();
    assert_eq!(delta.watermark, Seq(10));
    assert_eq!(delta.sessions.seq, [1, 7]);
    assert_eq!(delta.rules.len(), 2);
    assert_eq!(delta.applications.session_seq, [1, 1, 7, 7]);
    assert_eq!(delta.feedback.rating, [4, 4]);
    let stored: Vec<(Seq, Session)> = store.sessions(&[Seq(7), Seq(1)]).unwrap();
    assert_eq!(stored, [(Seq(7), session("b")), (Seq(1), session("a"))]);
}

#[test]
fn a_run_is_claimed_and_committed() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("souffleur.db"), StoreSettings::default()).unwrap();
    let lease = store.claim("k_means", "run-1", NOW, 1000).wait().unwrap();
    assert_eq!(store.unfinished_runs().unwrap().len(), 1);
    let commit = RunCommit {
        lease,
        now: NOW,
        version: DataVersion { watermark: Seq(0), schema_hash: u64::MAX },
        seed: u64::MAX,
        duration_ms: 5,
        report: serde_json::json!({"k": 3}),
        metrics: Vec::new(),
        snapshot: vec![1, 2, 3],
        rows: vec![Seq(4), Seq(2)],
    };
    let seq = store.commit_run(commit.clone()).wait().unwrap();
    assert_eq!(seq, store.watermark().unwrap());
    assert!(store.unfinished_runs().unwrap().is_empty());
    let model = store.latest_model("k_means").unwrap().unwrap();
    assert_eq!(model.snapshot, commit.snapshot);
    assert_eq!(store.model_rows(&model.model_id).unwrap(), (commit.version, commit.rows));
}
