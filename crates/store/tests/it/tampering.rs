//! A hub somebody laid hands on: what the registry says of its models.

use std::path::Path;

use souffleur_core::ids::Seq;
use souffleur_core::store::{Store, Verdict};
use souffleur_store::{SigningKey, SqliteStore, StoreSettings};

use crate::suite::registry::model;

fn open(path: &Path, key: &str) -> SqliteStore {
    let settings = StoreSettings { signing_key: Some(SigningKey::new(key)), ..StoreSettings::default() };
    SqliteStore::open(path, settings).unwrap()
}

/// Changes the file behind the store's back.
fn tamper(path: &Path, sql: &str) {
    use diesel::connection::SimpleConnection;
    use diesel::prelude::*;
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection.batch_execute(sql).unwrap();
}

/// What is said of the newest of two models after `sql`.
fn verdict_after(sql: &str) -> (Verdict, Option<String>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hub.db");
    let store = open(&path, "the right key");
    model(&store, "k_means", "r1", &[1; 40], true);
    let seq: Seq = model(&store, "k_means", "r2", &[2; 40], true);
    assert_eq!(store.registry().unwrap().verify(seq).unwrap(), Verdict::Intact);
    tamper(&path, sql);
    let registry = store.registry().unwrap();
    (registry.verify(seq).unwrap(), registry.stored(seq).unwrap().flaw)
}

#[test]
fn a_change_is_noticed_wherever_it_is_made() {
    let changes = [
        ("UPDATE models SET snapshot = x'00' WHERE seq = 2", "snapshot"),
        ("UPDATE lineage SET rows = x'02' WHERE seq = 2", "rows"),
        ("UPDATE model_manifests SET manifest = replace(manifest, '\"seed\"', '\"sead\"') WHERE seq = 2", "manifest"),
        ("UPDATE model_versions SET version = 7 WHERE seq = 2", "version 2"),
        ("UPDATE model_versions SET model_id = 'k_means-1' WHERE seq = 2", "version 2"),
    ];
    for (sql, part) in changes {
        let (verdict, _) = verdict_after(sql);
        assert!(matches!(&verdict, Verdict::Changed { what } if what.contains(part)), "{sql}: {verdict:?}");
    }
}

#[test]
fn a_damaged_snapshot_is_not_handed_out_as_sound() {
    let (_, flaw) = verdict_after("UPDATE models SET snapshot = zeroblob(40) WHERE seq = 2");
    assert!(flaw.unwrap().contains("damaged"));
    let (_, flaw) = verdict_after("SELECT 1");
    assert_eq!(flaw, None);
}

#[test]
fn another_key_is_told_from_a_change() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hub.db");
    let seq = model(&open(&path, "one key"), "k_means", "r1", &[1], true);
    let verdict = open(&path, "another key").registry().unwrap().verify(seq).unwrap();
    assert!(matches!(&verdict, Verdict::OtherKey { signed_by } if signed_by.len() == 16), "{verdict:?}");
    assert_eq!(open(&path, "one key").registry().unwrap().verify(seq).unwrap(), Verdict::Intact);
}
