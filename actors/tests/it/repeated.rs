//! Questions that are asked again: answered once for each model, and never with the answer of another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::json;
use souffleur_actors::{CallError, Handle, KernelSettings};
use souffleur_core::error::ComponentError;
use souffleur_core::query::Query;

use crate::components::{SCRIPTED, Script, Step, calls};
use crate::world::{World, quick};

fn script(key: &str, answer: Vec<Step>) -> Script {
    Script { key: format!("repeated_{key}"), answer, ..Script::default() }
}

async fn trained(key: &str, answer: Vec<Step>) -> World {
    let settings = KernelSettings { answer_slots: 1, ..quick() };
    let world = World::caching(vec![SCRIPTED], &[("scripted", script(key, answer))], settings).await;
    world.train("scripted").await;
    world
}

fn answered(key: &str) -> usize {
    calls(&format!("repeated_{key}"), "answer")
}

#[tokio::test]
async fn a_question_is_answered_by_the_component_once() {
    let world = trained("once", vec![]).await;
    for echo in [1, 1, 2, 1, 2] {
        assert_eq!(world.ask("scripted", echo).await.echo, echo);
    }
    assert_eq!(answered("once"), 2);
    let cache = world.handle.health().cache.unwrap();
    assert_eq!((cache.hits, cache.misses, cache.loads), (3, 2, 2));
    assert_eq!(world.handle.metrics().components[0].answers, 2, "an answer from the cache is no work of the component");
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_answer_and_wait_in_no_queue() {
    let world = trained("flood", vec![Step::Work(50)]).await;
    let ask = |_| {
        let handle = world.handle.clone();
        tokio::spawn(async move { handle.query("scripted", json!({ "echo": 3 })).await })
    };
    let calls: Vec<_> = (0..2_000).map(ask).collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap()["echo"], 3);
    }
    assert_eq!((answered("flood"), world.handle.metrics().components[0].busy), (1, 0));
}

#[tokio::test]
async fn what_is_kept_is_answered_while_every_slot_hangs() {
    let world = trained("hang", vec![Step::Right, Step::Deaf(1_000)]).await;
    world.ask("scripted", 1).await;
    let handle = world.handle.clone();
    let hangs = tokio::spawn(async move { handle.query("scripted", json!({ "echo": 2 })).await });
    world.until("the slot hangs", |handle| handle.metrics().answer.busy == 1).await;
    assert_eq!(world.ask("scripted", 1).await.echo, 1);
    assert_eq!(hangs.await.unwrap(), Err(CallError::DeadlineExceeded));
    world.until("the slot was replaced", |handle| handle.metrics().answer.abandoned == 1).await;
}

#[tokio::test]
async fn errors_and_panics_are_not_kept() {
    let world = trained("errors", vec![Step::Fail, Step::Panic, Step::Right]).await;
    let ask = || world.handle.query("scripted", json!({ "echo": 1 }));
    assert!(matches!(ask().await, Err(CallError::Component(ComponentError::Query(_)))));
    assert!(matches!(ask().await, Err(CallError::Component(ComponentError::Panicked(_)))));
    assert_eq!(ask().await.unwrap()["echo"], 1);
    assert_eq!(answered("errors"), 3);
}

/// Asks without a pause that an answer is never older than the newest model known before the question.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_model_is_never_answered_for_with_an_old_answer() {
    let world = trained("fresh", vec![]).await;
    let (stop, newest) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
    let asker = |echo: u64| {
        let (handle, stop, newest) = (world.handle.clone(), Arc::clone(&stop), Arc::clone(&newest));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let known = newest.load(Ordering::SeqCst);
                let answer = handle.query("scripted", json!({ "echo": echo })).await.unwrap();
                let generation = answer["generation"].as_u64().unwrap();
                assert!(generation >= known, "model {known} was answered for by model {generation}");
                tokio::task::yield_now().await;
            }
        })
    };
    let askers: Vec<_> = (0..4).map(asker).collect();
    for generation in 1..=30 {
        world.train("scripted").await;
        newest.store(generation, Ordering::SeqCst);
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    stop.store(true, Ordering::Relaxed);
    for asker in askers {
        asker.await.unwrap();
    }
    let cache = world.handle.metrics().cache.unwrap();
    assert!(cache.hits > 0 && cache.failures == 0, "{cache:?}");
}

#[tokio::test]
async fn what_is_asked_most_is_known_and_prepared_for_the_next_model() {
    let world = trained("carried", vec![]).await;
    for echo in [7, 7, 7, 7, 8, 8, 9] {
        world.ask("scripted", echo).await;
    }
    let asked = async |handle: &Handle| {
        let frequent = handle.frequently_accessed(10).await.unwrap();
        assert!(frequent.questions.iter().all(|question| question.component == "scripted"));
        let count = |q: &souffleur_actors::outcome::FrequentQuestion| (q.question["echo"].as_u64().unwrap(), q.asked);
        frequent.questions.iter().map(count).collect::<Vec<_>>()
    };
    assert_eq!(asked(&world.handle).await, [(7, 4), (8, 2), (9, 1)]);
    let batch = world.handle.batch(Query::default()).await.unwrap();
    assert_eq!(batch.len(), 5);
    let batches = world.handle.frequently_accessed(1).await.unwrap().batches;
    assert_eq!((batches[0].query.clone(), batches.len()), (Query::default(), 1));
    assert!(batches[0].asked >= 2, "by the training run and by this test: {batches:?}");

    assert_eq!(answered("carried"), 3);
    world.train("scripted").await;
    for _ in 0..1_000 {
        if asked(&world.handle).await == [(7, 3), (8, 2)] {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(asked(&world.handle).await, [(7, 3), (8, 2)]);
    assert_eq!(answered("carried"), 5);
    assert_eq!(world.ask("scripted", 7).await.generation, 1);
    assert_eq!(answered("carried"), 5, "it was prepared");
}
