//! How fast a compressed history becomes committed rows: gz JSON lines -> parsed, validated, featurised, committed.
//!
//! Prints the median of several imports, each into a fresh database, and the peak memory of the whole process. The
//! real history is used where it is present (`SOUFFLEUR_SHARED` or `../shared`), a simulated one always.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods, missing_docs)]

use std::collections::VecDeque;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use souffleur_core::clock::Clock;
use souffleur_core::job::Job;
use souffleur_core::store::{Commit, Receipt, Store, StoreError};
use souffleur_core::time::Timestamp;
use souffleur_import::{ImportSettings, Importer, Mapping, Source};
use souffleur_simulator::{SimulationSettings, simulate};
use souffleur_store::{SqliteStore, StoreSettings};

const RUNS: usize = 5;
const SIMULATED: u64 = 65_846;
/// Commits on their way while the next batch is parsed.
const COMMITS_IN_FLIGHT: usize = 4;

struct BenchClock(Instant);

impl Clock for BenchClock {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

fn import(file: &Path, mapping: Option<&Mapping>) -> (u64, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("souffleur.db"), StoreSettings::default()).unwrap();
    let job = Job::new(Arc::new(BenchClock(Instant::now())), 0);
    let mut flying: VecDeque<Commit<Vec<Receipt>>> = VecDeque::new();
    let start = Instant::now();
    let sink = |batch| -> Result<(), StoreError> {
        flying.push_back(store.append(batch, Timestamp(1)));
        match flying.len() > COMMITS_IN_FLIGHT {
            true => flying.pop_front().unwrap().wait().map(|_| ()),
            false => Ok(()),
        }
    };
    let importer = Importer::new(Source::path(file), mapping.cloned(), ImportSettings::default());
    let summary = importer.run(&job, sink, |_| ()).unwrap();
    for commit in flying {
        commit.wait().unwrap();
    }
    let took = start.elapsed();
    assert_eq!(summary.progress.errors, 0);
    assert_eq!(store.counts().unwrap().sessions, summary.progress.sessions);
    (summary.progress.sessions, took)
}

/// Peak resident memory of this process in MB, where the system tells it.
fn peak_memory_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? * 1024.0 / 1e6)
}

fn measure(name: &str, file: &Path, mapping: Option<&Mapping>) {
    let mut runs: Vec<(u64, Duration)> = (0..RUNS).map(|_| import(file, mapping)).collect();
    runs.sort_by_key(|(_, took)| *took);
    let (sessions, median) = runs[RUNS / 2];
    let rate = sessions as f64 / median.as_secs_f64();
    let memory = peak_memory_mb().map_or(String::new(), |mb| format!(", peak memory {mb:.0} MB"));
    println!("{name}: {sessions} sessions in {:.2} s = {rate:.0} sessions/s{memory}", median.as_secs_f64());
}

fn simulated(folder: &Path) -> PathBuf {
    let path = folder.join("simulated.jsonl.gz");
    let mut encoder = GzEncoder::new(std::fs::File::create(&path).unwrap(), Compression::default());
    for session in simulate(SimulationSettings::steady(SIMULATED, 1)).unwrap() {
        writeln!(encoder, "{}", serde_json::to_string(&session).unwrap()).unwrap();
    }
    encoder.finish().unwrap();
    path
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("SOUFFLEUR_SHARED").map_or(root.join("../shared"), PathBuf::from);
    let history = shared.join("data/history/prompt_history.jsonl.gz");
    if history.exists() {
        let mapping = std::fs::read_dir(root.join("config/mappings")).unwrap();
        let mapping = mapping.map(|e| e.unwrap().path()).find(|p| p.extension().is_some_and(|e| e == "toml")).unwrap();
        measure("real history, through its mapping", &history, Some(&Mapping::read(mapping).unwrap()));
    } else {
        println!("skipped: no real history (SOUFFLEUR_SHARED)");
    }
    let folder = tempfile::tempdir().unwrap();
    measure("simulated history, all prompts distinct", &simulated(folder.path()), None);
}
