//! What goes wrong, is said on stderr with what would be right, and has an exit code of its own.

use super::super::process::{Ran, run, run_with_input};

fn refused(arguments: &[&str], code: i32, said: &str) -> Ran {
    let ran = run(arguments);
    assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
    assert!(ran.err.contains(said), "{arguments:?}: {ran:?}");
    assert_eq!(ran.out, "", "{arguments:?}: an error is no result");
    ran
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused() {
    refused(&[], 2, "Usage: souffleur");
    refused(&["srve"], 2, "'serve'");
    refused(&["health", "--url", "http://h", "--data-dir", "d"], 2, "cannot be used with");
    refused(&["certify", "--seeds", "0"], 2, "--seeds");
    refused(&["--set", "novalue", "config", "show"], 2, "write KEY=VALUE");
}

#[test]
fn a_misspelt_component_is_told_the_nearest() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let said = "error: there is no component `failure_analyser`; did you mean `failure_analyzer`?";
    for command in [
        &["certify", "failure_analyser"][..],
        &["components", "show", "failure_analyser"],
        &["train", "failure_analyser", "--data-dir", data],
        &["query", "failure_analyser", "{}", "--data-dir", data],
        &["batch", "failure_analyser", "--data-dir", data],
        &["health", "failure_analyser", "--data-dir", data],
    ] {
        refused(command, 2, said);
    }
}

#[test]
fn a_bad_setting_names_its_place_and_what_would_be_right() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("s.toml");
    std::fs::write(&file, "[http]\nprot = 80\n").unwrap();
    let file = file.to_str().unwrap();
    let said = format!("error: {file}:2: `http.prot` is no setting; did you mean `port`?");
    refused(&["config", "check", file], 2, &said);
    refused(&["serve", "--config", file], 2, &said);
    refused(&["serve", "--set", "http.port=many"], 2, "error: --set: `http.port` is \"many\"; write a whole number");
    refused(&["serve", "--port", "70000"], 2, "70000");
}

#[test]
fn nobody_at_the_address_is_a_failure_that_says_how_to_start_one() {
    let said = "error: no daemon answers at http://127.0.0.1:9: ";
    let ran = refused(&["health", "--url", "http://127.0.0.1:9"], 1, said);
    assert!(ran.err.contains("souffleur serve"), "{ran:?}");
    refused(&["health", "--url", "127.0.0.1:9"], 2, "is no address of a daemon; write one such as http://");
}

#[test]
fn a_question_that_is_no_json_is_refused_before_anything_starts() {
    refused(&["query", "failure_analyzer", "{"], 2, "error: the question is no JSON: ");
    let ran = run_with_input(["query", "failure_analyzer", "-"], b"nonsense");
    assert_eq!(ran.code, 2);
    assert!(ran.err.starts_with("error: stdin is no JSON: "), "{ran:?}");
}

#[test]
fn rules_of_anything_but_sessions_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let said = "error: session_rules: only sessions carry them; ask for the view `sessions`";
    refused(&["batch", "failure_analyzer", "--rules", "--view", "applications", "--data-dir", data], 2, said);
}

#[test]
fn a_data_directory_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let data = file.path().join("inside");
    refused(&["train", "--data-dir", data.to_str().unwrap()], 1, &format!("error: {}: ", data.display()));
}
