//! Many components at once, random load, and an end at any moment. Seeds are printed.

use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::json;
use souffleur_actors::health::State;
use souffleur_actors::{CallError, Handle, KernelSettings};
use souffleur_core::store::Store;

use crate::components::{CONSUMER, EAGER, SCRIPTED, Script, Step};
use crate::world::{LIMIT, World, quick, sessions};

#[tokio::test]
async fn sixty_four_idle_components_start_and_stop() {
    let entries: Vec<_> = (0..64).map(|i| SCRIPTED.renamed(format!("component_{i}"))).collect();
    let world = World::start(entries, &[], quick()).await;
    let health = world.handle.health();
    assert_eq!(health.components.len(), 64);
    assert!(health.components.iter().all(|c| c.state == State::Ready), "{health:#?}");
    for i in [0, 63] {
        assert_eq!(world.train(&format!("component_{i}")).await.rows, 5);
    }
    assert!(world.handle.shutdown().await.clean);
}

fn random_steps(rng: &mut Xoshiro256PlusPlus) -> Vec<Step> {
    let step = |rng: &mut Xoshiro256PlusPlus| match rng.gen_range(0..10) {
        0 => Step::Panic,
        1 => Step::Fail,
        2 => Step::Deaf(rng.gen_range(1..400)),
        3..=5 => Step::Work(rng.gen_range(1..60)),
        _ => Step::Right,
    };
    (0..30).map(|_| step(rng)).collect()
}

fn random_script(seed: u64, name: &str, rng: &mut Xoshiro256PlusPlus) -> Script {
    Script {
        key: format!("chaos-{seed}-{name}"),
        train: random_steps(rng),
        probe: random_steps(rng),
        answer: random_steps(rng),
        ..Script::default()
    }
}

/// One caller's life: random calls until the runtime says that it ends. How many calls were answered.
async fn caller(handle: Handle, mut rng: Xoshiro256PlusPlus, id: usize) -> usize {
    let names = ["scripted", "eager", "consumer"];
    for call in 0.. {
        let name = names[rng.gen_range(0..names.len())];
        let patience = Duration::from_millis(rng.gen_range(1..300));
        let ended = match rng.gen_range(0..10) {
            0..=3 => handle.train(name, patience).await.err(),
            4..=6 => handle.query(name, json!({ "echo": 1 })).await.err(),
            7 => handle.append(sessions(&format!("{id}-{call}"), 3)).await.err(),
            8 => handle.cancel(name).await.err(),
            _ => {
                let _ = handle.pause(name).await;
                handle.resume(name).await.err()
            }
        };
        if matches!(ended, Some(CallError::ShuttingDown | CallError::Stopped)) {
            return call;
        }
        // Reads need no runtime and never wait.
        assert_eq!(handle.health().components.len(), 3);
    }
    0
}

async fn end_at_a_random_moment(seed: u64) {
    println!("seed {seed}");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let scripts: Vec<_> =
        ["scripted", "eager", "consumer"].map(|name| (name, random_script(seed, name, &mut rng))).into();
    let settings = KernelSettings {
        probe_interval_ms: 20,
        analytics_interval_ms: 10,
        port_capacity: 3,
        drain_deadline_ms: rng.gen_range(0..100),
        seed,
        ..quick()
    };
    let world = World::start(vec![CONSUMER, SCRIPTED, EAGER], &scripts, settings).await;
    let callers: Vec<_> = (0..6)
        .map(|id| {
            let rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ (id as u64 + 1) << 32);
            tokio::spawn(caller(world.handle.clone(), rng, id))
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(rng.gen_range(0..400))).await;
    let (first, second) = (world.handle.clone(), world.handle.clone());
    let ended = tokio::time::timeout(LIMIT, async { tokio::join!(first.shutdown(), second.shutdown()) }).await;
    let (report, same) = ended.unwrap_or_else(|_| panic!("seed {seed}: the shutdown did not end"));
    assert_eq!(report, same, "seed {seed}");
    assert!(report.steps.iter().all(|step| step.completed), "seed {seed}: {report:#?}");
    for call in callers {
        let answered = tokio::time::timeout(LIMIT, call).await;
        answered.unwrap_or_else(|_| panic!("seed {seed}: a caller was never answered")).unwrap();
    }
    let health = world.handle.health();
    assert!(health.components.iter().all(|c| c.state == State::Stopped), "seed {seed}: {health:#?}");
    world.store.reopen();
    // Every run that was started was ended, be it by being given up.
    assert_eq!(world.store.unfinished_runs().unwrap(), [], "seed {seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_may_come_at_any_moment() {
    for seed in 1..=12 {
        end_at_a_random_moment(seed).await;
    }
}

#[tokio::test]
async fn dropping_the_last_handle_ends_it_without_waiting() {
    let world = World::start(vec![SCRIPTED], &[], quick()).await;
    let store = std::sync::Arc::clone(&world.store);
    drop(world);
    let closed = tokio::time::timeout(LIMIT, async {
        while store.watermark().is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(closed.await.is_ok(), "the store was never closed");
}

#[test]
fn the_handle_works_without_any_runtime_of_its_own() {
    // An executor that is no tokio runtime: the future is polled on a plain thread.
    let store = std::sync::Arc::new(souffleur_core::store::memory::MemoryStore::default());
    store.append(sessions("first", 5), souffleur_core::time::Timestamp(1)).wait().unwrap();
    let world = World::on(store, vec![SCRIPTED], &[], quick()).unwrap();
    let outcome = block_on(world.handle.train("scripted", LIMIT)).unwrap();
    assert_eq!(outcome.rows, 5);
    assert!(block_on(world.handle.shutdown()).clean);
    assert_eq!(block_on(world.handle.query("scripted", json!({}))), Err(CallError::Stopped));
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(value) => return value,
            std::task::Poll::Pending => std::thread::park_timeout(LIMIT),
        }
    }
}
