//! Hours of pauses, cadences and retries on virtual time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use souffleur_actors::health::State;
use souffleur_actors::simulation::{Scenario, simulate};
use souffleur_actors::{CallError, Handle, KernelSettings, RuntimeEvent};
use souffleur_core::batch::TrainingBatch;
use souffleur_core::catalogue::Entry;
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::query::Query;
use souffleur_core::store::memory::MemoryStore;
use souffleur_core::store::{Record, Store};
use souffleur_core::time::Timestamp;

use crate::components::{EAGER, SCRIPTED, Script, Step, batch, calls};
use crate::world::{params, sessions};

const HOUR: Duration = Duration::from_secs(3_600);

fn from_store(store: &dyn Store, _: Query) -> Result<TrainingBatch, CallError> {
    let (counts, watermark) = (store.counts()?, store.watermark()?);
    let rows = usize::try_from(counts.sessions).unwrap();
    Ok(batch::of_rows(rows, DataVersion { watermark, schema_hash: 1 }))
}

fn scenario(entry: Entry, script: Script, settings: KernelSettings) -> Scenario {
    let store = Arc::new(MemoryStore::default());
    store.append(sessions("first", 5), Timestamp(1)).wait().unwrap();
    let cost = Duration::from_millis(10);
    let params = params(&[(&*entry.name, script)]);
    Scenario { entries: vec![entry], params, store, settings, cost, batches: from_store }
}

fn settings() -> KernelSettings {
    KernelSettings { probe_interval_ms: 86_400_000, analytics_interval_ms: 0, ..KernelSettings::default() }
}

/// When a component changed into a state, in seconds since the start.
fn changes(listener: &Mutex<Vec<(f64, State)>>, state: State) -> Vec<f64> {
    let changes = listener.lock().unwrap_or_else(PoisonError::into_inner);
    changes.iter().filter(|(_, to)| *to == state).map(|(at, _)| *at).collect()
}

/// Writes every change of state down.
fn listen(handle: &Handle) -> Arc<Mutex<Vec<(f64, State)>>> {
    let (mut events, seen) = (handle.events(), Arc::new(Mutex::new(Vec::new())));
    let written = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok(event) = events.recv().await {
            if let RuntimeEvent::StateChanged { to, at, .. } = event {
                written.lock().unwrap_or_else(PoisonError::into_inner).push((at.0 as f64 / 1e6, to));
            }
        }
    });
    seen
}

#[test]
fn pauses_double_and_quarantine_is_retried_by_the_timer() {
    let script = Script { key: "sim_backoff".into(), params: vec![Step::Right, Step::Panic], ..Script::default() };
    let settings = KernelSettings {
        restart_intensity: 4,
        restart_period_ms: 300_000,
        backoff_min_ms: 1_000,
        backoff_max_ms: 3_600_000,
        backoff_jitter_percent: 10,
        quarantine_retry_ms: 600_000,
        ..settings()
    };
    let (pauses, given_up) = simulate(scenario(SCRIPTED, script, settings), |handle| async move {
        let seen = listen(&handle);
        tokio::time::sleep(HOUR).await;
        let restarting = changes(&seen, State::Restarting);
        let starting = changes(&seen, State::Starting);
        let pauses: Vec<_> = starting.iter().zip(&restarting).map(|(start, failed)| start - failed).collect();
        (pauses, changes(&seen, State::Quarantined))
    })
    .unwrap();
    for (pause, want) in pauses.iter().zip([1.0, 2.0, 4.0, 8.0]) {
        assert!((pause / want - 1.0).abs() < 0.12, "{pauses:?}");
    }
    assert_eq!(given_up.len(), 6, "once after the restarts, then once per retry: {given_up:?}");
    for pair in given_up.windows(2) {
        assert!((pair[1] - pair[0] - 600.0).abs() < 2.0, "{given_up:?}");
    }
    assert_eq!(calls("sim_backoff", "params"), 1 + 1 + 4 + 5);
}

/// How often it had trained after the start and after each of four hours that brought five rows.
fn unasked_runs(key: &str, settings: KernelSettings) -> Vec<usize> {
    let script = Script { key: key.into(), ..Script::default() };
    let key = key.to_owned();
    simulate(scenario(EAGER, script, settings), |handle| async move {
        tokio::time::sleep(HOUR).await;
        let mut runs = vec![calls(&key, "train")];
        for hour in 0..4 {
            handle.append(sessions(&format!("hour-{hour}"), 5)).await.unwrap();
            tokio::time::sleep(HOUR).await;
            runs.push(calls(&key, "train"));
        }
        runs
    })
    .unwrap()
}

#[test]
fn a_component_with_a_cadence_trains_once_per_so_many_rows_and_not_on_the_runtimes_own() {
    let settings = KernelSettings { analytics_interval_ms: 1_000, ..settings() };
    // Every second hour ten rows are new.
    assert_eq!(unasked_runs("sim_cadence", settings), [0, 1, 1, 2, 2]);
}

#[test]
fn nothing_trains_unasked_where_that_is_switched_off() {
    let settings = KernelSettings { train_unasked: false, ..settings() };
    assert_eq!(unasked_runs("sim_asked", settings), [0; 5]);
}

#[test]
fn the_runtimes_own_figures_become_rows_once_per_interval_with_activity() {
    let script = Script { key: "sim_feedback".into(), ..Script::default() };
    let settings = KernelSettings { analytics_interval_ms: 60_000, ..settings() };
    let scenario = scenario(SCRIPTED, script, settings);
    let store = Arc::clone(&scenario.store);
    simulate(scenario, |handle| async move {
        tokio::time::sleep(HOUR).await;
        handle.train("scripted", HOUR).await.unwrap();
        handle.query("scripted", json!({})).await.unwrap();
        tokio::time::sleep(HOUR).await;
        let health = handle.health();
        assert_eq!(health.feedback_latency.count, 3, "start, training and figures were timed: {health:?}");
    })
    .unwrap();
    let points = store.metrics(Some("scripted"), Seq(i64::MAX), 99).unwrap();
    let value = |metric: &str| {
        let found: Vec<_> = points.iter().filter(|(_, point)| point.metric == metric).collect();
        assert_eq!(found.len(), 1, "{metric}: {points:?}");
        found[0].1.value
    };
    assert_eq!((value("answers"), value("runs_succeeded"), value("restarts")), (1.0, 1.0, 0.0));
}

#[test]
fn a_repeated_key_of_the_analytics_loop_is_stored_once() {
    let store = MemoryStore::default();
    let point = souffleur_core::records::MetricPoint { metric: "m".into(), subject: "s".into(), ..Default::default() };
    let append = souffleur_core::store::Append { idempotency_key: Some("k".into()), record: Record::Metric(point) };
    store.append(vec![append.clone()], Timestamp(1)).wait().unwrap();
    assert!(store.append(vec![append], Timestamp(2)).wait().unwrap()[0].duplicate);
}

#[test]
fn shutdown_interrupts_a_pause_of_an_hour() {
    let script = Script { key: "sim_stop".into(), params: vec![Step::Right, Step::Panic], ..Script::default() };
    let settings = KernelSettings { backoff_min_ms: 3_600_000, backoff_max_ms: 3_600_000, ..settings() };
    let report = simulate(scenario(SCRIPTED, script, settings), |handle| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(handle.component_health("scripted").unwrap().state, State::Restarting);
        handle.shutdown().await
    })
    .unwrap();
    // The store is closed on a real thread, while which virtual time may jump: that step is not looked at.
    assert!(report.steps[..4].iter().all(|step| step.completed) && report.duration_ms < 60_000, "{report:?}");
}
