//! Sessions appended per second, in batches, each batch answered after its commit.
//!
//! `cargo bench -p souffleur-store --bench append`
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod history;
mod through_diesel;

use std::collections::VecDeque;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
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
    let (mut connection, _keep) = diesel_connection();
    let (mut next, mut seq) = (0, 0);
    group.bench_function("rows through diesel/5000", |bencher| {
        bencher.iter_batched(
            || {
                next += SESSIONS;
                (next - SESSIONS..next).step_by(5000).map(|from| history::sessions(from, 5000)).collect()
            },
            |batches: Vec<Vec<Append>>| {
                for batch in batches {
                    through_diesel::append(&mut connection, &batch, &mut seq);
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// A connection set up like the store's own (`Durability::Normal`), to a file with the same tables.
fn diesel_connection() -> (SqliteConnection, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("souffleur.db");
    SqliteStore::open(&path, StoreSettings::default()).unwrap().close();
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let settings = "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 8192; PRAGMA cache_size = -65536; \
                    PRAGMA temp_store = MEMORY";
    connection.batch_execute(settings).unwrap();
    (connection, directory)
}

criterion_group!(benches, append);
criterion_main!(benches);
