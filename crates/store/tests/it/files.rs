//! The file itself: made where it is not, refused where it is not ours.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use souffleur_core::ids::Seq;
use souffleur_core::store::{Claim, Store, StoreError};
use souffleur_store::{SqliteStore, StoreSettings};

use crate::records::{NOW, assert_gapless, assert_same, everything, named, run};
use crate::sqlite;

#[derive(QueryableByName)]
struct Verdict {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

/// Fails unless SQLite finds the file sound.
pub(crate) fn assert_sound(path: &Path) {
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let verdicts: Vec<Verdict> = diesel::sql_query("PRAGMA integrity_check").load(&mut connection).unwrap();
    let verdicts: Vec<_> = verdicts.into_iter().map(|verdict| verdict.integrity_check).collect();
    assert_eq!(verdicts, ["ok"]);
}

fn refused(path: &Path) -> String {
    match SqliteStore::open(path, StoreSettings::default()) {
        Err(StoreError::Incompatible(reason)) => reason,
        other => panic!("the file must be refused as incompatible, not {other:?}"),
    }
}

pub(crate) fn execute(path: &Path, text: &str) {
    SqliteConnection::establish(path.to_str().unwrap()).unwrap().batch_execute(text).unwrap();
}

#[test]
fn a_store_opened_again_has_everything() {
    let (store, _keep) = sqlite::open();
    store.append(vec![named("a")], NOW).wait().unwrap();
    let lease = store.claim(Claim::new("k_means", "r1", NOW, 1)).wait().unwrap();
    store.commit_run(run(lease)).wait().unwrap();
    store.claim(Claim::new("k_means", "r2", NOW, 1)).wait().unwrap();
    let (before, model) = (everything(&store), store.latest_model("k_means").unwrap());
    let path = store.path().to_owned();
    drop(store);
    assert_sound(&path);
    let store = SqliteStore::open(&path, StoreSettings::default()).unwrap();
    assert_same(&everything(&store), &before);
    assert_eq!(store.latest_model("k_means").unwrap(), model);
    assert_eq!(store.unfinished_runs().unwrap()[0].run_id, "r2");
    assert_eq!(store.claim(Claim::new("k_means", "r3", NOW, 1)).wait().unwrap().epoch.0, 3);
    assert!(store.append(vec![named("a")], NOW).wait().unwrap()[0].duplicate);
    // The commit took one number: the next row follows it.
    assert_eq!(store.append(vec![named("b")], NOW).wait().unwrap()[0].seq, Seq(8));
}

#[test]
fn a_closed_store_is_one_file() {
    let (store, _keep) = sqlite::open();
    store.append(vec![named("a")], NOW).wait().unwrap();
    everything(&store);
    store.close();
    let names: Vec<_> = std::fs::read_dir(store.path().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["souffleur.db"]);
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let (store, _keep) = sqlite::open();
    let path = store.path().to_owned();
    drop(store);
    execute(&path, "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')");
    let reason = refused(&path);
    assert!(reason.contains("29990101000000") && reason.contains("newer"), "{reason}");
    execute(&path, "DELETE FROM __diesel_schema_migrations WHERE version = '29990101000000'");
    SqliteStore::open(&path, StoreSettings::default()).unwrap();
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.db");
    execute(&path, "CREATE TABLE notes (text TEXT)");
    let before = std::fs::read(&path).unwrap();
    let reason = refused(&path);
    assert!(reason.contains("another program"), "{reason}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let marked = directory.path().join("marked.db");
    execute(&marked, "PRAGMA application_id = 7");
    assert!(refused(&marked).contains("another program"));
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.txt");
    let text = "not a database, but long enough to be looked at as if it were one\n".repeat(20);
    std::fs::write(&path, &text).unwrap();
    let reason = refused(&path);
    assert!(reason.contains("not an SQLite database"), "{reason}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = SqliteStore::open(&file.join("souffleur.db"), StoreSettings::default()).unwrap_err();
    assert!(error.to_string().contains("file/souffleur.db"), "{error}");
}

#[test]
fn features_of_another_schema_are_refused() {
    let (store, _keep) = sqlite::open();
    store.append(vec![named("a")], NOW).wait().unwrap();
    execute(store.path(), "UPDATE session_features SET schema_hash = 1");
    let error = store.delta(Seq::ZERO, 10).unwrap_err();
    assert!(matches!(&error, StoreError::Incompatible(text) if text.contains("row 1")), "{error}");
}

#[test]
fn a_large_delta_read_on_two_connections_equals_its_pages() {
    let (store, _keep) = sqlite::open();
    for block in 0..6 {
        let records = (0..1000).map(|n| named(&format!("{block}-{n}"))).collect();
        store.append(records, NOW).wait().unwrap();
    }
    assert_gapless(&store);
    let whole = everything(&store);
    assert_eq!(whole.watermark, Seq(24_002), "enough rows for two connections");
    let (mut after, mut sessions, mut applications) = (Seq::ZERO, Vec::new(), Vec::new());
    while after < whole.watermark {
        let page = store.delta(after, 5000).unwrap();
        sessions.extend(page.sessions.features);
        applications.extend(page.applications.seq);
        after = page.watermark;
    }
    assert_eq!(sessions, whole.sessions.features);
    assert_eq!(applications, whole.applications.seq);
}
