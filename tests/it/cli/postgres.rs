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
    let shown = run(["config", "show", "--set", "store.url=postgres://u:swordfish@h/d"]).succeeded().out;
    assert!(shown.contains("store.url") && !shown.contains("swordfish"), "{shown}");
}

#[test]
fn the_data_and_the_database_are_looked_at_as_on_a_directory() {
    let Some(cluster) = Cluster::for_test() else { return };
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = dir.path().join("history.jsonl").to_str().unwrap().to_owned();
    run(["simulate", "--sessions", "800", "--out", &file]).succeeded();
    let url = format!("store.url={}", cluster.database().unwrap());
    let sqlite = ["--data-dir", dir.path().to_str().unwrap()];
    let postgres = ["--data-dir", elsewhere.path().to_str().unwrap(), "--set", &url];
    let of = |place: &[&str], command: &[&str]| run(command.iter().chain(place));
    let empty = of(&postgres, &["doctor", "--json"]);
    assert!(empty.code == 3 && empty.out.contains("no runtime has been started on it"), "{empty:?}");
    for place in [&sqlite[..], &postgres] {
        of(place, &["import", &file]).succeeded();
    }
    let both = |command: &[&str]| [&sqlite[..], &postgres].map(|place| of(place, command).succeeded().json());
    let [mut a, mut b] = both(&["data", "stats", "--json"]);
    assert_eq!((&a["database"], &b["database"]), (&"sqlite".into(), &"postgresql".into()));
    for stats in [&mut a, &mut b] {
        for table in stats["tables"].as_array_mut().unwrap() {
            assert!(table["size_bytes"].as_u64().is_some(), "{table}");
            for differs in ["size_bytes", "last_known"] {
                table.as_object_mut().unwrap().remove(differs);
            }
        }
    }
    assert_eq!((&a["tables"], &a["schemas"]), (&b["tables"], &b["schemas"]));
    let [mut a, mut b] = both(&["data", "check", "--json", "--fail-on", "never"]);
    for report in [&mut a, &mut b] {
        report.as_object_mut().unwrap().remove("at");
    }
    let findings = |report: &serde_json::Value| report["findings"].as_array().unwrap().len();
    assert_eq!((&a["sessions"], findings(&a)), (&b["sessions"], findings(&b)));
    assert_eq!(a["checks"], b["checks"]);
    of(&postgres, &["doctor"]).succeeded();
    let gone = run(["doctor", "--json", "--set", "store.url=postgres://u:hidden@127.0.0.1:1/d"]);
    assert!(gone.code == 3 && gone.out.contains("cannot connect") && !gone.out.contains("hidden"), "{gone:?}");
}
