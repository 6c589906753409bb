//! The history kept within an age and a size.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::process::{Daemon, Http, Ran, run, run_with_input};

fn on(dir: &Path, command: &[&str]) -> Ran {
    run(command.iter().chain(&["--data-dir", dir.to_str().unwrap()]))
}

/// A data directory with this many sessions of long ago and of today.
fn filled(old: usize, new: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let line = |kind: &str, n: usize| {
        let mut line = json!({
            "session_id": format!("{kind}-{n}"), "quality_score": 0.5,
            "original_prompt": format!("Write the {kind} chapter number {n}. {}", "It may be long. ".repeat(20)),
        });
        if kind == "old" {
            line["event_time"] = json!("2020-01-01T00:00:00Z");
        }
        format!("{line}\n")
    };
    let old = (0..old).map(|n| line("old", n));
    let history: String = old.chain((0..new).map(|n| line("new", n))).collect();
    run_with_input(["import", "-", "--data-dir", dir.path().to_str().unwrap()], history.as_bytes()).succeeded();
    dir
}

/// Sessions there are, in the order of their numbers.
fn sessions(dir: &Path) -> Vec<String> {
    let out = on(dir, &["export", "-", "--format", "jsonl"]).succeeded().out;
    let name = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["session_id"].as_str().unwrap().to_owned()
    };
    out.lines().map(name).collect()
}

#[test]
fn sessions_past_the_age_are_erased_and_the_others_stay() {
    let dir = filled(1_500, 40);
    let dir = dir.path();
    let foretold = on(dir, &["retain", "--age-days", "365", "--dry-run", "--json"]).succeeded().json();
    assert_eq!(foretold["sessions_too_old"], 1_500);
    // More than one erasure holds.
    let done = on(dir, &["retain", "--age-days", "365", "--json"]).succeeded().json();
    assert_eq!((&done["sessions"], &done["compacted"]), (&json!(1_500), &json!(true)), "{done}");
    let left = sessions(dir);
    assert!(left.len() == 40 && left.iter().all(|name| name.starts_with("new-")), "{left:?}");
    let again = on(dir, &["retain", "--age-days", "365"]).succeeded();
    assert!(again.out.contains("nothing is past"), "{again:?}");
    let kept = on(dir, &["retain"]);
    assert!(kept.code == 2 && kept.err.contains("everything is kept"), "{kept:?}");
}

#[test]
fn the_oldest_go_until_the_database_is_small_enough() {
    let dir = filled(400, 400);
    let dir = dir.path();
    let bytes = || on(dir, &["data", "stats", "--json"]).succeeded().json()["size_bytes"].as_u64().unwrap();
    let most = bytes() * 9 / 10;
    let done = on(dir, &["retain", "--used-bytes-max", &most.to_string(), "--json"]).succeeded().json();
    assert!(bytes() <= most, "{} of {most}", bytes());
    let left = sessions(dir);
    let (old, new): (Vec<&String>, Vec<&String>) = left.iter().partition(|name| name.starts_with("old-"));
    // The old ones first, and no more than need be.
    assert!((100..400).contains(&old.len()) && new.len() == 400, "{} and {}: {done}", old.len(), new.len());
}

#[test]
fn a_daemon_keeps_to_the_age_by_itself() {
    let dir = filled(30, 5);
    let settings = ["--set", "retention.age_days=365", "--set", "retention.check_ms=1000"];
    let daemon = Daemon::start(dir.path(), &settings);
    let http = Http::new(&daemon.url);
    let known = |name: &str| http.get(&format!("/v1/sessions/{name}/traces")).unwrap().0 == 200;
    assert!(known("new-1"));
    let mut looks = 0;
    while known("old-29") {
        looks += 1;
        assert!(looks < 300, "never erased");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(known("new-1") && !known("old-0"));
}
