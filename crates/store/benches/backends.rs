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

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use souffleur_cluster::Cluster;
use souffleur_core::ids::Seq;
use souffleur_core::store::{Append, Store};
use souffleur_store::{PostgresStore, SqliteStore, StoreSettings};

const SESSIONS: usize = 20_000;

/// Sessions in a request, and how many requests are under way: few sessions as clients send them, many as an importer
/// does.
const CASES: [(usize, usize); 4] = [(1, 3), (1, 64), (100, 3), (5000, 3)];

/// Requests of an importer that are under way.
const IMPORTERS: usize = 3;

/// Appends batches; so many are under way, and the next is handed in as soon as the oldest is answered.
fn append_all(store: &dyn Store, batches: Vec<Vec<Append>>, under_way: usize) {
    let mut waiting = VecDeque::new();
    for batch in batches {
        waiting.push_back(store.append(batch, history::NOW));
        if waiting.len() >= under_way {
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
    /// The address of the one on PostgreSQL.
    url: Option<String>,
    _directory: tempfile::TempDir,
}

fn stores() -> Stores {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("souffleur.db");
    let sqlite = SqliteStore::open(&path, StoreSettings::default()).unwrap();
    let mut named: Vec<(_, Box<dyn Store>)> = vec![("sqlite", Box::new(sqlite))];
    let url = Cluster::for_test().map(|cluster| cluster.database().unwrap());
    if let Some(url) = &url {
        named.push(("postgres", Box::new(PostgresStore::connect(url, StoreSettings::default()).unwrap())));
    }
    Stores { named, url, _directory: directory }
}

diesel::table! {
    bare (number) {
        number -> BigInt,
    }
}

/// What no client of the server can beat: a transaction that inserts one number, and the next once it is committed.
fn bare(group: &mut BenchmarkGroup<'_, WallTime>, url: &str) {
    let mut connection = PgConnection::establish(url).unwrap();
    connection.batch_execute("CREATE TABLE bare (number BIGINT PRIMARY KEY)").unwrap();
    let mut next = 0_i64;
    group.throughput(Throughput::Elements(1));
    group.bench_function("postgres/a bare transaction of one INSERT", |bencher| {
        bencher.iter(|| {
            next += 1;
            diesel::insert_into(bare::table).values(bare::number.eq(next)).execute(&mut connection).unwrap();
        });
    });
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append_on");
    group.sample_size(10);
    for (batch, under_way) in CASES {
        // Small requests wait for the disk: fewer of them tell as much.
        let sessions = SESSIONS.min(batch * under_way * 130);
        let stores = stores();
        if (batch, under_way) == CASES[0]
            && let Some(url) = &stores.url
        {
            bare(&mut group, url);
        }
        group.throughput(Throughput::Elements(sessions as u64));
        for (name, store) in &stores.named {
            let mut next = 0;
            let id = BenchmarkId::new(*name, format!("{batch}, {under_way} under way"));
            group.bench_function(id, |bencher| {
                bencher.iter_batched(
                    || {
                        next += sessions;
                        (next - sessions..next).step_by(batch).map(|from| history::sessions(from, batch)).collect()
                    },
                    |batches| append_all(store.as_ref(), batches, under_way),
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
        let batches = (0..SESSIONS).step_by(5000).map(|from| history::sessions(from, 5000)).collect();
        append_all(store.as_ref(), batches, IMPORTERS);
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
