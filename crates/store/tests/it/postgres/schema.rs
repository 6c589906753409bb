//! Whose the schema is, who makes it, and what the server's death does to a store.

use souffleur_cluster::Cluster;
use souffleur_core::ids::Seq;
use souffleur_core::records::Session;
use souffleur_core::store::{Claim, RunFailure, RunState, Store, StoreError};
use souffleur_store::{PostgresStore, SqliteStore, StoreSettings};

use super::{fresh, open, server};
use crate::records::{
    NOW, application, assert_gapless, assert_same, everything, featured, feedback, keyed, metric, named, rule, session,
    synthetic,
};
use crate::suite::registry::model;

#[test]
fn many_start_at_once_and_one_makes_the_tables() {
    let Some((cluster, url)) = server() else { return };
    let stores: Vec<_> = std::thread::scope(|scope| {
        let opening: Vec<_> = (0..4).map(|_| scope.spawn(|| open(&url))).collect();
        opening.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for (n, store) in stores.iter().enumerate() {
        store.append(vec![named(&n.to_string())], NOW).wait().unwrap();
    }
    assert_gapless(&stores[0]);
    let layouts = std::fs::read_dir("../../migrations/postgres").unwrap().count().to_string();
    assert_eq!(cluster.query(&url, "SELECT count(*) FROM __diesel_schema_migrations").unwrap(), layouts);
}

#[test]
fn manifests_move_to_a_table_of_their_own_and_back() {
    let Some((cluster, url)) = server() else { return };
    let store = open(&url);
    let seq = model(&store, "k_means", "r1", &[1; 40], true);
    let before = store.registry().unwrap().manifest(seq).unwrap();
    assert!(before.is_some());
    drop(store);
    let down = include_str!("../../../../../migrations/postgres/2026-11-27-120000_model_manifests/down.sql");
    cluster.query(&url, down).unwrap();
    cluster.query(&url, "DELETE FROM __diesel_schema_migrations WHERE version = '20261127120000'").unwrap();
    let store = open(&url);
    assert_eq!(store.registry().unwrap().manifest(seq).unwrap(), before);
    assert!(store.registry().unwrap().is_snapshot(seq, &[1; 40]).unwrap());
}

#[test]
fn whoever_migrates_too_long_is_not_waited_for() {
    let Some((cluster, url)) = server() else { return };
    let settings = StoreSettings { busy_timeout_ms: 200, ..StoreSettings::default() };
    let lock = "SELECT pg_advisory_lock(6012153108510015488), pg_sleep(3)";
    std::thread::scope(|scope| {
        let migrating = scope.spawn(|| cluster.query(&url, lock));
        let taken = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
        while cluster.query(&url, taken).unwrap() == "0" {
            std::thread::yield_now();
        }
        let error = PostgresStore::connect(&url, settings).unwrap_err();
        assert!(error.to_string().contains("another process holds the database"), "{error}");
        migrating.join().unwrap().unwrap();
    });
    open(&url);
}

#[test]
fn another_programs_schema_is_refused_and_left_alone() {
    let Some((cluster, url)) = server() else { return };
    cluster.query(&url, "CREATE TABLE rules (text TEXT)").unwrap();
    let error = PostgresStore::connect(&url, StoreSettings::default()).unwrap_err();
    assert!(matches!(&error, StoreError::Incompatible(text) if text.contains("another program")), "{error}");
    assert_eq!(cluster.query(&url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").unwrap(), "1");
}

#[test]
fn a_schema_of_a_newer_version_is_refused() {
    let Some((cluster, url)) = server() else { return };
    drop(open(&url));
    cluster.query(&url, "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')").unwrap();
    let error = PostgresStore::connect(&url, StoreSettings::default()).unwrap_err();
    assert!(error.to_string().contains("29990101000000"), "{error}");
}

#[test]
fn a_server_that_is_not_there_is_an_error_without_the_password() {
    let url = "postgres://user:secret@127.0.0.1:1/hub";
    let error = PostgresStore::connect(url, StoreSettings::default()).unwrap_err().to_string();
    assert!(error.contains("127.0.0.1") && !error.contains("secret"), "{error}");
}

#[test]
fn a_text_it_cannot_store_fails_alone() {
    let Some((store, _keep)) = fresh() else { return };
    let mut odd = session("odd");
    odd.original_prompt = "a\0b".into();
    // Together in the queue, so that they may share a transaction.
    let commits: Vec<_> =
        [named("a"), featured(odd), named("b")].into_iter().map(|record| store.append(vec![record], NOW)).collect();
    let outcomes: Vec<_> = commits.into_iter().map(|commit| commit.wait()).collect();
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
    assert!(outcomes[1].as_ref().is_err_and(|error| error.to_string().contains("U+0000")), "{outcomes:?}");
    assert_eq!(store.counts().unwrap().sessions, 2);
    assert_gapless(&store);
}

#[test]
fn a_server_that_was_killed_and_started_again_is_used_again() {
    if Cluster::for_test().is_none() {
        return;
    }
    let cluster = Cluster::start().unwrap();
    let store = open(&cluster.database().unwrap());
    store.append(vec![named("a")], NOW).wait().unwrap();
    let lease = store.claim(Claim::new("k_means", "r1", NOW, 60_000)).wait().unwrap();
    let before = everything(&store);
    cluster.restart().unwrap();
    // Each connection learns of it once.
    let _ = (store.watermark(), store.append(vec![named("b")], NOW).wait());
    let failure = RunFailure { lease: lease.clone(), now: NOW, state: RunState::Failed, reason: "it died".into() };
    let _ = store.fail_run(failure).wait();
    assert!(store.append(vec![named("b")], NOW).wait().is_ok());
    let delta = store.delta(Seq::ZERO, before.sessions.seq.len() * 6).unwrap();
    assert_eq!(delta.sessions.seq[0], 1);
    assert_eq!(store.claim(Claim::new("k_means", "r2", NOW, 60_000)).wait().unwrap().epoch.0, lease.epoch.0 + 1);
    assert_gapless(&store);
}

#[test]
fn the_same_history_gives_the_same_columns_as_on_sqlite() {
    let Some((postgres, _keep)) = fresh() else { return };
    let directory = tempfile::tempdir().unwrap();
    let sqlite = SqliteStore::open(&directory.path().join("souffleur.db"), StoreSettings::default()).unwrap();
    for store in [&postgres as &dyn Store, &sqlite] {
        // Few rows and many reach PostgreSQL in different ways.
        for (block, sessions) in [40, 40, 120, 3, 300].into_iter().enumerate() {
            let name = |n: i32| format!("{block}-{n}");
            store.append((0..sessions).map(|n| named(&name(n))).collect(), NOW).wait().unwrap();
            let mixed = vec![
                synthetic(&format!("made up {block}")),
                keyed(&name(0), feedback(&name(0), 2)),
                application(&name(1), "late"),
                application(&name(1), "later"),
                rule("clarity", &name(2)),
                metric("s", 0.1),
                metric("s", -0.0),
                featured(Session { quality_score: Some(-0.0), ..session(&name(999)) }),
                named(&name(3)),
            ];
            store.append(mixed, NOW).wait().unwrap();
            for n in 1000..1004 {
                store.append(vec![keyed(&name(n), named(&name(n))), synthetic(&name(n + 10))], NOW).wait().unwrap();
            }
        }
    }
    assert_same(&everything(&postgres), &everything(&sqlite));
    let seqs: Vec<_> = everything(&sqlite).sessions.seq.into_iter().map(Seq).collect();
    assert_eq!(postgres.sessions(&seqs).unwrap(), sqlite.sessions(&seqs).unwrap());
    assert_eq!(postgres.rules().unwrap(), sqlite.rules().unwrap());
    assert_eq!(postgres.counts().unwrap(), sqlite.counts().unwrap());
    let metrics = |store: &dyn Store| store.metrics(None, Seq(i64::MAX), 100).unwrap();
    // As text: a negative zero equals a zero, and is another number.
    assert_eq!(format!("{:?}", metrics(&postgres)), format!("{:?}", metrics(&sqlite)));
}

/// Waits until somebody on the server waits for a lock.
fn until_somebody_waits(cluster: &Cluster, url: &str) {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    while cluster.query(url, waiting).unwrap() == "0" {
        std::thread::yield_now();
    }
}

#[test]
fn a_migration_killed_in_the_middle_leaves_nothing_and_is_done_again() {
    let Some((cluster, url)) = server() else { return };
    // A table of the same name in a transaction that is still open: the migration has made half of its tables when it comes
    // to it, and waits.
    let blocking = "BEGIN; CREATE TABLE lineage (x INT); SELECT pg_sleep(20); ROLLBACK";
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
                AND pid <> pg_backend_pid() AND (wait_event_type = 'Lock' OR query LIKE 'BEGIN; CREATE TABLE lineage%')";
    std::thread::scope(|scope| {
        let blocker = scope.spawn(|| cluster.query(&url, blocking));
        let there = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'BEGIN; CREATE TABLE lineage%' \
                     AND wait_event = 'PgSleep'";
        while cluster.query(&url, there).unwrap() == "0" {
            std::thread::yield_now();
        }
        let settings = StoreSettings { busy_timeout_ms: 60_000, ..StoreSettings::default() };
        let migrating = scope.spawn(|| PostgresStore::connect(&url, settings).map(|_| ()));
        until_somebody_waits(cluster, &url);
        assert_eq!(cluster.query(&url, kill).unwrap(), "2");
        assert!(blocker.join().unwrap().is_err());
        let error = migrating.join().unwrap().unwrap_err();
        assert!(matches!(error, StoreError::Database(_)), "{error}");
    });
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '%diesel%'";
    assert_eq!(cluster.query(&url, tables).unwrap(), "0");
    let store = open(&url);
    store.append(vec![named("a")], NOW).wait().unwrap();
    assert!(PostgresStore::inspect(&url, StoreSettings::default(), |_| None).unwrap().is_sound());
}

#[test]
fn a_layout_by_halves_is_refused_with_what_it_lacks() {
    let Some((cluster, url)) = server() else { return };
    drop(open(&url));
    cluster.query(&url, "ALTER TABLE leases DROP COLUMN holder").unwrap();
    let error = PostgresStore::connect(&url, StoreSettings::default()).unwrap_err();
    assert!(matches!(&error, StoreError::Incompatible(text) if text.contains("column leases.holder")), "{error}");
    let looked = PostgresStore::inspect(&url, StoreSettings::default(), |_| None).unwrap();
    assert!(looked.flaws.iter().any(|flaw| flaw.contains("leases.holder")), "{looked:?}");
}

#[test]
fn a_damaged_model_is_told_by_name() {
    let Some((cluster, url)) = server() else { return };
    let empty = PostgresStore::inspect(&url, StoreSettings::default(), |_| None).unwrap_err();
    assert!(matches!(empty, StoreError::Incompatible(_)), "{empty}");
    let store = open(&url);
    let lease = store.claim(Claim::new("k_means", "r1", NOW, 60_000)).wait().unwrap();
    let model_id = store.commit_run(crate::records::run(lease)).wait().unwrap().model_id;
    let looked = PostgresStore::inspect(&url, StoreSettings::default(), |_| None).unwrap();
    assert!(looked.is_sound() && looked.models == 1 && looked.database == "postgresql", "{looked:?}");
    cluster.query(&url, "UPDATE lineage SET rows = '\\x0102'").unwrap();
    let looked = PostgresStore::inspect(&url, StoreSettings::default(), |_| None).unwrap();
    assert_eq!(looked.damaged_models[0].model_id, model_id, "{looked:?}");
}
