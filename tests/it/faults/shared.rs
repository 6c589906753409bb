//! Two runtimes on one PostgreSQL database, one or the other killed (`kill -9`) at random moments, again and again: every
//! training job is done, and done once.
//!
//! A job is what a component's cadence asks for: so many new rows since its newest model. It is done once if between two
//! models of a component at least that many rows lie, whichever runtime trained them, and done at all if in the end fewer
//! are left.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use souffleur::settings::Sources;
use souffleur::{Runtime, Settings};
use souffleur_cluster::Cluster;
use souffleur_core::ids::Seq;
use souffleur_core::store::{RunRow, RunState, Store};
use souffleur_store::{PostgresStore, StoreSettings};

use super::ledger::{Dice, session};
use crate::sample;

/// Kills. `SOUFFLEUR_TEST_KILLS` sets another number.
const KILLS: u64 = 200;

/// Longest time from one kill to the next.
const LIFE_MS: u64 = 400;

/// Tells a child what to do: `write` or `rest`, a name for its sessions, the database.
const CHILD: &str = "SOUFFLEUR_SHARED_CHILD";

const COMPONENTS: [&str; 3] = ["eager_0", "eager_1", "eager_2"];

/// How long their training takes: some kills are to hit the middle of it.
const WORK_MS: [&str; 3] = ["0", "20", "60"];

/// Not a test of its own: what the test below starts and kills. Asked by nobody, it does nothing.
#[test]
fn runtime_on_a_shared_database_until_it_is_killed() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let words: Vec<&str> = order.split(' ').collect();
    let [task, prefix, url] = words[..] else { panic!("an order has three words") };
    let catalogue: Vec<_> = COMPONENTS.into_iter().map(sample::eager).collect();
    let mut sources = Sources::new().set("store.url", url, "test").set("store.retry_after_ms", "5", "test");
    for (name, work_ms) in COMPONENTS.into_iter().zip(WORK_MS) {
        sources = sources.set(format!("components.{name}.work_ms"), work_ms, "test");
    }
    let settings = Settings::load(&sources, &catalogue).unwrap();
    let runtime = Runtime::builder().settings(settings).components(catalogue).start_blocking().unwrap();
    let executor = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut dice = Dice(prefix.bytes().map(u64::from).sum());
    for n in 0.. {
        if task == "rest" {
            std::thread::sleep(Duration::from_secs(1));
            continue;
        }
        let names: Vec<String> = (0..1 + dice.roll(6)).map(|i| format!("{prefix}-{n}-{i}")).collect();
        let sessions = names.iter().map(|name| serde_json::from_value(session(name, &mut dice)).unwrap());
        executor.block_on(runtime.ingest(sessions.collect())).unwrap();
        names.iter().for_each(|name| println!("kept {name}"));
        std::thread::sleep(Duration::from_millis(dice.roll(8)));
    }
}

/// A running child and whoever reads what it says.
struct Life {
    child: Child,
    reader: JoinHandle<Vec<String>>,
}

impl Life {
    fn begin(task: &str, prefix: &str, url: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "faults::shared::runtime_on_a_shared_database_until_it_is_killed", "--nocapture"])
            .env(CHILD, format!("{task} {prefix} {url}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || {
            let (mut kept, mut line) = (Vec::new(), String::new());
            while lines.read_line(&mut line).unwrap() > 0 {
                // The harness' own lines come in between; a line cut off by the kill was not acknowledged.
                if let Some((_, name)) = line.strip_suffix('\n').and_then(|line| line.split_once("kept ")) {
                    kept.push(name.to_owned());
                }
                line.clear();
            }
            kept
        });
        Self { child, reader }
    }

    /// Ends by force what has not ended by itself, and gives what was acknowledged.
    fn end(mut self) -> Vec<String> {
        if let Some(status) = self.child.try_wait().unwrap() {
            let mut said = String::new();
            std::io::Read::read_to_string(&mut self.child.stderr.take().unwrap(), &mut said).unwrap();
            panic!("a runtime ended by itself ({status}): {said}");
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.reader.join().unwrap()
    }
}

#[test]
fn every_training_job_is_done_once_whoever_is_killed() {
    let Some(cluster) = Cluster::for_test() else { return };
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = number("SOUFFLEUR_TEST_SEED").unwrap_or(0x51u64);
    let kills = number("SOUFFLEUR_TEST_KILLS").unwrap_or(KILLS);
    println!("seed {seed}; repeat with SOUFFLEUR_TEST_SEED={seed}");
    let url = cluster.database().unwrap();
    let began = Instant::now();
    let mut dice = Dice(seed);
    let mut acknowledged = Vec::new();
    let mut lives = [0, 1].map(|n| Life::begin("write", &format!("first{n}"), &url));
    for cycle in 0..kills {
        std::thread::sleep(Duration::from_millis(dice.roll(LIFE_MS)));
        let next = Life::begin("write", &format!("c{cycle}"), &url);
        let victim = std::mem::replace(&mut lives[dice.roll(2) as usize], next);
        acknowledged.extend(victim.end());
    }
    let lives = lives.map(|last| {
        acknowledged.extend(last.end());
        Life::begin("rest", "none", &url)
    });
    let store = PostgresStore::connect(&url, StoreSettings::default()).unwrap();
    let rows = learnable_rows(&store);
    let deadline = Instant::now() + Duration::from_secs(30);
    while COMPONENTS.iter().any(|name| left(&rows, &models(&store, name)) >= sample::EAGER_ROWS) {
        assert!(Instant::now() < deadline, "a job was never done");
        std::thread::sleep(Duration::from_millis(20));
    }
    let ended = |state| {
        COMPONENTS.iter().flat_map(|name| store.runs(name, 10_000).unwrap()).filter(|run| run.state == state).count()
    };
    println!(
        "{kills} kills in {:.1} s: {} sessions acknowledged; runs: {} succeeded, {} failed, {} cut off",
        began.elapsed().as_secs_f64(),
        acknowledged.len(),
        ended(RunState::Succeeded),
        ended(RunState::Failed) + ended(RunState::Cancelled),
        ended(RunState::Abandoned),
    );
    for name in COMPONENTS {
        let mut before = Seq::ZERO;
        for watermark in models(&store, name) {
            let new = between(&rows, before, watermark);
            assert!(new >= sample::EAGER_ROWS, "{name} was trained for {new} new rows (up to {watermark:?})");
            before = watermark;
        }
    }
    assert_eq!(ended(RunState::Failed), 0, "no run has a reason to fail");
    assert!(ended(RunState::Succeeded) as u64 > kills / 4, "hardly anything was trained");
    let lost: Vec<_> = acknowledged.iter().filter(|name| store.session_seq(name).unwrap().is_none()).collect();
    assert!(lost.is_empty(), "acknowledged, and lost: {lost:?}");
    lives.into_iter().for_each(|life| drop(life.end()));
    store.close();
}

/// Every row a component can learn from, in order.
fn learnable_rows(store: &dyn Store) -> Vec<i64> {
    let delta = store.delta(Seq::ZERO, usize::MAX).unwrap();
    let mut rows = [delta.sessions.seq, delta.applications.seq, delta.feedback.seq].concat();
    rows.sort_unstable();
    rows
}

/// How far the data of a component's models reached, in the order of their commits.
fn models(store: &dyn Store, component: &str) -> Vec<Seq> {
    let mut runs: Vec<RunRow> = store.runs(component, 100_000).unwrap();
    runs.retain(|run| run.state == RunState::Succeeded);
    runs.sort_by_key(|run| run.epoch.0);
    runs.into_iter().filter_map(|run| Some(run.version?.watermark)).collect()
}

/// Rows after `after` up to `until`.
fn between(rows: &[i64], after: Seq, until: Seq) -> u64 {
    let up_to = |seq: Seq| rows.partition_point(|row| *row <= seq.0);
    up_to(until).saturating_sub(up_to(after)) as u64
}

/// Rows no model has learnt from.
fn left(rows: &[i64], models: &[Seq]) -> u64 {
    between(rows, models.last().copied().unwrap_or(Seq::ZERO), Seq(i64::MAX))
}
