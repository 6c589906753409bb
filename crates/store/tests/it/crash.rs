//! `kill -9` at random moments: nothing acknowledged is lost, nothing is doubled, the file stays sound.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_core::store::Store;
use souffleur_store::{Durability, SqliteStore, StoreSettings};

use crate::files::assert_sound;
use crate::records::{NOW, assert_gapless, everything, feedback, keyed, named};

const KILLS: u64 = 20;

/// Tells the child where to write, and which life it is.
const CHILD: &str = "SOUFFLEUR_STORE_CRASH_CHILD";

fn settings(life: u64) -> StoreSettings {
    let durability = if life.is_multiple_of(2) { Durability::Normal } else { Durability::Full };
    // A short log, so that some kills hit a checkpoint.
    StoreSettings { durability, checkpoint_pages: 20, ..StoreSettings::default() }
}

/// Not a test of its own: what [`killed_at_random_moments`] starts and kills. Asked by nobody, it does nothing.
#[test]
fn child_that_appends_until_it_is_killed() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let (life, path) = order.split_once(' ').unwrap();
    let store = SqliteStore::open(Path::new(path), settings(life.parse().unwrap())).unwrap();
    let mut out = std::io::stdout();
    for n in 0.. {
        // Several requests at once, so that they share transactions, of different sizes.
        let requests: Vec<_> = (0..1 + n % 4)
            .map(|part| {
                let names: Vec<_> = (0..1 + n % 3).map(|i| format!("{life}-{n}-{part}-{i}")).collect();
                let mut records: Vec<_> = names.iter().map(|name| named(name)).collect();
                records.push(keyed(&names[0], feedback(&names[0], 5)));
                (names, store.append(records, NOW))
            })
            .collect();
        for (names, commit) in requests {
            commit.wait().unwrap();
            for name in names {
                writeln!(out, "kept {name}").unwrap();
            }
            out.flush().unwrap();
        }
    }
}

/// Runs a child for a while after its first acknowledgement, kills it, and gives what it acknowledged.
fn live_and_die(path: &Path, life: u64, lifetime: Duration) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_that_appends_until_it_is_killed", "--nocapture"])
        .env(CHILD, format!("{life} {}", path.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let (first, started) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let (mut acknowledged, mut line) = (Vec::new(), String::new());
        while lines.read_line(&mut line).unwrap() > 0 {
            // The harness' own lines come in between; a line cut off by the kill was not acknowledged.
            if let Some((_, name)) = line.strip_suffix('\n').and_then(|line| line.split_once("kept ")) {
                acknowledged.push(name.to_owned());
                let _ = first.send(());
            }
            line.clear();
        }
        acknowledged
    });
    started.recv_timeout(Duration::from_secs(60)).expect("the child acknowledges something");
    std::thread::sleep(lifetime);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn killed_at_random_moments() {
    let seed = std::env::var("SOUFFLEUR_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_123);
    println!("seed {seed} (set SOUFFLEUR_SEED for another)");
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("souffleur.db");
    let mut acknowledged = Vec::new();
    for life in 0..KILLS {
        let names = live_and_die(&path, life, Duration::from_micros(random.gen_range(0..80_000)));
        assert!(!names.is_empty());
        acknowledged.extend(names);
        let store = SqliteStore::open(&path, settings(life)).unwrap();
        for name in &acknowledged {
            assert!(
                store.session_seq(name).unwrap().is_some(),
                "session {name} was acknowledged and lost (seed {seed})"
            );
        }
        let (delta, counts) = (everything(&store), store.counts().unwrap());
        assert_gapless(&store);
        assert_eq!(counts.sessions, delta.sessions.seq.len() as u64);
        assert_eq!(counts.rule_applications, 2 * counts.sessions, "no session is kept by halves");
        // Sent again, what was acknowledged is there already: nothing is doubled.
        let last = acknowledged.last().unwrap();
        assert!(store.append(vec![named(last)], NOW).wait().unwrap()[0].duplicate);
        assert_eq!(store.counts().unwrap(), counts);
        drop(store);
        assert_sound(&path);
    }
    println!("{} sessions acknowledged over {KILLS} lives", acknowledged.len());
}
