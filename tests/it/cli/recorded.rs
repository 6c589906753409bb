//! The whole path on the recorded history, where it is at hand: import, import again, train, ask.

use std::path::{Path, PathBuf};

use souffleur_core::store::Store;
use souffleur_store::{SqliteStore, StoreSettings};

use crate::process::run;

const SESSIONS: u64 = 65_846;

#[test]
fn the_recorded_history_is_imported_once_learnt_from_and_asked() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("SOUFFLEUR_SHARED").map_or(beside, PathBuf::from);
    let history = shared.join("data/history/prompt_history.jsonl.gz");
    if !history.exists() {
        println!("skipped: {} is not here", history.display());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data = ["--data-dir", dir.path().to_str().unwrap()];
    let import = || {
        let mapped = ["import", history.to_str().unwrap(), "--mapping", "alpaca_thoughtsource", "--json"];
        run(mapped.iter().chain(&data)).succeeded().json()
    };
    let (first, second) = (import(), import());
    assert_eq!((&first["added"], &first["bad"]), (&SESSIONS.into(), &0.into()), "{first}");
    assert_eq!((&second["added"], &second["already_there"]), (&0.into(), &SESSIONS.into()), "{second}");

    run(["train", "failure_analyzer"].iter().chain(&data)).succeeded();
    let question = r#"{"prompt": "Write a short poem about the sea."}"#;
    let answer = run(["query", "failure_analyzer", question].iter().chain(&data)).succeeded().json();
    assert!(answer["p_failure"].as_f64().is_some_and(|p| (0.0..=1.0).contains(&p)), "{answer}");

    let store = SqliteStore::open(&dir.path().join("souffleur.db"), StoreSettings::default()).unwrap();
    assert_eq!(store.counts().unwrap().sessions, SESSIONS);
    let model = store.latest_model("failure_analyzer").unwrap().expect("a model");
    assert_eq!(store.model_rows(&model.model_id).unwrap().1.len() as u64, SESSIONS, "its lineage is every session");
}
