//! The same history appended to SQLite and to PostgreSQL, and read back from both.
//!
//! `cargo bench -p souffleur-store --features postgres --bench backends`
//!
//! Both make every answered write durable. PostgreSQL runs on the same machine, in a private cluster with the settings
//! it comes with; without PostgreSQL that half is left out, in words.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark measures by the clock, prints, and ends where something fails"
)]

mod history;

use std::collections::VecDeque;
use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use souffleur_cluster::Cluster;
use souffleur_core::ids::Seq;
use souffleur_core::store::{Append, Store};
use souffleur_store::{PostgresStore, SqliteStore, StoreSettings};

const SESSIONS: usize = 20_000;

/// Sessions in a request: one as a client sends it, many as an importer does.
const BATCHES: [usize; 3] = [1, 100, 5000];

/// Requests of which the newest are not waited for.
const IN_FLIGHT: usize = 3;

/// Appends batches as an importer does: the next is handed in while the last is written.
fn append_all(store: &dyn Store, batches: Vec<Vec<Append>>) {
    let mut waiting = VecDeque::new();
    for batch in batches {
        waiting.push_back(store.append(batch, history::NOW));
        if waiting.len() >= IN_FLIGHT {
            black_box(waiting.pop_front().unwrap().wait().unwrap());
        }
    }
    for commit in waiting {
        black_box(commit.wait().unwrap());
    }
}

/// Stores, fresh, with what must live as long as they do.
struct Stores {
    named: Vec<(&'static str, Box<dyn Store>)>,
    _directory: tempfile::TempDir,
}

fn stores() -> Stores {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("souffleur.db");
    let sqlite = SqliteStore::open(&path, StoreSettings::default()).unwrap();
    let mut named: Vec<(_, Box<dyn Store>)> = vec![("sqlite", Box::new(sqlite))];
    if let Some(cluster) = Cluster::for_test() {
        let url = cluster.database().unwrap();
        named.push(("postgres", Box::new(PostgresStore::connect(&url, StoreSettings::default()).unwrap())));
    }
    Stores { named, _directory: directory }
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append_on");
    group.sample_size(10);
    for batch in BATCHES {
        // Small requests wait for the disk: fewer of them tell as much.
        let sessions = SESSIONS.min(batch * 400);
        group.throughput(Throughput::Elements(sessions as u64));
        let stores = stores();
        for (name, store) in &stores.named {
            let mut next = 0;
            group.bench_function(BenchmarkId::new(*name, batch), |bencher| {
                bencher.iter_batched(
                    || {
                        next += sessions;
                        (next - sessions..next).step_by(batch).map(|from| history::sessions(from, batch)).collect()
                    },
                    |batches| append_all(store.as_ref(), batches),
                    BatchSize::PerIteration,
                );
            });
        }
        stores.named.iter().for_each(|(_, store)| store.close());
    }
    group.finish();
}

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("delta_of");
    let stores = stores();
    for (name, store) in &stores.named {
        append_all(store.as_ref(), (0..SESSIONS).step_by(5000).map(|from| history::sessions(from, 5000)).collect());
        let rows = store.watermark().unwrap().0;
        group.throughput(Throughput::Elements(u64::try_from(rows).unwrap()));
        group.sample_size(10).bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| black_box(store.delta(Seq::ZERO, usize::MAX).unwrap()));
        });
    }
    group.finish();
    stores.named.iter().for_each(|(_, store)| store.close());
}

criterion_group!(benches, append, read);
criterion_main!(benches);
