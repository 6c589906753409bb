//! Looking after a hub: what there is, whether it is sound, copies of it.

use std::fs;
use std::path::Path;

use serde_json::Value;
use souffleur_core::store::Store;
use souffleur_store::{SqliteStore, StoreSettings};

use crate::process::{Daemon, Http, Ran, run, run_with_input};

/// A data directory with `sessions` made-up sessions.
fn filled(sessions: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let history = run(["simulate", "--sessions", &sessions.to_string()]).succeeded().out;
    run_with_input(["import", "-", "--data-dir", text(dir.path())], history.as_bytes()).succeeded();
    dir
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn on(dir: &Path, command: &[&str]) -> Ran {
    run(command.iter().chain(&["--data-dir", text(dir)]))
}

fn sessions(stats: &Value) -> u64 {
    let tables = stats["tables"].as_array().unwrap();
    tables.iter().find(|table| table["name"] == "prompt_sessions").unwrap()["rows"].as_u64().unwrap()
}

/// How one thing is, by the doctor.
fn state<'a>(found: &'a Value, check: &str) -> &'a Value {
    &found.as_array().unwrap().iter().find(|d| d["check"] == check).unwrap_or_else(|| panic!("no {check}: {found}"))["state"]
}

#[test]
fn the_data_is_looked_at_on_a_directory_and_through_a_daemon() {
    let dir = filled(600);
    let stats = on(dir.path(), &["data", "stats", "--json"]).succeeded().json();
    assert_eq!(sessions(&stats), 600);
    let shown = on(dir.path(), &["data", "stats"]).succeeded().out;
    assert!(shown.contains("prompt_sessions") && shown.contains("propensity") && shown.contains("sqlite"), "{shown}");
    let checked = on(dir.path(), &["data", "check", "--json", "--fail-on", "never"]).succeeded().json();
    assert_eq!(checked["sessions"], 600);
    let found = checked["findings"].as_array().unwrap().len();
    let shown = on(dir.path(), &["data", "check", "--fail-on", "never"]).succeeded().out;
    assert_eq!(shown.matches("right would be: ").count(), found, "{shown}");
    // Where anything was found, the mildest limit is the one that turns the exit code.
    let strict = on(dir.path(), &["data", "check", "--fail-on", "info"]);
    assert_eq!(strict.code, if found > 0 { 3 } else { 0 }, "{strict:?}");
    let daemon = Daemon::start(dir.path(), &[]);
    let remote = run(["data", "stats", "--json", "--url", &daemon.url]).succeeded().json();
    assert_eq!(sessions(&remote), 600);
    let remote = run(["data", "check", "--json", "--fail-on", "never", "--url", &daemon.url]).succeeded().json();
    assert_eq!((&remote["sessions"], remote["checks"].as_array().unwrap().len()), (&600.into(), 8));
    let refused = on(dir.path(), &["data", "stats"]);
    assert!(refused.code == 4 && refused.err.contains("--url"), "{refused:?}");
}

#[test]
fn a_leak_in_what_was_recorded_turns_the_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let line = |i: u32| {
        let quality = f64::from(i * 37 % 101) / 101.0;
        serde_json::json!({
            "session_id": format!("s{i}"), "original_prompt": format!("Write test number {i}."),
            "quality_score": quality, "before_metrics": { "clarity": quality },
        })
    };
    let history: String = (0..400).map(|i| format!("{}\n", line(i))).collect();
    run_with_input(["import", "-", "--data-dir", text(dir.path())], history.as_bytes()).succeeded();
    let checked = on(dir.path(), &["data", "check", "--json"]);
    assert_eq!(checked.code, 3, "{checked:?}");
    assert!(checked.err.contains("one finding is of severity error"), "{checked:?}");
    let worst = &checked.json()["findings"][0];
    assert_eq!((&worst["check"], &worst["at"]), (&"leakage".into(), &"session_features.clarity".into()));
}

#[test]
fn what_the_data_is_held_to_is_a_setting() {
    let dir = tempfile::tempdir().unwrap();
    let line = |i: u32| {
        let (id, prompt) = (format!("s{i}"), format!("Write test number {i}."));
        serde_json::json!({ "session_id": id, "original_prompt": prompt, "event_time": "2020-01-01T00:00:00Z" })
    };
    let history: String = (0..20).map(|i| format!("{}\n", line(i))).collect();
    run_with_input(["import", "-", "--data-dir", text(dir.path())], history.as_bytes()).succeeded();
    let is_stale = |report: &Value| report["findings"].as_array().unwrap().iter().any(|f| f["check"] == "staleness");
    let check = ["data", "check", "--json", "--fail-on", "never"];
    assert!(is_stale(&on(dir.path(), &check).succeeded().json()));
    let patient = ["--set", "contract.stale_after_hours=1000000"];
    assert!(!is_stale(&on(dir.path(), &[&check[..], &patient[..]].concat()).succeeded().json()));
    let daemon = Daemon::start(dir.path(), &patient);
    assert!(!is_stale(&run([&check[..], &["--url", &daemon.url]].concat()).succeeded().json()));
    let refused = run(["config", "show", "--set", "contract.drift_severe_from=0.01"]);
    assert!(refused.code == 2 && refused.err.contains("0 < drift_from <= drift_severe_from"), "{refused:?}");
}

#[test]
fn a_backup_is_taken_from_under_a_daemon_and_put_back_elsewhere() {
    let dir = filled(200);
    let elsewhere = tempfile::tempdir().unwrap();
    let (backup, to) = (elsewhere.path().join("backup"), elsewhere.path().join("hub"));
    let daemon = Daemon::start(dir.path(), &[]);
    let taken = on(dir.path(), &["backup", text(&backup), "--verify", "--json"]).succeeded().json();
    assert!(taken["watermark"].as_i64().unwrap() > 200, "{taken}");
    let more = serde_json::json!({ "session_id": "later", "original_prompt": "Write a test." });
    assert_eq!(Http::new(&daemon.url).post("/v1/sessions", &more).unwrap().0, 201);
    run(["restore", text(&backup), "--verify"]).succeeded();
    on(&to, &["restore", text(&backup)]).succeeded();
    assert_eq!(sessions(&on(&to, &["data", "stats", "--json"]).succeeded().json()), 200);
    on(&to, &["doctor"]).succeeded();
    // The daemon's own directory is its own, and what is there is not replaced unasked.
    let held = on(dir.path(), &["restore", text(&backup), "--force"]);
    assert_eq!(held.code, 4, "{held:?}");
    daemon.kill();
    let refused = on(dir.path(), &["restore", text(&backup)]);
    assert!(refused.code == 2 && refused.err.contains("--force"), "{refused:?}");
    on(dir.path(), &["restore", text(&backup), "--force"]).succeeded();
    assert_eq!(sessions(&on(dir.path(), &["data", "stats", "--json"]).succeeded().json()), 200);
    // A damaged one is refused whatever is asked.
    let copy = backup.join("souffleur.db");
    let mut bytes = fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&copy, bytes).unwrap();
    let verified = run(["restore", text(&backup), "--verify"]);
    assert!(verified.code == 3 && verified.err.contains("checksum"), "{verified:?}");
    assert_eq!(on(dir.path(), &["restore", text(&backup), "--force"]).code, 2);
    assert_eq!(sessions(&on(dir.path(), &["data", "stats", "--json"]).succeeded().json()), 200);
    let again = on(dir.path(), &["backup", text(&backup)]);
    assert!(again.code == 2 && again.err.contains("not empty"), "{again:?}");
}

#[test]
fn a_server_is_left_to_its_own_tools() {
    let dir = tempfile::tempdir().unwrap();
    let server = ["--set", "store.url=postgres://u:hidden@h/d"];
    for command in [&["backup", "b"][..], &["restore", "b"]] {
        let command: Vec<&str> = command.iter().chain(&server).copied().collect();
        let refused = on(dir.path(), &command);
        assert!(refused.code == 2 && refused.err.contains("pg_dump") && !refused.err.contains("hidden"), "{refused:?}");
    }
}

#[test]
fn the_doctor_names_what_is_damaged() {
    let dir = filled(400);
    on(dir.path(), &["train", "failure_analyzer"]).succeeded();
    let sound = on(dir.path(), &["doctor", "--json"]).succeeded().json();
    for check in ["program", "settings", "directory", "disk", "lock", "database", "layout", "integrity", "models"] {
        assert_ne!(state(&sound, check), "failed", "{sound}");
    }
    let database = dir.path().join("souffleur.db");
    let store = SqliteStore::open(&database, StoreSettings::default()).unwrap();
    let model = store.latest_model("failure_analyzer").unwrap().unwrap();
    store.close();
    // One bit of the snapshot, in the file: SQLite itself does not notice.
    let mut bytes = fs::read(&database).unwrap();
    let sign = &model.snapshot[model.snapshot.len() / 2..][..24];
    let at = bytes.windows(sign.len()).position(|window| window == sign).unwrap();
    bytes[at] ^= 1;
    fs::write(&database, bytes).unwrap();
    let found = on(dir.path(), &["doctor", "--json"]);
    assert_eq!(found.code, 3, "{found:?}");
    assert_eq!((state(&found.json(), "integrity"), state(&found.json(), "models")), (&"ok".into(), &"failed".into()));
    assert!(found.out.contains(&model.model_id) && found.out.contains("souffleur train failure_analyzer"), "{found:?}");
    // A backup of it can be taken, and says so when it is checked.
    let backup = dir.path().join("backup");
    let taken = on(dir.path(), &["backup", text(&backup), "--verify"]);
    assert!(taken.code == 3 && taken.err.contains(&model.model_id), "{taken:?}");
}

#[test]
fn the_doctor_tells_of_settings_locks_leftovers_and_half_a_database() {
    let dir = filled(50);
    let refused = on(dir.path(), &["doctor", "--json", "--set", "http.port=0.5"]);
    assert_eq!((refused.code, state(&refused.json(), "settings")), (3, &"failed".into()), "{refused:?}");
    fs::write(dir.path().join("souffleur.db.restoring"), "half").unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    let found = on(dir.path(), &["doctor", "--json"]).succeeded();
    assert_eq!(state(&found.json(), "leftovers"), "warning");
    assert!(found.out.contains("holds the directory; ask it with --url"), "{found:?}");
    daemon.kill();
    let database = dir.path().join("souffleur.db");
    let half = fs::metadata(&database).unwrap().len() / 2;
    fs::OpenOptions::new().write(true).open(&database).unwrap().set_len(half).unwrap();
    let found = on(dir.path(), &["doctor"]);
    assert!(found.code == 3 && found.out.contains("restore a backup"), "{found:?}");
    let empty = tempfile::tempdir().unwrap();
    let none = on(&empty.path().join("new"), &["doctor", "--json"]).succeeded().json();
    assert_eq!(state(&none, "directory"), "warning");
    assert!(!empty.path().join("new").exists(), "nothing is made");
}
