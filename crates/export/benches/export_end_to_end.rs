//! How fast a hub becomes a Parquet file and a file becomes a hub: SQLite -> Parquet -> SQLite, with all that belongs to
//! either: rules and feedback joined, rows encoded, compressed, sealed; checked, decoded, validated, featurised, committed.
//!
//! Prints rates and the peak memory of the process in each direction, and holds the copy's own export against the first
//! file: the same bytes are the same sessions. Beside them, where `SOUFFLEUR_PEERS_PYTHON` names a Python with duckdb, what
//! DuckDB needs to read the same file into a table and to write that table as Parquet; it has no rows to check, no features
//! to compute and nothing to commit, so it shows what a file of this size costs. `SOUFFLEUR_BENCH_SESSIONS` sets the size.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark measures by the clock, prints, and ends where something fails"
)]

use std::collections::VecDeque;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use souffleur_core::clock::Clock;
use souffleur_core::features;
use souffleur_core::job::Job;
use souffleur_core::store::{Append, Commit, FeaturedSession, Receipt, Record, Store, StoreError};
use souffleur_core::time::Timestamp;
use souffleur_export::{Export, ExportFormat, Shape, StorePages, Written};
use souffleur_import::{ImportSettings, Importer, OnError, Source};
use souffleur_simulator::{SimulationSettings, simulate};
use souffleur_store::{SqliteStore, StoreSettings};

const SESSIONS: u64 = 1_000_000;
const BATCH: usize = 1_000;
/// Commits on their way while the next batch is read.
const COMMITS_IN_FLIGHT: usize = 4;

const DUCKDB: &str = "
import sys, time, duckdb
source, target = sys.argv[1:]
db = duckdb.connect()
db.execute('SET threads = 2')
db.execute('SET enable_progress_bar = false')
start = time.perf_counter()
db.execute(f\"CREATE TABLE t AS SELECT * FROM read_parquet('{source}')\")
read = time.perf_counter() - start
rows = db.execute('SELECT count(*) FROM t').fetchone()[0]
start = time.perf_counter()
db.execute(f\"COPY t TO '{target}' (FORMAT parquet, COMPRESSION snappy)\")
print(rows, read, time.perf_counter() - start, duckdb.__version__)
";

struct BenchClock(Instant);

impl Clock for BenchClock {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

fn job() -> Job {
    Job::new(Arc::new(BenchClock(Instant::now())), 0)
}

fn open(path: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(path, StoreSettings::default()).unwrap())
}

/// Commits a batch without waiting for it, but for one of those before it.
fn append(store: &SqliteStore, flying: &mut VecDeque<Commit<Vec<Receipt>>>, batch: Vec<Append>) {
    flying.push_back(store.append(batch, Timestamp(1)));
    if flying.len() > COMMITS_IN_FLIGHT {
        flying.pop_front().unwrap().wait().unwrap();
    }
}

fn fill(store: &SqliteStore, sessions: u64) {
    let mut flying = VecDeque::new();
    let mut batch = Vec::new();
    for session in simulate(SimulationSettings::steady(sessions, 1)).unwrap() {
        let features = features::extract(&session);
        batch.push(Record::Session(Box::new(FeaturedSession { session, features, provenance: None })).into());
        if batch.len() == BATCH {
            append(store, &mut flying, std::mem::take(&mut batch));
        }
    }
    append(store, &mut flying, batch);
    flying.into_iter().for_each(|commit| drop(commit.wait().unwrap()));
}

fn export(store: &Arc<SqliteStore>, path: &Path) -> (Written, Duration) {
    let start = Instant::now();
    let pages = StorePages::now(Arc::clone(store) as Arc<dyn Store>).unwrap();
    let format = ExportFormat { shape: Shape::Parquet, gzip: false };
    let written = Export::new(pages, format, None).to_path(path, &job(), |_| ()).unwrap();
    (written, start.elapsed())
}

fn import(store: &SqliteStore, path: &Path) -> (u64, Duration) {
    let start = Instant::now();
    let mut flying = VecDeque::new();
    let sink = |batch| -> Result<(), StoreError> {
        append(store, &mut flying, batch);
        Ok(())
    };
    let settings = ImportSettings { on_error: OnError::Skip, ..ImportSettings::default() };
    let summary = Importer::new(Source::path(path), None, settings).run(&job(), sink, |_| ()).unwrap();
    flying.into_iter().for_each(|commit| drop(commit.wait().unwrap()));
    assert_eq!((summary.progress.errors, summary.incomplete), (0, false));
    (summary.progress.sessions, start.elapsed())
}

/// Forgets the peak memory so far, where the system can.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Peak resident memory of this process in MB since it was forgotten, where the system tells it.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kb.map_or(String::new(), |kb| format!(", peak memory {:.0} MB", kb * 1024.0 / 1e6))
}

fn same_bytes(first: &Path, second: &Path) -> bool {
    std::fs::read(first).unwrap() == std::fs::read(second).unwrap()
}

fn duckdb(folder: &Path, file: &Path, sessions: u64) {
    let Some(python) = std::env::var_os("SOUFFLEUR_PEERS_PYTHON") else {
        println!("DuckDB is left out: SOUFFLEUR_PEERS_PYTHON names no Python");
        return;
    };
    let output = Command::new(python).args(["-c", DUCKDB]).arg(file).arg(folder.join("duckdb.parquet")).output();
    let output = output.expect("SOUFFLEUR_PEERS_PYTHON can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let said: Vec<&str> = said.split_whitespace().collect();
    assert_eq!(said[0].parse::<u64>().unwrap(), sessions, "DuckDB sees the same rows");
    let rate = |seconds: &str| sessions as f64 / seconds.parse::<f64>().unwrap();
    let (version, bytes) = (said[3], std::fs::metadata(folder.join("duckdb.parquet")).unwrap().len());
    println!("DuckDB {version} reads the file into a table: {:.0} sessions/s", rate(said[1]));
    println!("DuckDB {version} writes the table: {:.0} sessions/s, {:.0} MB", rate(said[2]), bytes as f64 / 1e6);
}

fn main() {
    let sessions = std::env::var("SOUFFLEUR_BENCH_SESSIONS").map_or(SESSIONS, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (file, again) = (folder.path().join("history.parquet"), folder.path().join("again.parquet"));
    let store = open(&folder.path().join("first.db"));
    fill(&store, sessions);
    forget_peak();
    let (written, took) = export(&store, &file);
    assert_eq!(written.sessions, sessions);
    let rate = |took: Duration| sessions as f64 / took.as_secs_f64();
    let mb = written.bytes as f64 / 1e6;
    println!("out: {sessions} sessions in {took:.1?} = {:.0} sessions/s, {mb:.0} MB{}", rate(took), peak_memory());
    store.close();
    let copy = open(&folder.path().join("second.db"));
    forget_peak();
    let (imported, took) = import(&copy, &file);
    assert_eq!(imported, sessions);
    println!("in: {sessions} sessions in {took:.1?} = {:.0} sessions/s{}", rate(took), peak_memory());
    export(&copy, &again);
    assert!(same_bytes(&file, &again), "the copy's export differs from the first");
    println!("the copy's export has the same bytes: all sessions are equal");
    duckdb(folder.path(), &file, sessions);
}
