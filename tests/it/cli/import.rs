//! `import`: what is good is kept once, what is bad is told with its line.

use std::path::Path;

use crate::process::{run, run_with_input};

fn import(data: &Path, more: &[&str]) -> crate::process::Ran {
    run(["import", "--data-dir", data.to_str().unwrap()].iter().chain(more))
}

fn history(dir: &Path, sessions: &str) -> String {
    let file = dir.join("history.jsonl.gz").to_str().unwrap().to_owned();
    run(["simulate", "--sessions", sessions, "--out", &file]).succeeded();
    file
}

#[test]
fn the_same_file_twice_adds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = history(dir.path(), "1200");
    let first = import(dir.path(), &[&file, "--json"]).succeeded().json();
    assert_eq!((&first["read"], &first["added"], &first["bad"]), (&1200.into(), &1200.into(), &0.into()), "{first}");
    let second = import(dir.path(), &[&file, "--json"]).succeeded().json();
    assert_eq!((&second["added"], &second["already_there"]), (&0.into(), &1200.into()), "{second}");
    let text = import(dir.path(), &[&file]).succeeded().out;
    assert!(text.starts_with("read 1,200, added 0, already there 1,200, bad 0 ("), "{text}");
}

#[test]
fn a_bad_line_is_told_with_its_place_and_costs_the_others_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("h.jsonl");
    std::fs::write(&file, "{\"original_prompt\":\"a\"}\n{\"original_prompt\":7}\n{\"original_prompt\":\"b\"}\n")
        .unwrap();
    let file = file.to_str().unwrap();
    let aborted = import(dir.path(), &[file, "--on-error", "abort", "--json"]);
    assert_eq!(aborted.code, 2);
    assert!(aborted.err.starts_with(&format!("error: {file}:2:")), "{aborted:?}");
    assert_eq!(aborted.json()["added"], 0, "nothing of a refused file is kept");
    let skipped = import(dir.path(), &[file]).succeeded();
    assert!(skipped.err.starts_with(&format!("{file}:2:")), "{skipped:?}");
    assert!(skipped.out.starts_with("read 3, added 2, already there 0, bad 1 "), "{skipped:?}");
}

#[test]
fn a_file_with_nothing_right_in_it_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run_with_input(["import", "-", "--data-dir", dir.path().to_str().unwrap()], b"{\"no\":1}\nnonsense\n");
    assert_eq!(ran.code, 2, "{ran:?}");
    let ran = import(dir.path(), &["no-such-file.jsonl"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("no-such-file.jsonl"), "{ran:?}");
}

#[test]
fn a_mapping_is_found_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let mappings = dir.path().join("mappings");
    std::fs::create_dir(&mappings).unwrap();
    std::fs::write(mappings.join("traces.toml"), "[fields]\noriginal_prompt = \"text\"\n").unwrap();
    let file = dir.path().join("traces.csv");
    std::fs::write(&file, "text,other\nhello there,1\n").unwrap();
    let summary = import(dir.path(), &[file.to_str().unwrap(), "--mapping", "traces", "--json"]).succeeded().json();
    assert_eq!(summary["added"], 1, "{summary}");
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/config/mappings/sample.jsonl");
    let shipped = import(dir.path(), &[sample, "--mapping", "alpaca_thoughtsource", "--json"]).succeeded().json();
    assert_eq!((&shipped["added"], &shipped["bad"]), (&12.into(), &0.into()), "{shipped}");
    let ran = import(dir.path(), &[file.to_str().unwrap(), "--mapping", "tracks"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("tracks.toml"), "{ran:?}");
}
