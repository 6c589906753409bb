//! The commands on a PostgreSQL database: the same answers as on a data directory, to the byte.

use souffleur_cluster::Cluster;

use crate::process::run;

#[test]
fn a_history_imported_into_both_gives_batches_with_the_same_bytes() {
    let Some(cluster) = Cluster::for_test() else { return };
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = dir.path().join("history.jsonl.gz").to_str().unwrap().to_owned();
    run(["simulate", "--sessions", "3000", "--out", &file]).succeeded();
    let url = format!("store.url={}", cluster.database().unwrap());
    let sqlite = ["--data-dir", dir.path().to_str().unwrap()];
    let postgres = ["--data-dir", elsewhere.path().to_str().unwrap(), "--set", &url];
    for place in [&sqlite[..], &postgres] {
        let summary = run(["import", &file, "--json"].iter().chain(place)).succeeded().json();
        assert_eq!((&summary["added"], &summary["bad"]), (&3000.into(), &0.into()), "{summary}");
        let again = run(["import", &file, "--json"].iter().chain(place)).succeeded().json();
        assert_eq!((&again["added"], &again["already_there"]), (&0.into(), &3000.into()), "{again}");
    }
    for question in [
        &["batch", "failure_analyzer", "--size", "5000"][..],
        &["batch", "context_learner", "--size", "5000", "--format", "csv"],
        &["batch", "failure_analyzer", "--view", "sessions", "--rules", "--size", "5000"],
        &["batch", "failure_analyzer", "--view", "applications", "--size", "20000"],
    ] {
        // The version counts the rows a runtime writes about itself too, which depend on the time.
        let answers = [&sqlite[..], &postgres].map(|place| {
            let out = run(question.iter().chain(place)).succeeded().out;
            let version = out.find("\"version\":");
            version.map_or(out.clone(), |at| out[..at].to_owned() + out[at..].split_once("},").unwrap().1)
        });
        assert!(answers[0].lines().count() > 1 || answers[0].len() > 100_000, "{question:?} answers nothing");
        let differs = answers[0].bytes().zip(answers[1].bytes()).position(|(a, b)| a != b);
        let around = differs.map(|at| at.saturating_sub(80)..at + 80);
        let shown = answers.each_ref().map(|answer| around.clone().and_then(|around| answer.get(around)));
        assert!(answers[0] == answers[1], "{question:?} answers differently: {shown:?}");
    }
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "nothing is kept beside the database");
}

#[test]
fn the_address_of_a_database_is_not_shown() {
    let shown = run(["config", "show", "--set", "store.url=postgres://u:hidden@h/d"]).succeeded().out;
    assert!(shown.contains("store.url") && !shown.contains("hidden"), "{shown}");
}
