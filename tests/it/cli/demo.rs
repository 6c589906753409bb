//! `demo`: everything once, from nothing.

use crate::process::run;

#[test]
fn the_demonstration_learns_answers_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = crate::process::program();
    command.args(["demo", "--exit", "--sessions", "400", "--seed", "5"]).env("TMPDIR", temporary.path());
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "Recorded 400 simulated sessions",
        "What was learnt:\n  association_miner: ",
        "\n  causal_discovery: ",
        "\n  clustering_optimizer: ",
        "\n  context_learner: ",
        "\n  dimensionality_reducer: ",
        "\n  failure_analyzer: ",
        "\n  pattern_discovery: ",
        "A question to association_miner",
        "applying",
        "The API:\nlistening on http://127.0.0.1:",
    ] {
        assert!(said.contains(part), "`{part}` is missing: {said}");
    }
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn a_second_demonstration_on_the_same_data_adds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let demo =
        || run(["demo", "--exit", "--sessions", "300", "--data-dir", dir.path().to_str().unwrap()]).succeeded().out;
    assert!(demo().contains("(0 were there already)"));
    assert!(demo().contains("Recorded 0 simulated sessions") && demo().contains("(300 were there already)"));
}
