//! `export`: what was recorded comes back from a file, and a damaged file is refused.

use std::path::Path;

use crate::process::{Ran, run, run_with_input};

fn on(data: &Path, command: &str, more: &[&str]) -> Ran {
    run([command, "--data-dir", data.to_str().unwrap()].iter().chain(more))
}

/// A data directory with some sessions.
fn filled(dir: &Path) -> std::path::PathBuf {
    let history = dir.join("history.jsonl");
    run(["simulate", "--sessions", "300", "--out", history.to_str().unwrap()]).succeeded();
    let data = dir.join("data");
    on(&data, "import", &[history.to_str().unwrap()]).succeeded();
    data
}

#[test]
fn every_format_comes_back_and_is_exported_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let data = filled(dir.path());
    for name in ["h.parquet", "h.arrow", "h.arrows", "h.csv", "h.jsonl.gz"] {
        let (first, second) = (dir.path().join(name), dir.path().join(format!("2-{name}")));
        let exported = on(&data, "export", &[first.to_str().unwrap(), "--json"]).succeeded().json();
        assert_eq!(exported["sessions"], 300, "{exported}");
        assert_eq!(exported["bytes"], std::fs::metadata(&first).unwrap().len());
        let copy = dir.path().join(format!("copy-{name}"));
        let imported = on(&copy, "import", &[first.to_str().unwrap(), "--json"]).succeeded().json();
        assert_eq!((&imported["added"], &imported["bad"]), (&300.into(), &0.into()), "{imported}");
        on(&copy, "export", &[second.to_str().unwrap()]).succeeded();
        assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap(), "{name}");
    }
    let text = on(&data, "export", &[dir.path().join("t.csv").to_str().unwrap()]).succeeded().out;
    assert!(text.starts_with("exported 300 sessions to "), "{text}");
}

#[test]
fn a_damaged_file_is_refused_and_nothing_of_it_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let data = filled(dir.path());
    for name in ["h.parquet", "h.jsonl"] {
        let file = dir.path().join(name);
        on(&data, "export", &[file.to_str().unwrap()]).succeeded();
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        let copy = dir.path().join(format!("copy-{name}"));
        let ran = on(&copy, "import", &[file.to_str().unwrap(), "--json"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("the file is damaged: its checksum is not"), "{ran:?}");
        assert_eq!(ran.json()["added"], 0);
        let empty = dir.path().join("empty.jsonl");
        let left = on(&copy, "export", &[empty.to_str().unwrap(), "--json"]).succeeded().json();
        assert_eq!(left["sessions"], 0);
    }
}

#[test]
fn stdout_carries_nothing_but_the_export() {
    let dir = tempfile::tempdir().unwrap();
    let data = filled(dir.path());
    let lines = on(&data, "export", &["-", "--format", "jsonl"]).succeeded().out;
    assert_eq!(lines.lines().count(), 300);
    let copy = dir.path().join("copy");
    let imported = run_with_input(["import", "-", "--data-dir", copy.to_str().unwrap()], lines.as_bytes()).succeeded();
    assert!(imported.out.starts_with("read 300, added 300, "), "{imported:?}");
}

#[test]
fn a_name_that_says_nothing_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ran = on(dir.path(), "export", &["history.xlsx"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("call it .parquet, .arrow, .csv or .jsonl, or give --format"), "{ran:?}");
}
