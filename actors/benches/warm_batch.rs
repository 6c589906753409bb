//! What a batch of the whole history costs: from a warm loader, the first time, and after 1,000 new rows.
//!
//! Half as many sessions as rule applications; all 31 features. `warm` goes through the actor's port: on the same
//! thread, and from another one as the product does.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::cell::Cell;
use std::hint::black_box;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use actix::{Actor, Arbiter, System};
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use souffleur_actors::loader::{DataChanged, GetTrainingBatch, LoaderActor, LoaderSettings};
use souffleur_actors::pool::{Pool, PoolSize};
use souffleur_actors::port::Port;
use souffleur_core::batch::TrainingBatch;
use souffleur_core::clock::ManualClock;
use souffleur_core::features::WIDTH;
use souffleur_core::ids::Seq;
use souffleur_core::query::Query;
use souffleur_core::records::{RuleApplication, Session};
use souffleur_core::store::memory::MemoryStore;
use souffleur_core::store::{Append, FeaturedSession, Record, Store};
use souffleur_core::time::Timestamp;

const RULES_PER_SESSION: usize = 2;
const LONG: Duration = Duration::from_secs(120);

fn session(i: usize) -> Append {
    let mut features = [0.5; WIDTH];
    (features[0], features[1], features[2]) =
        ((i % 997) as f32 / 997.0, (i % 991) as f32 / 991.0, (i % 983) as f32 / 983.0);
    let rule = |k: usize| RuleApplication {
        rule_id: format!("rule_{}", (i + k) % 10),
        improvement_score: Some((i % 11) as f64 / 11.0),
        propensity: Some(0.5),
        ..RuleApplication::default()
    };
    let session = Session {
        session_id: Some(format!("s{i}")),
        rules: (0..RULES_PER_SESSION).map(rule).collect(),
        quality_score: Some((i % 7) as f64 / 7.0),
        ..Session::default()
    };
    Record::Session(Box::new(FeaturedSession { session, features, provenance: None })).into()
}

fn append(store: &MemoryStore, first: usize, sessions: usize) -> Seq {
    let records = (first..first + sessions).map(session).collect();
    store.append(records, Timestamp(1_700_000_000_000_000 + first as i64)).wait().unwrap();
    store.watermark().unwrap()
}

fn loader(store: &Arc<MemoryStore>) -> LoaderActor {
    let size = PoolSize { name: "loader", slots: 1, queue_capacity: 4, max_abandoned: 1, retry_after_ms: 1 };
    let settings = LoaderSettings { memory_limit_bytes: 4 << 30, ..LoaderSettings::default() };
    let pool = Arc::new(Pool::new(size).unwrap());
    LoaderActor::new(store.clone(), pool, Arc::new(ManualClock::default()), settings)
}

async fn ask(port: &Port<LoaderActor>, query: &Query) -> Arc<TrainingBatch> {
    port.ask(GetTrainingBatch::new("bench", query.clone())).unwrap().within(LONG).await.unwrap().unwrap()
}

fn views() -> [(&'static str, Query); 2] {
    [("sessions", Query::all_features()), ("applications", Query::all_data())]
}

fn warm(group: &mut BenchmarkGroup<'_, WallTime>, system: &actix::SystemRunner, store: &Arc<MemoryStore>) {
    let actor = loader(store);
    let without_mailbox = actor.warm();
    let near = system.block_on(async { Port::new(actor.start(), 64, 1) });
    let arbiter = Arbiter::new();
    let (sender, receiver) = mpsc::channel();
    let elsewhere = Arc::clone(store);
    arbiter.spawn_fn(move || sender.send(Port::new(loader(&elsewhere).start(), 64, 1)).unwrap());
    let far = receiver.recv().unwrap();
    for (view, query) in views() {
        let batch = system.block_on(ask(&near, &query));
        group.bench_function(format!("warm/{view}/any_thread_as_the_handle_asks"), |bencher| {
            bencher.iter(|| {
                let again = without_mailbox.get(&query);
                debug_assert!(again.as_ref().is_some_and(|again| Arc::ptr_eq(again, &batch)));
                black_box(again)
            });
        });
        assert!(without_mailbox.get(&query).is_some_and(|again| Arc::ptr_eq(&again, &batch)));
        for (place, port) in [("same_thread", &near), ("other_thread", &far)] {
            let batch = system.block_on(ask(port, &query));
            group.bench_function(format!("warm/{view}/{place}"), |bencher| {
                bencher.iter(|| {
                    let again = system.block_on(ask(port, &query));
                    debug_assert!(Arc::ptr_eq(&again, &batch));
                    black_box(again)
                });
            });
        }
    }
    arbiter.stop();
}

fn cold(
    group: &mut BenchmarkGroup<'_, WallTime>,
    system: &actix::SystemRunner,
    store: &Arc<MemoryStore>,
    rows: &Cell<usize>,
) {
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for (view, query) in views() {
        group.bench_function(format!("load_and_first_build/{view}"), |bencher| {
            let fresh = || system.block_on(async { Port::new(loader(store).start(), 64, 1) });
            bencher.iter_batched(fresh, |port| system.block_on(ask(&port, &query)), BatchSize::PerIteration);
        });
        let port = system.block_on(async { Port::new(loader(store).start(), 64, 1) });
        system.block_on(ask(&port, &query));
        group.bench_function(format!("refresh_1000_rows_and_rebuild/{view}"), |bencher| {
            let grow = || {
                // A session and its two applications are three rows.
                let watermark = append(store, rows.get(), 333);
                rows.set(rows.get() + 333);
                watermark
            };
            let refresh = |watermark| {
                port.address().do_send(DataChanged { watermark });
                let batch = system.block_on(ask(&port, &query));
                assert!(batch.version.watermark >= watermark);
                batch
            };
            bencher.iter_batched(grow, refresh, BatchSize::PerIteration);
        });
    }
}

fn benches(criterion: &mut Criterion) {
    let system = System::new();
    for applications in [100_000, 1_000_000] {
        let store = Arc::new(MemoryStore::default());
        let sessions = applications / RULES_PER_SESSION;
        for first in (0..sessions).step_by(10_000) {
            append(&store, first, 10_000);
        }
        let mut group = criterion.benchmark_group(format!("batch_{applications}"));
        group.measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
        warm(&mut group, &system, &store);
        cold(&mut group, &system, &store, &Cell::new(sessions));
        group.finish();
    }
}

criterion_group!(warm_batch, benches);
criterion_main!(warm_batch);
