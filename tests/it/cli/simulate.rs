//! `simulate`: the same bytes for the same seed, complete files or none, quiet when nobody reads on.

use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use crate::process::{program, run};

#[test]
fn the_same_seed_gives_the_same_bytes_and_the_truths_beside_them() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let plain = run(["simulate", "--sessions", "50", "--seed", "3"]).succeeded().out;
    assert_eq!(plain.lines().count(), 50);
    run(["simulate", "--sessions", "50", "--seed", "3", "--out", &at("a.jsonl")]).succeeded();
    assert_eq!(std::fs::read_to_string(at("a.jsonl")).unwrap(), plain);
    for name in ["b.jsonl.gz", "c.jsonl.gz"] {
        run(["simulate", "--sessions", "50", "--seed", "3", "--out", &at(name)]).succeeded();
    }
    let compressed = std::fs::read(at("b.jsonl.gz")).unwrap();
    assert_eq!(compressed, std::fs::read(at("c.jsonl.gz")).unwrap());
    assert!(compressed.starts_with(&[0x1f, 0x8b]) && compressed.len() < plain.len() / 2);
    let truths: Value = serde_json::from_slice(&std::fs::read(at("b.truths.json")).unwrap()).unwrap();
    assert_eq!(truths["sessions"].as_array().unwrap().len(), 50);
    assert_eq!(truths["history"]["sessions"], 50);
    let first: Value = serde_json::from_str(plain.lines().next().unwrap()).unwrap();
    assert_eq!(truths["sessions"][0]["session_id"], first["session_id"]);
}

#[test]
fn no_sessions_are_a_history_too() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("none.jsonl");
    run(["simulate", "--sessions", "0", "--out", out.to_str().unwrap()]).succeeded();
    let truths: Value = serde_json::from_slice(&std::fs::read(dir.path().join("none.truths.json")).unwrap()).unwrap();
    assert_eq!(truths["sessions"], serde_json::json!([]));
    assert_eq!(std::fs::read(out).unwrap(), b"");
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let mut command = program();
    command.args(["simulate", "--sessions", "100000"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut few = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut few).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let ran = run(["simulate", "--sessions", "1", "--out", "/nowhere/at/all.jsonl"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("error: /nowhere/at/all.jsonl: "), "{ran:?}");
}
