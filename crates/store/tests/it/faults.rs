//! What goes wrong outside: locks held elsewhere, full disks, queues that overflow.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use souffleur_core::ids::Seq;
use souffleur_core::records::Session;
use souffleur_core::store::{Append, Claim, Store, StoreError};
use souffleur_store::StoreSettings;

use crate::files::assert_sound;
use crate::records::{NOW, assert_gapless, assert_same, everything, featured, feedback, named, run, session};
use crate::sqlite::open_with;

fn database_error<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Database(text)) => text,
        other => panic!("an error of the database was expected, not {other:?}"),
    }
}

/// Another process' connection to the store's file.
fn another(store: &souffleur_store::SqliteStore) -> SqliteConnection {
    SqliteConnection::establish(store.path().to_str().unwrap()).unwrap()
}

#[test]
fn a_locked_database_is_reported_and_then_used_again() {
    let (store, _keep) = open_with(StoreSettings { busy_timeout_ms: 50, ..StoreSettings::default() });
    store.append(vec![named("before")], NOW).wait().unwrap();
    let mut other = another(&store);
    other.batch_execute("BEGIN EXCLUSIVE").unwrap();
    let refused = [store.append(vec![named("a")], NOW), store.append(vec![named("b")], NOW)];
    for refused in refused {
        let error = database_error(refused.wait());
        assert!(error.contains("locked") && error.contains("another process"), "{error}");
    }
    let error = database_error(store.claim(Claim::new("k_means", "r1", NOW, 1)).wait());
    assert!(error.contains("locked"), "{error}");
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(store.session_seq("a").unwrap(), None);
    store.append(vec![named("a")], NOW).wait().unwrap();
    store.claim(Claim::new("k_means", "r1", NOW, 1)).wait().unwrap();
    assert_gapless(&store);
}

#[test]
fn readers_do_not_wait_for_a_writer() {
    let (store, _keep) = open_with(StoreSettings { busy_timeout_ms: 60_000, ..StoreSettings::default() });
    store.append(vec![named("before")], NOW).wait().unwrap();
    let before = everything(&store);
    let mut other = another(&store);
    other.batch_execute("BEGIN IMMEDIATE; DELETE FROM user_feedback; DELETE FROM prompt_sessions").unwrap();
    let waiting = store.append(vec![named("after")], NOW);
    // Had a reader to wait for the writer, it would for a minute, and then fail.
    assert_same(&everything(&store), &before);
    assert_eq!(store.sessions(&[Seq(1)]).unwrap().len(), 1);
    assert_eq!(store.counts().unwrap().feedback, 1);
    other.batch_execute("ROLLBACK").unwrap();
    waiting.wait().unwrap();
    assert_gapless(&store);
}

#[test]
fn a_full_queue_says_when_to_come_back() {
    let settings = StoreSettings { queue_capacity: 3, queue_rows: 10, retry_after_ms: 77, ..StoreSettings::default() };
    let (store, _keep) = open_with(settings);
    let mut other = another(&store);
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let busy = StoreError::Busy { retry_after_ms: 77 };
    // The writer takes the first and waits for the lock; the others wait for the writer.
    let mut accepted = vec![store.append(vec![named("0")], NOW)];
    std::thread::sleep(Duration::from_millis(200));
    let many = |n: usize| -> Vec<Append> { (0..n).map(|i| named(&format!("many {i}"))).collect() };
    accepted.push(store.append(many(20), NOW));
    assert_eq!(store.append(many(1), NOW).wait(), Err(busy.clone()), "more rows than may wait");
    other.batch_execute("ROLLBACK").unwrap();
    for commit in accepted.drain(..) {
        commit.wait().unwrap();
    }
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    accepted.push(store.append(vec![named("1")], NOW));
    std::thread::sleep(Duration::from_millis(200));
    accepted.extend((2..5).map(|n| store.append(vec![named(&n.to_string())], NOW)));
    assert_eq!(store.claim(Claim::new("k_means", "r1", NOW, 1)).wait(), Err(busy), "more requests than may wait");
    other.batch_execute("ROLLBACK").unwrap();
    for commit in accepted {
        commit.wait().unwrap();
    }
    assert_eq!(store.counts().unwrap().sessions, 25);
    assert_gapless(&store);
}

fn long(name: &str, bytes: usize) -> Append {
    featured(Session { original_prompt: "x ".repeat(bytes / 2), ..session(name) })
}

#[test]
fn a_full_disk_keeps_nothing_of_a_request_and_the_store_goes_on() {
    let small = StoreSettings { file_bytes_max: 2 << 20, ..StoreSettings::default() };
    let (store, _keep) = open_with(small);
    store.append(vec![named("first")], NOW).wait().unwrap();
    let lease = store.claim(Claim::new("k_means", "r1", NOW, 1)).wait().unwrap();
    let before = everything(&store);
    let too_much: Vec<_> = (0..30).map(|n| long(&format!("s{n}"), 100_000)).collect();
    let error = database_error(store.append(too_much.clone(), NOW).wait());
    assert!(error.contains("full"), "{error}");
    assert_same(&everything(&store), &before);
    assert_eq!(store.session_seq("s0").unwrap(), None);
    let error = database_error(
        store.commit_run(souffleur_core::store::RunCommit { snapshot: vec![7; 3 << 20], ..run(lease.clone()) }).wait(),
    );
    assert!(error.contains("full"), "{error}");
    assert_eq!(store.latest_model("k_means").unwrap(), None);
    assert_eq!(store.watermark().unwrap(), before.watermark);
    // What fits is still taken.
    store.append(vec![named("second"), feedback("first", 1)], NOW).wait().unwrap();
    assert_gapless(&store);
    store.commit_run(run(lease)).wait().unwrap();
    let path = store.path().to_owned();
    drop(store);
    assert_sound(&path);
    // With more room everything is.
    let store = souffleur_store::SqliteStore::open(&path, StoreSettings::default()).unwrap();
    store.append(too_much, NOW).wait().unwrap();
    assert_eq!(store.counts().unwrap().sessions, 32);
}

#[test]
fn one_request_that_does_not_fit_does_not_take_its_neighbours_along() {
    let small = StoreSettings { file_bytes_max: 2 << 20, ..StoreSettings::default() };
    let (store, _keep) = open_with(small);
    let mut other = another(&store);
    // While the lock is held elsewhere the requests gather, so that they share a transaction.
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let first = store.append(vec![named("first")], NOW);
    let fits = store.append(vec![named("a")], NOW);
    let unknown = store.append(vec![named("b"), feedback("nobody", 1)], NOW);
    let too_much = store.append((0..30).map(|n| long(&format!("s{n}"), 100_000)).collect(), NOW);
    let fits_too = store.append(vec![named("c")], NOW);
    std::thread::sleep(Duration::from_millis(100));
    other.batch_execute("ROLLBACK").unwrap();
    first.wait().unwrap();
    fits.wait().unwrap();
    assert_eq!(unknown.wait(), Err(StoreError::Unknown { what: "session", name: "nobody".into() }));
    assert!(database_error(too_much.wait()).contains("full"));
    fits_too.wait().unwrap();
    assert_eq!(store.counts().unwrap().sessions, 3);
    assert_gapless(&store);
}
