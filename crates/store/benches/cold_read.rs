//! From the file to columns: opening the store and reading everything the loader needs.
//!
//! `cargo bench -p souffleur-store --bench cold_read`
//!
//! Measured in the same run on the same files, the best a single SQLite connection can do (a bare `sqlite3_step` loop
//! that touches every column) and, where `SOUFFLEUR_PEERS_PYTHON` names a Python with duckdb and its sqlite scanner,
//! DuckDB reading the same columns. The files hold 1e5 and 1e6 rule applications and stay under `target/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]
#![allow(clippy::disallowed_methods, reason = "a benchmark measures time")]

mod history;
mod through_diesel;

use std::ffi::CString;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use libsqlite3_sys as ffi;
use souffleur_core::ids::Seq;
use souffleur_core::store::Store;
use souffleur_store::{Durability, SqliteStore, StoreSettings};

/// The statements of the bare loop and of DuckDB: the columns of a delta.
const SCANS: [&str; 4] = [
    "SELECT seq, event_time, known_time, synthetic, quality_score, improvement_score, schema_hash, features \
     FROM session_features ORDER BY seq",
    "SELECT seq, session_seq, rule_seq, event_time, known_time, improvement_score, confidence, execution_time_ms, \
     propensity FROM rule_applications ORDER BY seq",
    "SELECT seq, session_seq, event_time, known_time, rating FROM user_feedback ORDER BY seq",
    "SELECT seq, rule_id FROM rules ORDER BY seq",
];

const PYTHON: &str = r#"
import duckdb, os, sys, time
from duckdb_extensions import import_extension
import_extension("sqlite_scanner")
path, repeats, scans = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
def read():
    start = time.perf_counter()
    db = duckdb.connect(config={"threads": os.cpu_count()})
    db.execute("SET enable_progress_bar = false; LOAD sqlite_scanner")
    db.execute(f"ATTACH '{path}' AS hub (TYPE sqlite, READ_ONLY); USE hub")
    rows = sum(len(db.execute(scan).fetchnumpy()["seq"]) for scan in scans)
    return rows, time.perf_counter() - start
for _ in range(repeats):
    rows, seconds = read()
    print(rows, seconds)
"#;

fn main() {
    for applications in [100_000, 1_000_000] {
        let path = build(applications);
        let repeats = if applications > 500_000 { 5 } else { 15 };
        // Interleaved, so that a busy machine is busy for all.
        let (mut ours, mut bare, mut diesel) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..repeats {
            ours.push(timed(|| read_store(&path)));
            bare.push(timed(|| read_bare(&path)));
            diesel.push(timed(|| through_diesel::read(path.to_str().unwrap())));
        }
        let others = [("sqlite3_step", bare), ("diesel", diesel), ("DuckDB", read_duckdb(&path, repeats))];
        let (rows, best, median) = summary(&ours);
        println!("{applications} rule applications, {rows} rows, {repeats} runs");
        println!(
            "  {:<14}{:>10.0} rows/s  median {:>7.1} ms  best {:>7.1} ms",
            "store",
            rows as f64 / median * 1e3,
            median,
            best
        );
        for (name, runs) in others.into_iter().filter(|(_, runs)| !runs.is_empty()) {
            let (same_rows, other_best, other_median) = summary(&runs);
            assert_eq!(rows, same_rows, "all must read the same rows");
            println!(
                "  {name:<14}{:>10.0} rows/s  median {other_median:>7.1} ms  best {other_best:>7.1} ms  \
                 store is {:.2} times as fast (best: {:.2})",
                rows as f64 / other_median * 1e3,
                other_median / median,
                other_best / best
            );
        }
    }
}

fn timed(read: impl FnOnce() -> usize) -> (usize, f64) {
    let start = Instant::now();
    let rows = read();
    (rows, start.elapsed().as_secs_f64())
}

/// Rows, best and median time in milliseconds.
fn summary(runs: &[(usize, f64)]) -> (usize, f64, f64) {
    let mut times: Vec<_> = runs.iter().map(|(_, seconds)| seconds * 1e3).collect();
    times.sort_by(f64::total_cmp);
    (runs[0].0, times[0], times[times.len() / 2])
}

/// Makes the file with this many rule applications, unless an earlier run left it.
fn build(applications: usize) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cold_read");
    let path = directory.join(format!("souffleur_{applications}.db"));
    if path.exists() {
        return path;
    }
    std::fs::create_dir_all(&directory).unwrap();
    let unfinished = path.with_extension("part");
    let _ = std::fs::remove_file(&unfinished);
    let settings = StoreSettings { durability: Durability::Normal, ..StoreSettings::default() };
    let store = SqliteStore::open(&unfinished, settings).unwrap();
    // Three applications in every two sessions.
    for from in (0..applications * 2 / 3).step_by(4000) {
        let count = 4000.min(applications * 2 / 3 - from);
        store.append(history::sessions(from, count), history::NOW).wait().unwrap();
    }
    drop(store);
    std::fs::rename(&unfinished, &path).unwrap();
    path
}

fn read_store(path: &Path) -> usize {
    let store = SqliteStore::open(path, StoreSettings::default()).unwrap();
    let delta = black_box(store.delta(Seq::ZERO, usize::MAX).unwrap());
    assert!(!delta.more);
    delta.sessions.seq.len() + delta.applications.seq.len() + delta.feedback.seq.len() + delta.rules.len()
}

/// Opens, steps through every scan, touches every column, keeps nothing.
fn read_bare(path: &Path) -> usize {
    let c_path = CString::new(path.as_os_str().as_encoded_bytes()).unwrap();
    let mut database = std::ptr::null_mut();
    let (mut rows, mut sum) = (0, 0.0);
    // SAFETY: handles are used between their opening and closing, on one thread; texts are C strings that live on;
    // column pointers are read before the next step, within the length SQLite gives.
    unsafe {
        let flags = ffi::SQLITE_OPEN_READONLY | ffi::SQLITE_OPEN_NOMUTEX;
        assert_eq!(ffi::sqlite3_open_v2(c_path.as_ptr(), &raw mut database, flags, std::ptr::null()), ffi::SQLITE_OK);
        for scan in SCANS {
            let text = CString::new(scan).unwrap();
            let mut statement = std::ptr::null_mut();
            let code = ffi::sqlite3_prepare_v2(database, text.as_ptr(), -1, &raw mut statement, std::ptr::null_mut());
            assert_eq!(code, ffi::SQLITE_OK);
            let columns = ffi::sqlite3_column_count(statement);
            while ffi::sqlite3_step(statement) == ffi::SQLITE_ROW {
                rows += 1;
                for column in 0..columns {
                    sum += match ffi::sqlite3_column_type(statement, column) {
                        ffi::SQLITE_BLOB | ffi::SQLITE_TEXT => {
                            let at = ffi::sqlite3_column_blob(statement, column).cast::<u8>();
                            f64::from(*at.add(ffi::sqlite3_column_bytes(statement, column) as usize - 1))
                        }
                        ffi::SQLITE_INTEGER => ffi::sqlite3_column_int64(statement, column) as f64,
                        _ => ffi::sqlite3_column_double(statement, column),
                    };
                }
            }
            ffi::sqlite3_finalize(statement);
        }
        ffi::sqlite3_close(database);
    }
    black_box(sum);
    rows
}

/// DuckDB's runs, in a process of its own; none where no Python is named.
fn read_duckdb(path: &Path, repeats: usize) -> Vec<(usize, f64)> {
    let Some(python) = std::env::var_os("SOUFFLEUR_PEERS_PYTHON") else {
        println!("DuckDB is left out: SOUFFLEUR_PEERS_PYTHON names no Python");
        return Vec::new();
    };
    let mut command = Command::new(python);
    command.args(["-c", PYTHON]).arg(path).arg(repeats.to_string()).args(SCANS);
    let output = command.output().expect("SOUFFLEUR_PEERS_PYTHON can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let run = |line: &str| {
        let (rows, seconds) = line.split_once(' ').unwrap();
        (rows.parse().unwrap(), seconds.parse().unwrap())
    };
    text.lines().map(run).collect()
}
