//! Sessions appended per second, in batches, each batch answered after its commit.
//!
//! `cargo bench -p souffleur-store --bench append`
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod history;

use std::collections::VecDeque;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use souffleur_core::store::{Append, Store};
use souffleur_store::{Durability, SqliteStore, StoreSettings};

const SESSIONS: usize = 20_000;

/// Appends batches as an importer does: the next is handed in while the last is written.
fn append_all(store: &SqliteStore, batches: Vec<Vec<Append>>) {
    let mut waiting = VecDeque::new();
    for batch in batches {
        waiting.push_back(store.append(batch, history::NOW));
        if waiting.len() > 2 {
            black_box(waiting.pop_front().unwrap().wait().unwrap());
        }
    }
    for commit in waiting {
        black_box(commit.wait().unwrap());
    }
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.throughput(Throughput::Elements(SESSIONS as u64)).sample_size(10);
    for durability in [Durability::Normal, Durability::Full] {
        for batch in [2000, 5000] {
            let directory = tempfile::tempdir().unwrap();
            let settings = StoreSettings { durability, ..StoreSettings::default() };
            let store = SqliteStore::open(&directory.path().join("souffleur.db"), settings).unwrap();
            let mut next = 0;
            group.bench_function(format!("{durability:?}/{batch}"), |bencher| {
                bencher.iter_batched(
                    || {
                        next += SESSIONS;
                        (next - SESSIONS..next).step_by(batch).map(|from| history::sessions(from, batch)).collect()
                    },
                    |batches| append_all(&store, batches),
                    BatchSize::PerIteration,
                );
            });
            store.close();
        }
    }
    group.finish();
}

criterion_group!(benches, append);
criterion_main!(benches);
