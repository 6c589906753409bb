//! The same command says the same, whether on a data directory or against a daemon.

use crate::process::{Daemon, Ran, run, run_with_input};

/// Runs a command both ways, the daemon being stopped while the directory is worked on directly.
struct Both {
    dir: tempfile::TempDir,
}

impl Both {
    fn embedded(&self, command: &[&str]) -> Ran {
        run(command.iter().chain(&["--data-dir", self.dir.path().to_str().unwrap()]))
    }

    fn remote(daemon: &Daemon, command: &[&str]) -> Ran {
        run(command.iter().chain(&["--url", &daemon.url]))
    }
}

/// Two runs of the same thing differ in nothing but names drawn anew and times.
fn without_run(text: &str) -> serde_json::Value {
    let mut value: serde_json::Value = serde_json::from_str(text).unwrap();
    for trained in value.as_array_mut().unwrap() {
        let outcome = trained["outcome"].as_object_mut().unwrap();
        for drawn in ["run_id", "model_id", "duration_ms", "version"] {
            outcome.remove(drawn);
        }
    }
    value
}

/// The runtime's own rows (what it measured of itself) move the watermark on between two commands.
fn undated(text: &str) -> String {
    match text.split_once("\"watermark\":") {
        Some((before, rest)) if !rest.starts_with("null") => {
            format!("{before}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        Some((before, rest)) => format!("{before}{}", undated(rest)),
        None => text.to_owned(),
    }
}

#[test]
fn a_command_says_the_same_both_ways() {
    let both = Both { dir: tempfile::tempdir().unwrap() };
    let sessions = run(["simulate", "--sessions", "400"]).succeeded().out;
    let data = both.dir.path().to_str().unwrap();
    run_with_input(["import", "-", "--data-dir", data], sessions.as_bytes()).succeeded();
    let question = run(["components", "show", "failure_analyzer", "--json"]).succeeded();
    assert!(question.json()["schemas"]["query"].is_object());
    let question = r#"{"session":{"original_prompt":"do the usual thing"}}"#;
    let commands: &[&[&str]] = &[
        &["components", "list"],
        &["components", "list", "--json"],
        &["components", "show", "failure_analyzer"],
        &["components", "show", "failure_analyzer", "--json"],
        &["components", "graph", "--format", "dot"],
        &["batch", "failure_analyzer", "--size", "7"],
        &["batch", "failure_analyzer", "--size", "7", "--view", "applications", "--format", "csv"],
        &["batch", "failure_analyzer", "--size", "7", "--rules"],
        &["batch", "failure_analyzer", "--size", "7", "--rules", "--format", "csv"],
        &["query", "failure_analyzer", question],
        &["query", "failure_analyzer", "[]"],
        &["train", "no_such_component"],
        &["health", "failure_analyzre"],
    ];
    let trained = both.embedded(&["train", "--json"]).succeeded();
    let embedded: Vec<Ran> = commands.iter().map(|command| both.embedded(command)).collect();
    let daemon = Daemon::start(both.dir.path(), &[]);
    for (command, embedded) in commands.iter().zip(embedded) {
        let remote = Both::remote(&daemon, command);
        assert_eq!((embedded.code, undated(&embedded.out)), (remote.code, undated(&remote.out)), "{command:?}");
        let said = |ran: &Ran| ran.err.lines().find(|line| line.starts_with("error: ")).map(str::to_owned);
        assert_eq!(said(&embedded), said(&remote), "{command:?}");
    }
    let again = Both::remote(&daemon, &["train", "--json"]).succeeded();
    let (trained, again) = (without_run(&trained.out), without_run(&again.out));
    assert_eq!(keys(&trained), keys(&again));
}

fn keys(value: &serde_json::Value) -> Vec<String> {
    value[0]["outcome"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_daemon_imports_and_knows_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    let sessions = run(["simulate", "--sessions", "1500"]).succeeded().out;
    let import =
        || run_with_input(["import", "-", "--json", "--url", &daemon.url], sessions.as_bytes()).succeeded().json();
    let (first, second) = (import(), import());
    assert_eq!((&first["read"], &first["added"]), (&1500.into(), &1500.into()), "{first}");
    assert_eq!((&second["added"], &second["already_there"]), (&0.into(), &1500.into()), "{second}");
}

#[test]
fn a_key_is_needed_where_the_daemon_wants_one() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &["--set", "http.api_keys=0123456789abcdef"]);
    let refused = run(["components", "--url", &daemon.url]);
    assert_eq!(refused.code, 2);
    assert_eq!(refused.err, "error: the daemon wants an API key; give --api-key or set SOUFFLEUR_API_KEY\n");
    run(["components", "--url", &daemon.url, "--api-key", "0123456789abcdef"]).succeeded();
}

#[test]
fn a_directory_in_use_is_not_worked_on() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    let data = dir.path().to_str().unwrap();
    for command in [&["train"][..], &["import", "-"], &["serve", "--port", "0"]] {
        let ran = run(command.iter().chain(&["--data-dir", data]));
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(ran.err.contains("is in use by process") && ran.err.contains("--url"), "{ran:?}");
    }
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
    run(["train", "--data-dir", data]);
}

#[test]
fn health_is_told_in_words_in_json_and_in_the_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let sessions = run(["simulate", "--sessions", "300"]).succeeded().out;
    run_with_input(["import", "-", "--data-dir", data], sessions.as_bytes()).succeeded();
    run(["train", "--data-dir", data]).succeeded();
    let whole = run(["health", "--json", "--data-dir", data]);
    let health = whole.json();
    assert_eq!(whole.code, if health["status"] == "healthy" { 0 } else { 3 }, "{whole:?}");
    let component = &health["components"][0];
    assert_eq!(component["probe"]["passed"], true, "{component}");
    assert_eq!(component["trained"], true, "{component}");
    let table = run(["health", "--data-dir", data]);
    assert_eq!(table.code, whole.code, "{table:?}");
    assert!(table.out.contains("failure_analyzer") && table.out.contains("score"), "{table:?}");
    let one = run(["health", "failure_analyzer", "--data-dir", data]);
    assert!(one.out.contains("data_flow"), "{one:?}");
}
