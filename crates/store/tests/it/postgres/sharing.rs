//! Several runtimes on one database.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use souffleur_core::ids::Seq;
use souffleur_core::store::{Append, Change, Claim, Receipt, RunFailure, RunState, Store, StoreError};
use souffleur_core::time::Timestamp;
use souffleur_store::{PostgresStore, StoreSettings};

use super::{open, server};
use crate::records::{NOW, application, assert_gapless, feedback, keyed, metric, named, numbers, run, synthetic};

/// Two stores on one fresh database.
fn two() -> Option<(PostgresStore, PostgresStore)> {
    let (_, url) = server()?;
    Some((open(&url), open(&url)))
}

fn claim(store: &dyn Store, run_id: &str) -> Result<souffleur_core::store::Lease, StoreError> {
    store.claim(Claim::new("k_means", run_id, NOW, 60_000)).wait()
}

#[test]
fn numbers_have_no_gaps_whoever_writes_and_whenever_one_reads() {
    let Some((one, other)) = two() else { return };
    std::thread::scope(|scope| {
        for (writer, store) in [&one, &other].into_iter().enumerate() {
            scope.spawn(move || {
                let send =
                    |n: i32| store.append(vec![named(&format!("{writer}-{n}")), named(&format!("both-{n}"))], NOW);
                (0..100).map(send).for_each(|commit| drop(commit.wait().unwrap()));
            });
        }
        for store in [&one, &other] {
            scope.spawn(move || {
                let mut seen = Seq::ZERO;
                while seen < Seq(2 + 300 * 4) {
                    let page = store.delta(seen, 100).unwrap();
                    assert_eq!(numbers(&page), (seen.0 + 1..=page.watermark.0).collect::<Vec<_>>());
                    seen = page.watermark;
                }
            });
        }
    });
    assert_eq!(one.counts().unwrap().sessions, 300);
    assert_gapless(&one);
}

fn append(store: &PostgresStore, record: Append) -> Receipt {
    store.append(vec![record], NOW).wait().unwrap().remove(0)
}

/// Has a store write alone for a while: it takes for granted then that it still does.
fn settle(store: &PostgresStore, round: &str) {
    (0..4).for_each(|n| drop(append(store, named(&format!("{round} {n}")))));
}

#[test]
fn what_another_wrote_meanwhile_is_noticed() {
    let Some((one, other)) = two() else { return };
    settle(&one, "numbers");
    let theirs = append(&other, keyed("k", named("a")));
    assert_eq!(append(&one, named("b")).seq, Seq(theirs.seq.0 + 4), "a session, two rules, an opinion");
    settle(&one, "names");
    let theirs = append(&other, synthetic("c"));
    assert_eq!(append(&one, named("c")), Receipt { duplicate: true, ..theirs }, "whichever table it is in");
    settle(&one, "keys");
    // A key for what is stored takes no number.
    let theirs = append(&other, keyed("l", named("a")));
    assert!(theirs.duplicate);
    assert_eq!(append(&one, keyed("l", named("new"))), theirs);
    assert_eq!(one.session_seq("new").unwrap(), None);
    settle(&one, "rules");
    append(&other, application("a", "theirs"));
    append(&one, application("b", "theirs"));
    settle(&one, "runs");
    let lease = claim(&one, "r1").unwrap();
    one.commit_run(run(lease)).wait().unwrap();
    let watermark = one.watermark().unwrap();
    assert_eq!(append(&one, named("d")).seq, Seq(watermark.0 + 1), "a run has a number too");
    assert_eq!(one.counts().unwrap().rules, 3);
}

#[test]
fn whoever_waits_too_long_for_his_turn_is_told_so() {
    let Some((cluster, url)) = server() else { return };
    let settings = StoreSettings { busy_timeout_ms: 200, ..StoreSettings::default() };
    let store = PostgresStore::connect(&url, settings).unwrap();
    settle(&store, "before");
    let hold = "BEGIN; SELECT last_seq FROM hub_state FOR UPDATE; SELECT pg_sleep(3); COMMIT";
    let held = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'BEGIN; SELECT last_seq%' \
                AND wait_event = 'PgSleep' AND datname = current_database()";
    std::thread::scope(|scope| {
        let holding = scope.spawn(|| cluster.query(&url, hold));
        while cluster.query(&url, held).unwrap() == "0" {
            std::thread::yield_now();
        }
        let error = store.append(vec![named("a")], NOW).wait().unwrap_err();
        assert!(error.to_string().contains("nothing of the request was kept"), "{error}");
        assert_eq!(cluster.query(&url, held).unwrap(), "1", "it is told before the lock is free");
        holding.join().unwrap().unwrap();
    });
    assert!(!append(&store, named("a")).duplicate);
    assert_gapless(&store);
}

#[test]
fn a_component_is_trained_by_one_at_a_time() {
    let Some((one, other)) = two() else { return };
    let lease = claim(&one, "r1").unwrap();
    let held = claim(&other, "r2").unwrap_err();
    assert!(matches!(&held, StoreError::Held { run_id, .. } if run_id == "r1"), "{held}");
    assert!(other.claim(Claim::new("dbscan", "r3", NOW, 1)).wait().is_ok(), "another component is free");
    one.commit_run(run(lease)).wait().unwrap();
    let next = claim(&other, "r4").unwrap();
    assert_eq!(next.epoch.0, 2);
    // One's own is taken over at once, and one that failed is free.
    let again = claim(&other, "r5").unwrap();
    let failure = RunFailure { lease: again, now: NOW, state: RunState::Failed, reason: "no reason".into() };
    other.fail_run(failure).wait().unwrap();
    assert_eq!(claim(&one, "r6").unwrap().epoch.0, 4);
}

#[test]
fn what_a_dead_runtime_was_training_is_taken_over() {
    let Some((one, other)) = two() else { return };
    claim(&one, "r1").unwrap();
    assert!(matches!(claim(&other, "r2"), Err(StoreError::Held { .. })));
    drop(one);
    // The server notices a closed connection a moment later.
    let taken = (0..200).find_map(|n| {
        std::thread::sleep(Duration::from_millis(10));
        claim(&other, &format!("r3-{n}")).ok()
    });
    assert_eq!(taken.expect("the dead one's right is free").epoch.0, 2);
    let states: Vec<_> = other.runs("k_means", 10).unwrap().into_iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Running, RunState::Abandoned]);
}

#[test]
fn an_expired_right_is_taken_over_and_its_commit_refused() {
    let Some((one, other)) = two() else { return };
    let slow = one.claim(Claim::new("k_means", "slow", NOW, 1)).wait().unwrap();
    let later = Timestamp(NOW.0 + 1_001);
    other.claim(Claim::new("k_means", "quick", later, 1)).wait().unwrap();
    assert!(matches!(one.commit_run(run(slow)).wait(), Err(StoreError::Fenced { .. })));
}

#[test]
fn claims_at_the_same_moment_are_granted_once() {
    let Some((one, other)) = two() else { return };
    for round in 0..30 {
        let component = format!("c{round}");
        let granted: Vec<_> = std::thread::scope(|scope| {
            let claims = [&one, &other].map(|store| {
                let claim = Claim::new(component.clone(), uuid(round, store), NOW, 60_000);
                scope.spawn(move || store.claim(claim).wait())
            });
            claims.into_iter().map(|claim| claim.join().unwrap()).collect()
        });
        assert_eq!(granted.iter().filter(|claim| claim.is_ok()).count(), 1, "{granted:?}");
        assert!(granted.iter().any(|claim| matches!(claim, Err(StoreError::Held { .. }))), "{granted:?}");
    }
}

/// A name for a run of this round and store.
fn uuid(round: i32, store: &PostgresStore) -> String {
    format!("{round}-{store:p}")
}

fn listen(store: &PostgresStore) -> Receiver<Change> {
    let (tell, told) = channel();
    store.watch(Seq(i64::MAX), Box::new(move |change| drop(tell.send(change))));
    told
}

/// What is heard next, within a time that a busy machine keeps.
fn next(told: &Receiver<Change>) -> Option<Change> {
    told.recv_timeout(Duration::from_secs(10)).ok()
}

#[test]
fn others_hear_of_rows_and_models_and_the_writer_does_not() {
    let Some((one, other)) = two() else { return };
    let (own, told) = (listen(&one), listen(&other));
    // A listener takes a moment to connect: what is told before, it does not hear.
    let heard = (0..200).find_map(|n| {
        one.append(vec![metric("s", f64::from(n))], NOW).wait().unwrap();
        told.recv_timeout(Duration::from_millis(50)).ok()
    });
    assert!(matches!(heard, Some(Change::Rows { learnable: 0, .. })), "{heard:?}");
    while told.recv_timeout(Duration::from_millis(300)).is_ok() {}
    let before = one.watermark().unwrap().0;
    one.append(vec![named("a"), feedback("a", 1)], NOW).wait().unwrap();
    // A session with two rules and an opinion, two new rules that teach nothing, one more opinion.
    assert_eq!(next(&told), Some(Change::Rows { watermark: Seq(before + 7), learnable: 5 }));
    assert_eq!(other.watermark().unwrap(), Seq(before + 7), "what is told of is there");
    one.append(vec![named("a")], NOW).wait().unwrap();
    let lease = claim(&one, "r1").unwrap();
    one.commit_run(run(lease)).wait().unwrap();
    assert_eq!(next(&told), Some(Change::Model { component: Some("k_means".into()) }));
    assert!(own.try_recv().is_err(), "nobody hears of his own");
    other.close();
    assert!(told.recv_timeout(Duration::from_secs(10)).is_err(), "a closed store tells nothing");
}

#[test]
fn what_was_committed_before_one_listens_is_caught_up_with() {
    let Some((one, other)) = two() else { return };
    one.append(vec![named("a")], NOW).wait().unwrap();
    let (tell, told) = channel();
    other.watch(Seq(2), Box::new(move |change| drop(tell.send(change))));
    assert_eq!(next(&told), Some(Change::Rows { watermark: Seq(6), learnable: 4 }), "at most as many as rows are new");
    assert_eq!(next(&told), Some(Change::Model { component: None }));
}
