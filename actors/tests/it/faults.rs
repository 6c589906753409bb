//! Components that panic, hang, overrun, flood; and the others beside them, which must not notice.

use std::time::Duration;

use serde_json::json;
use souffleur_actors::faults::{Victim, panic_in};
use souffleur_actors::health::State;
use souffleur_actors::{CallError, KernelSettings, StartError};
use souffleur_core::document::DocumentKind;
use souffleur_core::error::ComponentError;
use souffleur_core::ids::Seq;
use souffleur_core::store::{Claim, RunState, Store};

use crate::components::{CONSUMER, SCRIPTED, Script, Step, calls};
use crate::world::{LIMIT, World, quick};

fn script(key: &str) -> Script {
    Script { key: key.to_owned(), ..Script::default() }
}

fn two() -> Vec<souffleur_core::catalogue::Entry> {
    vec![SCRIPTED, SCRIPTED.renamed("neighbour")]
}

#[tokio::test]
async fn a_panic_while_training_is_tried_again_and_the_caller_gets_the_model() {
    let script = Script { train: vec![Step::Panic, Step::Right], ..script("panic_once") };
    let world = World::start(two(), &[("scripted", script)], quick()).await;
    let outcome = world.train("scripted").await;
    assert_eq!(outcome.rows, 5);
    let health = world.handle.component_health("scripted").unwrap();
    assert_eq!((health.restarts, health.restarts_in_window, health.state), (1, 1, State::Ready));
    assert_eq!(world.handle.component_health("neighbour").unwrap().restarts, 0);
    let runs = world.store.runs("scripted", 9).unwrap();
    let states: Vec<_> = runs.iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Succeeded, RunState::Failed]);
}

#[tokio::test]
async fn a_batch_that_always_panics_is_poisoned_and_the_old_model_answers_on() {
    let script = Script { train: vec![Step::Right, Step::Panic], ..script("poison") };
    let world = World::start(two(), &[("scripted", script)], quick()).await;
    world.train("scripted").await;
    let error = world.handle.train("scripted", LIMIT).await;
    assert_eq!(error, Err(CallError::Poisoned { attempts: 2 }));
    assert_eq!(world.ask("scripted", 1).await.generation, 0);
    world.until_state("scripted", State::Ready).await;
    assert_eq!(world.train("neighbour").await.rows, 5);
}

#[tokio::test]
async fn too_many_failures_are_quarantine_until_an_operator_resets_it() {
    let train = vec![Step::Right, Step::Panic, Step::Panic, Step::Panic, Step::Panic, Step::Right];
    let script = Script { train, ..script("quarantine") };
    let world = World::start(two(), &[("scripted", script)], quick()).await;
    world.train("scripted").await;
    for _ in 0..2 {
        assert_eq!(world.handle.train("scripted", LIMIT).await, Err(CallError::Poisoned { attempts: 2 }));
    }
    world.until_state("scripted", State::Quarantined).await;
    let refused = world.handle.train("scripted", LIMIT).await;
    assert_eq!(refused, Err(CallError::Quarantined { name: "scripted".into() }));
    assert_eq!(world.ask("scripted", 3).await.generation, 0, "the old model answers on");
    let health = world.handle.component_health("scripted").unwrap();
    assert!(health.reason.contains("scripted panic while training"), "{}", health.reason);
    assert_eq!(world.train("neighbour").await.rows, 5);

    world.handle.restart("scripted").await.unwrap();
    assert_eq!(world.train("scripted").await.rows, 5);
    assert_eq!(world.handle.component_health("scripted").unwrap().state, State::Ready);
}

#[tokio::test]
async fn a_panic_while_answering_is_one_error_and_counts_against_the_health() {
    let script = Script { answer: vec![Step::Panic, Step::Right], ..script("panic_answer") };
    let world = World::start(vec![SCRIPTED], &[("scripted", script)], quick()).await;
    world.train("scripted").await;
    let error = world.handle.query("scripted", json!({})).await;
    let panicked = ComponentError::Panicked("scripted panic while answering".into());
    assert_eq!(error, Err(CallError::Component(panicked)));
    assert_eq!(world.ask("scripted", 2).await.echo, 2);
    let health = world.handle.component_health("scripted").unwrap();
    assert!(!health.quality.passed && health.quality.reason == "1 of 2 answers panicked", "{health:?}");
    assert_eq!(health.restarts, 0, "an answer has nothing to restart");
}

#[tokio::test]
async fn a_panic_while_starting_is_restarted_and_in_the_end_quarantined() {
    let recovers = Script { params: vec![Step::Right, Step::Panic, Step::Right], ..script("start_once") };
    let never = Script { params: vec![Step::Right, Step::Panic], ..script("start_never") };
    let world = World::start(two(), &[("scripted", recovers), ("neighbour", never)], quick()).await;
    world.until_state("scripted", State::Ready).await;
    world.until_state("neighbour", State::Quarantined).await;
    assert_eq!(world.handle.component_health("scripted").unwrap().restarts, 1);
    assert_eq!(calls("start_never", "params"), 1 + 1 + 3, "the check, the start, and as many restarts as allowed");
    assert_eq!(world.train("scripted").await.rows, 5);
    let untrained = world.handle.query("neighbour", json!({})).await;
    assert_eq!(untrained, Err(CallError::Quarantined { name: "neighbour".into() }));
}

#[tokio::test]
async fn refused_parameters_stop_the_start_and_say_whose() {
    let script = Script { params: vec![Step::Fail], ..script("bad_params") };
    let error = World::on(std::sync::Arc::default(), vec![SCRIPTED], &[("scripted", script)], quick()).err().unwrap();
    assert!(matches!(&error, StartError::Params { component, .. } if component == "scripted"), "{error}");
    let error = World::on(std::sync::Arc::default(), vec![SCRIPTED], &[("nobody", Script::default())], quick());
    assert_eq!(error.err().unwrap().to_string(), "parameters given for `nobody`, which is no enabled component");
}

#[tokio::test]
async fn a_model_that_panics_when_it_is_dropped_hurts_nobody() {
    let script = Script { model_panics_when_dropped: true, ..script("drop") };
    let world = World::start(vec![SCRIPTED], &[("scripted", script)], quick()).await;
    for generation in 0..3 {
        world.train("scripted").await;
        assert_eq!(world.ask("scripted", 0).await.generation, generation);
    }
    assert_eq!(world.handle.component_health("scripted").unwrap().restarts, 0);
    assert!(world.handle.shutdown().await.clean);
}

#[tokio::test]
async fn a_damaged_or_panicking_snapshot_is_reported_and_never_served() {
    let world = World::start(two(), &[], quick()).await;
    world.train("scripted").await;
    world.train("neighbour").await;
    world.handle.shutdown().await;
    let store = reopened(&world);
    assert!(store.damage_model("scripted", b"nonsense".to_vec()));
    let world = World::on(store, two(), &[], quick()).unwrap();
    world.until("the kernel is ready", souffleur_actors::Handle::is_ready).await;
    world.until_state("scripted", State::Degraded).await;
    let health = world.handle.component_health("scripted").unwrap();
    assert!(!health.trained && !health.quality.passed && health.reason.contains("stored model"), "{health:?}");
    let refused = world.handle.query("scripted", json!({})).await;
    assert_eq!(refused, Err(CallError::NotTrained { name: "scripted".into() }));
    assert_eq!(world.ask("neighbour", 4).await.echo, 4, "a sound model is restored");
    world.train("scripted").await;
    world.until_state("scripted", State::Ready).await;
}

#[tokio::test]
async fn a_model_that_panics_when_it_is_read_leaves_its_component_untrained() {
    let script = Script { model_panics_when_read: true, ..script("read") };
    let world = World::start(vec![SCRIPTED], &[("scripted", script.clone())], quick()).await;
    world.train("scripted").await;
    world.handle.shutdown().await;
    let world = World::on(reopened(&world), vec![SCRIPTED], &[("scripted", script)], quick()).unwrap();
    world.until_state("scripted", State::Degraded).await;
    let health = world.handle.component_health("scripted").unwrap();
    assert!(health.reason.contains("scripted panic while reading a model"), "{health:?}");
}

/// What a new process would find: the rows, runs and models of the old one.
fn reopened(world: &World) -> std::sync::Arc<souffleur_core::store::memory::MemoryStore> {
    world.store.reopen();
    std::sync::Arc::clone(&world.store)
}

#[tokio::test]
async fn an_overrun_is_cancelled_at_its_deadline_without_a_restart() {
    let script = Script { train: vec![Step::Work(60_000), Step::Right], ..script("overrun") };
    let world = World::start(vec![SCRIPTED], &[("scripted", script)], quick()).await;
    let error = world.handle.train("scripted", LIMIT).await;
    assert_eq!(error, Err(CallError::DeadlineExceeded));
    assert_eq!(world.handle.component_health("scripted").unwrap().restarts, 0);
    assert_eq!(world.train("scripted").await.rows, 5);
}

#[tokio::test]
async fn a_hang_deaf_to_cancellation_costs_its_thread_and_nothing_else() {
    let script = Script { train: vec![Step::Deaf(1_500), Step::Right], ..script("hang") };
    let settings = KernelSettings { compute_slots: 1, ..quick() };
    let world = World::start(two(), &[("scripted", script)], settings).await;
    let error = world.handle.train("scripted", LIMIT).await;
    assert_eq!(error, Err(CallError::DeadlineExceeded));
    assert_eq!(world.handle.metrics().compute.abandoned, 1);
    assert_eq!(world.train("neighbour").await.rows, 5, "the only slot was replaced");
    assert_eq!(world.train("scripted").await.rows, 5);
    world.until("the thread came back and retired", |handle| handle.metrics().compute.abandoned == 0).await;
    assert_eq!(world.store.runs("scripted", 9).unwrap().len(), 2);
    assert_eq!(world.ask("scripted", 0).await.generation, 0, "the late result was thrown away");
}

#[tokio::test]
async fn a_hanging_answer_ends_at_its_budget_and_others_are_answered() {
    let script = Script { answer: vec![Step::Deaf(1_000), Step::Right], ..script("hang_answer") };
    let settings = KernelSettings { answer_slots: 1, ..quick() };
    let world = World::start(vec![SCRIPTED], &[("scripted", script)], settings).await;
    world.train("scripted").await;
    assert_eq!(world.handle.query("scripted", json!({})).await, Err(CallError::DeadlineExceeded));
    world.until("the slot was replaced", |handle| handle.metrics().answer.abandoned == 1).await;
    assert_eq!(world.ask("scripted", 5).await.echo, 5);
}

#[tokio::test]
async fn a_flood_is_told_busy_and_every_caller_is_answered() {
    let script = Script { train: vec![Step::Work(50)], ..script("flood") };
    let settings = KernelSettings { port_capacity: 4, ..quick() };
    let world = World::start(vec![SCRIPTED], &[("scripted", script)], settings).await;
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let handle = world.handle.clone();
            tokio::spawn(async move { handle.train("scripted", LIMIT).await })
        })
        .collect();
    let (mut trained, mut busy) = (0, 0);
    for call in calls {
        match tokio::time::timeout(LIMIT, call).await.unwrap().unwrap() {
            Ok(_) => trained += 1,
            Err(CallError::Busy { retry_after_ms }) if retry_after_ms > 0 => busy += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(trained >= 4 && trained + busy == 64, "{trained} trained, {busy} busy");
    let counted = world.handle.metrics().components[0].busy;
    assert_eq!(counted, busy);
}

#[tokio::test]
async fn answers_go_on_while_the_component_trains_and_while_it_is_paused() {
    let script = Script { train: vec![Step::Right, Step::Work(60_000)], ..script("answers_go_on") };
    let world = World::start(vec![SCRIPTED], &[("scripted", script)], quick()).await;
    world.train("scripted").await;
    let handle = world.handle.clone();
    let training = tokio::spawn(async move { handle.train("scripted", LIMIT).await });
    world.until_state("scripted", State::Training).await;
    for echo in 0..50 {
        assert_eq!(world.ask("scripted", echo).await.echo, echo);
    }
    world
        .until("it shows progress", |h| h.component_health("scripted").unwrap().progress.is_some_and(|p| p.done > 0))
        .await;
    world.handle.pause("scripted").await.unwrap();
    world.until_state("scripted", State::Paused).await;
    assert_eq!(world.ask("scripted", 1).await.echo, 1);
    let refused = world.handle.train("scripted", LIMIT).await;
    assert_eq!(refused, Err(CallError::Paused { name: "scripted".into() }));
    world.handle.resume("scripted").await.unwrap();
    world.until_state("scripted", State::Training).await;
    world.handle.cancel("scripted").await.unwrap();
    let cancelled = training.await.unwrap().unwrap_err();
    assert_eq!(cancelled.to_string(), "cancelled");
}

#[tokio::test]
async fn a_consumer_waits_while_its_producer_restarts() {
    let producer = Script { train: vec![Step::Panic, Step::Right], ..script("producer") };
    let settings = KernelSettings { backoff_min_ms: 200, backoff_max_ms: 200, ..quick() };
    let world = World::start(vec![CONSUMER, SCRIPTED], &[("scripted", producer)], settings).await;
    let handle = world.handle.clone();
    let training = tokio::spawn(async move { handle.train("scripted", LIMIT).await });
    world.until_state("scripted", State::Restarting).await;
    world.until_state("consumer", State::Paused).await;
    let outcome = world.train("consumer").await;
    assert_eq!(outcome.rows, 5, "its queue was kept");
    assert_eq!(training.await.unwrap().unwrap().rows, 5);
}

#[tokio::test]
async fn too_few_rows_are_an_error_and_not_a_crash() {
    let store = std::sync::Arc::new(souffleur_core::store::memory::MemoryStore::default());
    let world = World::on(store, vec![SCRIPTED], &[], quick()).unwrap();
    world.until("the kernel is ready", souffleur_actors::Handle::is_ready).await;
    let error = world.handle.train("scripted", LIMIT).await;
    let too_few = ComponentError::TooFewRows { what: "rows", have: 0, need: 2 };
    assert_eq!(error, Err(CallError::Component(too_few)));
    let health = world.handle.component_health("scripted").unwrap();
    assert_eq!((health.restarts, health.data_flow.passed), (0, false));
    assert_eq!(health.data_flow.reason, "0 rows are too few: at least 2 are needed");
}

#[tokio::test]
async fn an_interrupted_run_is_made_up_for_after_a_crash() {
    let world = World::start(vec![SCRIPTED], &[], quick()).await;
    world.handle.shutdown().await;
    let store = reopened(&world);
    store.claim(Claim::new("scripted", "run-of-the-dead", souffleur_core::time::Timestamp(1), 1)).await.unwrap();
    let world = World::on(store, vec![SCRIPTED], &[], quick()).unwrap();
    world.until("it trained unasked", |h| h.component_health("scripted").unwrap().runs.succeeded == 1).await;
    assert_eq!(world.store.unfinished_runs().unwrap(), []);
}

#[tokio::test]
async fn changes_of_state_are_kept_in_the_store() {
    let script = Script { train: vec![Step::Panic, Step::Right], ..script("history") };
    let world = World::start(vec![SCRIPTED], &[("scripted", script)], quick()).await;
    world.train("scripted").await;
    world.handle.shutdown().await;
    let store = reopened(&world);
    let events = store.documents(DocumentKind::HealthEvents, Some("scripted"), Seq(i64::MAX), 99).unwrap();
    let states: Vec<_> = events.iter().map(|event| event.body["to"].as_str().unwrap().to_owned()).collect();
    let wanted = ["ready", "training", "restarting", "starting", "ready", "training", "ready", "stopped"];
    assert_eq!(states, wanted, "{events:#?}");
}

#[tokio::test]
async fn a_probe_that_fails_is_degraded_and_costs_the_score() {
    let wrong = Script { probe: vec![Step::Wrong], ..script("wrong_probe") };
    let settings = KernelSettings { probe_interval_ms: 50, ..quick() };
    let world = World::start(two(), &[("scripted", wrong)], settings).await;
    world.until_state("scripted", State::Degraded).await;
    world.until("both were probed", |h| h.health().components.iter().all(|c| c.probe.is_some())).await;
    let health = world.handle.health();
    assert!((health.score - 0.5).abs() < 1e-9, "{}", health.score);
    assert_eq!(
        health.components[0].quality.reason,
        "its probe failed: unusable data: wrong answer to the probe: 4 rows instead of 3"
    );
    assert!(health.components[1].quality.passed, "{:?}", health.components[1]);
}

#[tokio::test]
async fn a_run_nobody_waits_for_any_more_is_cancelled() {
    let script = Script { train: vec![Step::Work(40)], ..script("gone") };
    let world = World::start(vec![SCRIPTED], &[("scripted", script)], quick()).await;
    let short = world.handle.train("scripted", Duration::from_millis(5)).await;
    assert_eq!(short, Err(CallError::DeadlineExceeded));
    world.until_state("scripted", State::Ready).await;
    assert_eq!(world.handle.component_health("scripted").unwrap().runs.cancelled, 1, "nobody wanted it any more");
}

#[tokio::test]
async fn a_panic_in_a_components_actor_is_a_restart_and_every_caller_is_told() {
    let script = Script { train: vec![Step::Right, Step::Work(60_000), Step::Right], ..script("actor_panic") };
    let world = World::start(two(), &[("scripted", script)], quick()).await;
    world.train("scripted").await;
    let handle = world.handle.clone();
    let training = tokio::spawn(async move { handle.train("scripted", LIMIT).await });
    world.until_state("scripted", State::Training).await;
    panic_in(&world.handle, Victim::Component(0));
    let told = tokio::time::timeout(LIMIT, training).await.unwrap().unwrap();
    assert_eq!(told, Err(CallError::Stopped));
    assert_eq!(world.ask("scripted", 2).await.generation, 0, "answers need no actor");
    assert_eq!(world.train("scripted").await.rows, 5);
    let health = world.handle.component_health("scripted").unwrap();
    assert_eq!((health.state, health.restarts), (State::Ready, 1));
    assert_eq!(world.handle.component_health("neighbour").unwrap().restarts, 0);
    assert!(world.handle.shutdown().await.clean);
}

#[tokio::test]
async fn the_control_plane_survives_its_own_panics() {
    let script = Script { train: vec![Step::Panic, Step::Right], ..script("control_panic") };
    let settings = KernelSettings { probe_interval_ms: 50, ..quick() };
    let world = World::start(two(), &[("scripted", script)], settings).await;
    for victim in [Victim::Supervisor, Victim::Monitor, Victim::Feedback] {
        panic_in(&world.handle, victim);
    }
    world
        .until("both were restarted", |h| h.health().supervisor.restarts == 1 && h.health().monitor.restarts == 1)
        .await;
    assert_eq!(world.train("scripted").await.rows, 5, "the supervisor still restarts what fails");
    let probes = |handle: &souffleur_actors::Handle| handle.metrics().components[1].probes_passed;
    let before = probes(&world.handle);
    world.until("the monitor still probes", |handle| probes(handle) > before).await;
    assert!(world.handle.shutdown().await.clean);
}
