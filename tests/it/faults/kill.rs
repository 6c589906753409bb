//! `kill -9` at random moments, under writes and training, again and again on the same data directory.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use souffleur_core::store::{RunState, Store};

use super::ledger::{Dice, Ledger, check, open};
use crate::process::{Daemon, Http};

/// Kills. `SOUFFLEUR_TEST_KILLS` sets another number.
const KILLS: u64 = 200;

/// Longest time from the daemon's start to the kill.
const LIFE_MS: u64 = 250;

const COMPONENTS: [&str; 4] = ["clustering_optimizer", "context_learner", "dimensionality_reducer", "failure_analyzer"];

#[test]
fn nothing_acknowledged_is_lost_however_often_the_process_is_killed() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = number("SOUFFLEUR_TEST_SEED").unwrap_or(0x50u64);
    let kills = number("SOUFFLEUR_TEST_KILLS").unwrap_or(KILLS);
    println!("seed {seed}; repeat with SOUFFLEUR_TEST_SEED={seed}");
    let directory = tempfile::tempdir().unwrap();
    let mut dice = Dice(seed);
    let mut ledger = Ledger::default();
    let began = Instant::now();
    for cycle in 0..kills {
        let daemon = Daemon::start(directory.path(), &[]);
        truthful(&Http::new(&daemon.url), directory.path(), cycle);
        live_and_die(daemon, cycle, &mut dice, &mut ledger);
        let store = open(directory.path());
        if cycle % 20 == 19 || cycle + 1 == kills {
            check(&store, &ledger);
        } else {
            let lost =
                ledger.acknowledged.iter().rev().take(200).find(|name| store.session_seq(name).unwrap().is_none());
            assert_eq!(lost, None, "cycle {cycle}: acknowledged, and lost");
        }
        store.close();
    }
    let store = open(directory.path());
    let runs: Vec<_> = COMPONENTS.iter().flat_map(|name| store.runs(name, 10_000).unwrap()).collect();
    store.close();
    let ended = |state| runs.iter().filter(|run| run.state == state).count();
    println!(
        "{kills} kills in {:.1} s: {} sessions acknowledged of {} sent; runs: {} succeeded, {} failed, {} cut off",
        began.elapsed().as_secs_f64(),
        ledger.acknowledged.len(),
        ledger.sent.len(),
        ended(RunState::Succeeded),
        ended(RunState::Failed) + ended(RunState::Cancelled),
        ended(RunState::Running) + ended(RunState::Abandoned),
    );
    assert!(ledger.acknowledged.len() as u64 > kills, "hardly anything was written");
    assert!(!runs.is_empty(), "nothing was ever trained");
}

/// Writes and trains, and kills the daemon at a random moment of it.
fn live_and_die(daemon: Daemon, cycle: u64, dice: &mut Dice, ledger: &mut Ledger) {
    let life = Duration::from_millis(dice.roll(LIFE_MS));
    let mut own = Dice(dice.roll(u64::MAX));
    let url = daemon.url.clone();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut ledger = Ledger::default();
            ledger.write(&Http::new(&url), &format!("c{cycle}"), &mut own);
            ledger
        });
        scope.spawn(|| {
            let http = Http::new(&url);
            // Until the daemon is gone; that there are too few rows at first is an answer too.
            let train = |name: &str| http.post(&format!("/v1/components/{name}/train"), &json!({})).is_ok();
            while COMPONENTS.iter().all(|name| train(name)) {}
        });
        std::thread::sleep(life);
        daemon.kill();
        ledger.merge(writer.join().unwrap());
    });
}

/// After a restart health says what is so: what is recorded, whether there is a model, that nothing trains unasked
/// for ever.
///
/// A run that was cut off is made up for at once, so a model may be committed while health is asked. What was there
/// before the question must be known to it, what it knows must be there afterwards, and in the end both are the same.
fn truthful(http: &Http, directory: &Path, cycle: u64) {
    let deadline = Instant::now() + Duration::from_secs(20);
    // A reader beside the daemon sees what it has committed.
    let store = open(directory);
    let models = || COMPONENTS.map(|name| store.latest_model(name).unwrap().is_some());
    let restored = models();
    loop {
        let (status, health) = http.get("/v1/health").unwrap();
        assert_eq!(status, 200, "{health}");
        let components = health["components"].as_array().unwrap();
        let recorded = models();
        if components.iter().all(|component| component["state"] != "starting") {
            for (i, (name, component)) in COMPONENTS.iter().zip(components).enumerate() {
                assert_eq!(component["name"], *name);
                let trained = component["trained"].as_bool().unwrap();
                assert!(trained || !restored[i], "cycle {cycle}: it had a model: {component}");
                assert!(recorded[i] || !trained, "cycle {cycle}: it has no model: {component}");
                assert!(
                    component["restarts"] == 0 && component["state"] != "quarantined",
                    "cycle {cycle}: {component}"
                );
            }
            if components.iter().zip(recorded).all(|(component, recorded)| component["trained"] == recorded) {
                break;
            }
        }
        assert!(Instant::now() < deadline, "cycle {cycle}: starting, or not told of a model: {health}");
        std::thread::sleep(Duration::from_millis(5));
    }
    store.close();
}
