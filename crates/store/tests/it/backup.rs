//! Backups: taken while others write, recognised when damaged, put back in one step, whole after a kill.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_core::ids::Seq;
use souffleur_core::store::{Claim, Store};
use souffleur_store::backup::{BackupError, DATABASE, MANIFEST, Manifest, back_up, restore, verify};
use souffleur_store::{SqliteStore, StoreSettings};
use tempfile::TempDir;

use crate::files::assert_sound;
use crate::records::{NOW, assert_gapless, assert_same, everything, named, run};
use crate::sqlite;

static GO_ON: AtomicBool = AtomicBool::new(false);

fn take(database: &Path, to: &Path) -> Manifest {
    back_up(database, to, NOW, &GO_ON).unwrap()
}

fn put_back(backup: &Path, to: &Path, replace: bool) -> Result<Manifest, BackupError> {
    restore(backup, to, OsStr::new("souffleur.lock"), replace, &GO_ON)
}

fn open(directory: &Path) -> SqliteStore {
    SqliteStore::open(&directory.join(DATABASE), StoreSettings::default()).unwrap()
}

/// A store with `sessions` sessions and a model, and a backup of it.
fn backed_up(sessions: usize) -> (SqliteStore, TempDir, PathBuf) {
    let (store, directory) = sqlite::open();
    store.append((0..sessions).map(|n| named(&format!("s{n}"))).collect(), NOW).wait().unwrap();
    let lease = store.claim(Claim::new("k_means", "r1", NOW, 60_000)).wait().unwrap();
    store.commit_run(run(lease)).wait().unwrap();
    let backup = directory.path().join("backup");
    take(store.path(), &backup);
    (store, directory, backup)
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_backup_put_back_is_the_same_hub() {
    let (store, directory, backup) = backed_up(50);
    assert_eq!(names(&backup), [MANIFEST, DATABASE]);
    let manifest = verify(&backup, &GO_ON).unwrap();
    assert_eq!((manifest.watermark, manifest.created), (store.watermark().unwrap(), NOW));
    assert_eq!(names(&backup), [MANIFEST, DATABASE], "looking at it leaves nothing behind");
    // What comes later is not in it.
    let before = everything(&store);
    store.append(vec![named("later")], NOW).wait().unwrap();
    let elsewhere = directory.path().join("elsewhere");
    assert_eq!(put_back(&backup, &elsewhere, false).unwrap(), manifest);
    assert_eq!(names(&elsewhere), [DATABASE]);
    let restored = open(&elsewhere);
    assert_same(&everything(&restored), &before);
    assert_eq!(restored.latest_model("k_means").unwrap(), store.latest_model("k_means").unwrap());
    assert_eq!(restored.inventory().unwrap().tables.len(), store.inventory().unwrap().tables.len());
    assert_eq!(restored.append(vec![named("next")], NOW).wait().unwrap()[0].seq, Seq(before.watermark.0 + 1));
}

#[test]
fn a_backup_taken_under_writers_is_of_one_moment() {
    let (store, directory) = sqlite::open();
    let done = AtomicBool::new(false);
    let manifests: Vec<_> = std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                store.append((0..7).map(|i| named(&format!("{n}-{i}"))).collect(), NOW).wait().unwrap();
                if done.load(Ordering::Acquire) {
                    break;
                }
            }
        });
        while store.watermark().unwrap() < Seq(100) {
            std::thread::yield_now();
        }
        let taken: Vec<_> =
            (0..5).map(|n| back_up(store.path(), &directory.path().join(format!("b{n}")), NOW, &GO_ON)).collect();
        // Whatever came of them: the writer must not write for ever.
        done.store(true, Ordering::Release);
        taken.into_iter().map(Result::unwrap).collect()
    });
    for (n, manifest) in manifests.iter().enumerate() {
        let (backup, to) = (directory.path().join(format!("b{n}")), directory.path().join(format!("to{n}")));
        assert_eq!(verify(&backup, &GO_ON).unwrap(), *manifest);
        put_back(&backup, &to, false).unwrap();
        let restored = open(&to);
        assert_gapless(&restored);
        assert_eq!(restored.watermark().unwrap(), manifest.watermark);
        assert_eq!(restored.counts().unwrap().sessions % 7, 0, "no request is in it by halves");
    }
    assert!(manifests.windows(2).all(|pair| pair[0].watermark < pair[1].watermark), "they were taken while it grew");
}

#[test]
fn damage_of_any_kind_is_found_and_nothing_is_put_back() {
    let (_store, directory, backup) = backed_up(20);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    let (database, manifest) = (backup.join(DATABASE), backup.join(MANIFEST));
    let to = directory.path().join("to");
    for file in [&database, &manifest] {
        let sound = fs::read(file).unwrap();
        let mut damages: Vec<Vec<u8>> = (0..30)
            .map(|_| {
                let mut flipped = sound.clone();
                let bit = 1 << random.gen_range(0..8);
                flipped[random.gen_range(0..sound.len() - 2)] ^= bit;
                flipped
            })
            .collect();
        damages.extend([sound[..sound.len() / 2].to_vec(), Vec::new(), [&sound[..], b"x"].concat()]);
        for damaged in damages {
            fs::write(file, &damaged).unwrap();
            let error = put_back(&backup, &to, false).map(|_| "was put back").unwrap_err();
            let told = matches!(error, BackupError::Damaged { .. } | BackupError::NotABackup { .. });
            assert!(told && error.to_string().contains("backup"), "{error}");
            assert!(!to.exists(), "nothing may be put back");
        }
        fs::remove_file(file).unwrap();
        let error = verify(&backup, &GO_ON).unwrap_err();
        assert!(matches!(error, BackupError::Damaged { .. } | BackupError::NotABackup { .. }), "{error}");
        fs::write(file, &sound).unwrap();
        verify(&backup, &GO_ON).unwrap();
    }
}

#[test]
fn what_is_there_is_not_replaced_unasked() {
    let (store, directory, backup) = backed_up(5);
    let again = back_up(store.path(), &backup, NOW, &GO_ON).unwrap_err();
    assert!(again.to_string().contains("not empty"), "{again}");
    let to = directory.path().join("to");
    fs::create_dir(&to).unwrap();
    fs::write(to.join("notes.txt"), "mine").unwrap();
    let refused = put_back(&backup, &to, false).unwrap_err();
    assert!(refused.to_string().contains("notes.txt") && refused.to_string().contains("--force"), "{refused}");
    put_back(&backup, &to, true).unwrap();
    assert_eq!(names(&to), ["notes.txt", DATABASE]);
    // A directory with nothing but its lock's file is empty, and so is one a killed restore has left something in.
    let locked = directory.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::write(locked.join("souffleur.lock"), "1").unwrap();
    fs::write(locked.join("souffleur.db.restoring"), "half").unwrap();
    put_back(&backup, &locked, false).unwrap();
    assert_eq!(names(&locked), [DATABASE, "souffleur.lock"]);
}

#[test]
fn the_log_of_the_old_database_does_not_reach_the_new_one() {
    let (store, directory, backup) = backed_up(5);
    let wanted = everything(&store);
    store.append((0..200).map(|n| named(&format!("later {n}"))).collect(), NOW).wait().unwrap();
    // As a killed process leaves it: the file, and a log that holds what was acknowledged last.
    let crashed = directory.path().join("crashed");
    fs::create_dir(&crashed).unwrap();
    for end in ["", "-wal"] {
        fs::copy(format!("{}{end}", store.path().display()), crashed.join(format!("{DATABASE}{end}"))).unwrap();
    }
    assert!(fs::metadata(crashed.join("souffleur.db-wal")).unwrap().len() > 0);
    put_back(&backup, &crashed, true).unwrap();
    let restored = open(&crashed);
    assert_same(&everything(&restored), &wanted);
    drop(restored);
    assert_sound(&crashed.join(DATABASE));
    // An old database that cannot be opened at all is no obstacle.
    for end in ["", "-wal"] {
        fs::write(crashed.join(format!("{DATABASE}{end}")), "rubbish".repeat(9999)).unwrap();
    }
    put_back(&backup, &crashed, true).unwrap();
    assert_same(&everything(&open(&crashed)), &wanted);
}

#[test]
fn one_that_is_stopped_leaves_nothing() {
    let (store, directory, backup) = backed_up(5);
    let stop = AtomicBool::new(true);
    let (to, before) = (directory.path().join("other"), names(directory.path()));
    assert!(matches!(back_up(store.path(), &to, NOW, &stop), Err(BackupError::Stopped)));
    assert!(matches!(restore(&backup, &to, OsStr::new("x"), false, &stop), Err(BackupError::Stopped)));
    assert_eq!(names(directory.path()), before);
}

#[test]
fn a_backup_of_a_newer_program_is_refused_with_the_reason() {
    let (store, directory, _backup) = backed_up(1);
    let path = store.path().to_owned();
    drop(store);
    crate::files::execute(&path, "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')");
    let newer = directory.path().join("newer");
    take(&path, &newer);
    let error = put_back(&newer, &directory.path().join("to"), false).unwrap_err();
    assert!(matches!(error, BackupError::NotABackup { .. }) && error.to_string().contains("29990101000000"), "{error}");
}

/// Tells the child what to copy, and whither.
const CHILD: &str = "SOUFFLEUR_STORE_BACKUP_CHILD";

/// Not a test of its own: what [`one_killed_at_a_random_moment_is_whole_or_no_backup`] starts and kills.
#[test]
fn child_that_backs_up_and_restores_until_it_is_killed() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let (database, to) = order.split_once('|').unwrap();
    let (to, mut taken) = (Path::new(to), 0);
    loop {
        let backup = to.join(format!("backup-{}-{taken}", std::process::id()));
        take(Path::new(database), &backup);
        put_back(&backup, &to.join("hub"), true).unwrap();
        taken += 1;
    }
}

#[test]
fn one_killed_at_a_random_moment_is_whole_or_no_backup() {
    let (store, directory, _backup) = backed_up(300);
    let to = directory.path().join("to");
    fs::create_dir(&to).unwrap();
    let wanted = everything(&store);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(20_261_127);
    let mut whole = 0;
    for _ in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "backup::child_that_backs_up_and_restores_until_it_is_killed", "--nocapture"])
            .env(CHILD, format!("{}|{}", store.path().display(), to.display()))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(random.gen_range(20..150)));
        child.kill().unwrap();
        child.wait().unwrap();
        for name in names(&to) {
            let backup = to.join(&name);
            if name.starts_with("backup-") && !name.contains(".partial-") {
                verify(&backup, &GO_ON).unwrap();
                whole += 1;
            }
        }
        if to.join("hub").join(DATABASE).exists() {
            assert_same(&everything(&open(&to.join("hub"))), &wanted);
        }
    }
    assert!(whole > 0, "no backup was finished before its kill");
}
