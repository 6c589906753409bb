//! Layouts of the file: migrations that fail or are killed in the middle, layouts by halves, damage seen from outside.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_core::store::{Claim, Store, StoreError};
use souffleur_store::{SqliteStore, StoreSettings};

use crate::files::{assert_sound, execute};
use crate::records::{NOW, everything, named, run};
use crate::sqlite;
use crate::suite::registry::model;

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, StoreSettings::default())
}

#[test]
fn a_migration_that_fails_in_the_middle_leaves_nothing_and_is_done_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("souffleur.db");
    // Room for some of the tables and not for all of them.
    for pages in [2, 9, 25] {
        let settings = StoreSettings { file_bytes_max: pages * 8192, ..StoreSettings::default() };
        let error = SqliteStore::open(&path, settings).unwrap_err();
        assert!(error.to_string().contains("layout") && error.to_string().contains("full"), "{error}");
        assert_sound(&path);
    }
    let store = open(&path).unwrap();
    store.append(vec![named("a")], NOW).wait().unwrap();
    drop(store);
    assert!(SqliteStore::inspect(&path, |_| None).unwrap().is_sound());
}

#[test]
fn an_older_layout_is_brought_up_to_date_or_left_as_it_was() {
    let (store, _keep) = sqlite::open();
    store.append(vec![named("a")], NOW).wait().unwrap();
    let (path, before) = (store.path().to_owned(), everything(&store));
    drop(store);
    // As the version before left it, but for tables that are in the newest one's way.
    execute(&path, "DELETE FROM __diesel_schema_migrations WHERE version > '20261126000000'");
    let looked = SqliteStore::inspect(&path, |_| None).unwrap();
    assert!(!looked.layouts.pending.is_empty() && looked.layouts.unknown.is_empty(), "{looked:?}");
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("layout") && error.contains("model_versions"), "{error}");
    assert_eq!(SqliteStore::inspect(&path, |_| None).unwrap().layouts, looked.layouts, "it was left as it was");
    execute(&path, include_str!("../../../../migrations/sqlite/2026-11-27-120000_model_manifests/down.sql"));
    execute(&path, include_str!("../../../../migrations/sqlite/2026-11-27-000000_registry/down.sql"));
    let store = open(&path).unwrap();
    assert_eq!(format!("{:?}", everything(&store)), format!("{before:?}"));
    drop(store);
    assert!(SqliteStore::inspect(&path, |_| None).unwrap().is_sound());
}

#[test]
fn manifests_move_to_a_table_of_their_own_and_back() {
    let (store, _keep) = sqlite::open();
    let seq = model(&store, "k_means", "r1", &[1; 40], true);
    let (path, before) = (store.path().to_owned(), store.registry().unwrap().manifest(seq).unwrap());
    assert!(before.is_some());
    drop(store);
    execute(&path, include_str!("../../../../migrations/sqlite/2026-11-27-120000_model_manifests/down.sql"));
    execute(&path, "DELETE FROM __diesel_schema_migrations WHERE version = '20261127120000'");
    let store = open(&path).unwrap();
    assert_eq!(store.registry().unwrap().manifest(seq).unwrap(), before);
    assert!(store.registry().unwrap().is_snapshot(seq, &[1; 40]).unwrap());
}

#[test]
fn a_layout_by_halves_is_refused_with_what_it_lacks() {
    for (damage, lacks) in [
        ("DROP TABLE lineage", "column lineage.rows"),
        ("ALTER TABLE leases DROP COLUMN holder", "column leases.holder"),
        ("DROP INDEX runs_by_component", "index runs_by_component"),
    ] {
        let (store, _keep) = sqlite::open();
        let path = store.path().to_owned();
        drop(store);
        execute(&path, damage);
        let error = open(&path).unwrap_err();
        assert!(matches!(&error, StoreError::Incompatible(text) if text.contains(lacks)), "{damage}: {error}");
        let looked = SqliteStore::inspect(&path, |_| None).unwrap();
        assert!(!looked.is_sound() && looked.flaws.iter().any(|flaw| flaw.contains(lacks)), "{looked:?}");
    }
}

#[test]
fn a_damaged_model_is_told_by_name() {
    let (store, _keep) = sqlite::open();
    let mut ids = Vec::new();
    for (component, run_id) in [("k_means", "r1"), ("k_means", "r2"), ("gbdt", "r3")] {
        let lease = store.claim(Claim::new(component, run_id, NOW, 60_000)).wait().unwrap();
        let mut run = run(lease);
        run.seed = ids.len() as u64;
        ids.push(store.commit_run(run).wait().unwrap().model_id);
    }
    let path = store.path().to_owned();
    let looked = SqliteStore::inspect(&path, |_| None).unwrap();
    assert!(looked.is_sound() && looked.models == 3, "{looked:?}");
    execute(&path, &format!("UPDATE models SET snapshot = x'010204' WHERE model_id = '{}'", ids[0]));
    let looked = SqliteStore::inspect(&path, |_| None).unwrap();
    assert_eq!(looked.damaged_models.len(), 1, "{looked:?}");
    assert_eq!(looked.damaged_models[0].model_id, ids[0]);
    // Only the newest model of a component is asked for more than its content.
    let looked = SqliteStore::inspect(&path, |model| Some(format!("odd {}", model.component))).unwrap();
    let told: Vec<_> = looked.damaged_models.iter().map(|model| model.model_id.as_str()).collect();
    assert_eq!(told, [&ids[2], &ids[1], &ids[0]]);
}

#[test]
fn damaged_pages_are_found_from_outside() {
    let (store, _keep) = sqlite::open();
    store.append((0..200).map(|n| named(&format!("s{n}"))).collect(), NOW).wait().unwrap();
    let path = store.path().to_owned();
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 8192 * 8192;
    bytes[middle..middle + 4096].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    match SqliteStore::inspect(&path, |_| None) {
        Ok(looked) => assert!(!looked.flaws.is_empty(), "{looked:?}"),
        Err(error) => assert!(error.to_string().contains("malformed"), "{error}"),
    }
    let foreign = path.with_file_name("other.db");
    execute(&foreign, "CREATE TABLE notes (text TEXT)");
    assert!(matches!(SqliteStore::inspect(&foreign, |_| None), Err(StoreError::Incompatible(_))));
    assert!(SqliteStore::inspect(&path.with_file_name("none.db"), |_| None).is_err());
    assert!(!path.with_file_name("none.db").exists(), "looking makes no file");
}

/// Tells the child which file to make.
const CHILD: &str = "SOUFFLEUR_STORE_MIGRATION_CHILD";

/// Not a test of its own: what [`a_migration_killed_in_the_middle_is_recovered`] starts and kills.
#[test]
fn child_that_makes_databases_until_it_is_killed() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    for n in 0.. {
        drop(open(&Path::new(&directory).join(format!("{n}.db"))).unwrap());
    }
}

#[test]
fn a_migration_killed_in_the_middle_is_recovered() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(20_261_127);
    let mut unfinished = 0;
    for _ in 0..15 {
        let directory = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "layouts::child_that_makes_databases_until_it_is_killed", "--nocapture"])
            .env(CHILD, directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while !directory.path().join("0.db").exists() {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_micros(random.gen_range(0..40_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut files: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "db"));
        for path in files {
            unfinished += usize::from(SqliteStore::inspect(&path, |_| None).is_err());
            let store = open(&path).unwrap();
            store.append(vec![named("a")], NOW).wait().unwrap();
            drop(store);
            assert!(SqliteStore::inspect(&path, |_| None).unwrap().is_sound(), "{}", path.display());
        }
    }
    println!("{unfinished} of the killed were in the middle of their first layout");
}
