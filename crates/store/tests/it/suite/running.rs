//! Leases, runs and models.

use souffleur_core::component::Measurement;
use souffleur_core::ids::{DataVersion, Epoch, Seq};
use souffleur_core::store::{Basis, Claim, Lease, RunCommit, RunFailure, RunState, Store, StoreError};
use souffleur_core::time::Timestamp;

use crate::records::{NOW, metric, named, run};

fn claim(store: &dyn Store, component: &str, run_id: &str) -> Lease {
    store.claim(Claim::new(component, run_id, NOW, 1000)).wait().unwrap()
}

fn failure(lease: Lease, state: RunState) -> RunFailure {
    RunFailure { lease, now: Timestamp(NOW.0 + 2), state, reason: "too few rows".into() }
}

fn states(store: &dyn Store, component: &str) -> Vec<(String, RunState)> {
    store.runs(component, 10).unwrap().into_iter().map(|run| (run.run_id, run.state)).collect()
}

pub(crate) fn a_run_is_claimed_and_committed(store: &dyn Store) {
    store.append(vec![named("a")], NOW).wait().unwrap();
    let lease = claim(store, "k_means", "r1");
    assert_eq!((lease.epoch, lease.expires), (Epoch(1), Timestamp(NOW.0 + 1_000_000)));
    let pending = store.unfinished_runs().unwrap();
    assert_eq!((pending[0].run_id.as_str(), pending[0].state), ("r1", RunState::Running));
    assert_eq!(pending.len(), 1);
    let commit = run(lease);
    let committed = store.commit_run(commit.clone()).wait().unwrap();
    assert_eq!(committed.seq, Seq(7), "a commit has one place in the global order");
    assert_eq!(store.watermark().unwrap(), committed.seq);
    assert!(store.unfinished_runs().unwrap().is_empty());
    let row = store.runs("k_means", 10).unwrap().remove(0);
    assert_eq!(row.state, RunState::Succeeded);
    assert_eq!((row.version, row.duration_ms), (Some(commit.version), Some(5)));
    assert_eq!((row.started, row.ended), (NOW, Some(commit.now)));
    assert_eq!((row.report, row.metrics), (Some(commit.report), commit.metrics));
    let model = store.latest_model("k_means").unwrap().unwrap();
    assert_eq!((model.run_id.as_str(), model.epoch, model.created), ("r1", Epoch(1), commit.now));
    assert_eq!((model.snapshot, model.version), (commit.snapshot, commit.version));
    assert_eq!(store.model_rows(&model.model_id).unwrap(), (commit.version, commit.rows));
}

pub(crate) fn a_stale_epoch_is_fenced(store: &dyn Store) {
    let old = claim(store, "k_means", "r1");
    let new = claim(store, "k_means", "r2");
    claim(store, "apriori", "r3");
    assert_eq!(new.epoch, Epoch(2));
    let fenced = StoreError::Fenced { component: "k_means".into(), have: Epoch(1), current: Epoch(2) };
    assert_eq!(store.commit_run(run(old.clone())).wait(), Err(fenced.clone()));
    assert_eq!(store.fail_run(failure(old, RunState::Failed)).wait(), Err(fenced));
    assert_eq!(store.watermark().unwrap(), Seq::ZERO, "nothing was written");
    assert_eq!(store.latest_model("k_means").unwrap(), None);
    assert_eq!(states(store, "k_means"), [("r2".into(), RunState::Running), ("r1".into(), RunState::Abandoned)]);
    assert!(store.runs("k_means", 10).unwrap()[1].reason.as_deref().unwrap().contains("r2"));
    store.commit_run(run(new)).wait().unwrap();
    assert_eq!(states(store, "apriori"), [("r3".into(), RunState::Running)], "others go on");
}

pub(crate) fn a_failed_run_leaves_no_model(store: &dyn Store) {
    let lease = claim(store, "k_means", "r1");
    store.fail_run(failure(lease.clone(), RunState::Failed)).wait().unwrap();
    store.fail_run(failure(lease.clone(), RunState::Failed)).wait().unwrap();
    let row = store.runs("k_means", 1).unwrap().remove(0);
    assert_eq!((row.state, row.reason.as_deref()), (RunState::Failed, Some("too few rows")));
    assert!(store.unfinished_runs().unwrap().is_empty());
    let error = store.commit_run(run(lease.clone())).wait().unwrap_err().to_string();
    assert!(error.contains("r1") && error.contains("failed"), "{error}");
    assert_eq!(store.latest_model("k_means").unwrap(), None);
    let error = store.fail_run(failure(lease, RunState::Succeeded)).wait().unwrap_err().to_string();
    assert!(error.contains("succeeded"), "{error}");
    let lease = claim(store, "k_means", "r2");
    store.fail_run(failure(lease, RunState::Cancelled)).wait().unwrap();
    assert_eq!(states(store, "k_means")[0], ("r2".into(), RunState::Cancelled));
}

pub(crate) fn a_commit_sent_twice_is_kept_once(store: &dyn Store) {
    let lease = claim(store, "k_means", "r1");
    let first = store.commit_run(run(lease.clone())).wait().unwrap();
    assert_eq!(store.commit_run(run(lease)).wait().unwrap(), first);
    assert_eq!(store.counts().unwrap().models, 1);
    let error = store.claim(Claim::new("k_means", "r1", NOW, 1)).wait().unwrap_err().to_string();
    assert!(error.contains("r1"), "a run's name is used once: {error}");
}

pub(crate) fn the_newest_model_is_the_latest(store: &dyn Store) {
    for (n, run_id) in ["r1", "r2", "r3"].into_iter().enumerate() {
        let lease = claim(store, "k_means", run_id);
        // The first and the last are the same to the byte.
        let snapshot = vec![u8::try_from(n % 2).unwrap()];
        store.commit_run(RunCommit { snapshot, ..run(lease) }).wait().unwrap();
    }
    let model = store.latest_model("k_means").unwrap().unwrap();
    assert_eq!((model.run_id.as_str(), model.snapshot), ("r3", vec![0]));
    assert_eq!(store.latest_model("apriori").unwrap(), None);
}

pub(crate) fn runs_are_listed_newest_first(store: &dyn Store) {
    for run_id in ["r1", "r2", "r3"] {
        claim(store, "k_means", run_id);
    }
    let names: Vec<_> = store.runs("k_means", 2).unwrap().into_iter().map(|run| run.run_id).collect();
    assert_eq!(names, ["r3", "r2"]);
    assert!(store.runs("apriori", 2).unwrap().is_empty());
}

pub(crate) fn a_model_has_its_contents_name(store: &dyn Store) {
    let id = |component: &str, run_id: &str, change: &dyn Fn(&mut RunCommit)| {
        let mut commit = run(claim(store, component, run_id));
        change(&mut commit);
        store.commit_run(commit).wait().unwrap();
        store.latest_model(component).unwrap().unwrap().model_id
    };
    let first = id("k_means", "r1", &|_| {});
    assert!(first.starts_with("k_means-"), "{first}");
    assert_eq!(id("k_means", "r2", &|_| {}), first);
    assert_ne!(id("k_means", "r3", &|commit| commit.snapshot.push(0)), first);
    assert_ne!(id("k_means", "r4", &|commit| commit.seed = 0), first);
    assert_ne!(id("k_means", "r5", &|commit| commit.rows.truncate(1)), first);
    assert_ne!(id("apriori", "r6", &|_| {}), first);
}

pub(crate) fn a_figure_that_is_no_number_does_not_hide_the_run(store: &dyn Store) {
    let metrics = [("auroc", f64::NAN), ("loss", f64::INFINITY), ("rows", 0.1)].map(|(m, v)| Measurement::new(m, v));
    let lease = claim(store, "k_means", "r1");
    store.commit_run(RunCommit { metrics: metrics.to_vec(), ..run(lease) }).wait().unwrap();
    let stored = store.runs("k_means", 1).unwrap().remove(0).metrics;
    assert_eq!(stored.iter().map(|m| m.metric.as_str()).collect::<Vec<_>>(), ["auroc", "loss", "rows"]);
    assert!(stored[0].value.is_nan() && stored[1].value.is_nan());
    assert_eq!(stored[2].value, 0.1);
}

pub(crate) fn unknown_names_are_refused(store: &dyn Store) {
    let error = store.model_rows("nothing").unwrap_err();
    assert_eq!(error, StoreError::Unknown { what: "model", name: "nothing".into() });
    let lease = Lease {
        component: "k_means".into(),
        run_id: "r1".into(),
        epoch: Epoch(1),
        expires: Timestamp(0),
        watermark: Seq(0),
    };
    let error = store.commit_run(run(lease.clone())).wait().unwrap_err();
    assert_eq!(error, StoreError::Unknown { what: "lease", name: "k_means".into() });
    claim(store, "k_means", "r9");
    let error = store.commit_run(run(lease)).wait().unwrap_err();
    assert_eq!(error, StoreError::Unknown { what: "run", name: "r1".into() });
}

pub(crate) fn a_claim_whose_basis_does_not_hold_is_refused(store: &dyn Store) {
    let based_on = |run_id: &str, model: Option<&str>, new_rows| {
        let basis = Some(Basis { model: model.map(str::to_owned), new_rows });
        store.claim(Claim { basis, ..Claim::new("k_means", run_id, NOW, 1000) }).wait()
    };
    let not_due = |model: Option<&str>, new_rows| StoreError::NotDue {
        component: "k_means".into(),
        model_id: model.map(str::to_owned),
        new_rows,
    };
    // A session, two rule applications and an opinion; the two rules teach nothing.
    store.append(vec![named("a")], NOW).wait().unwrap();
    assert_eq!(based_on("r1", None, 5), Err(not_due(None, 4)));
    let first = based_on("r2", None, 4).unwrap();
    assert_eq!(first.watermark, Seq(6));
    let version = DataVersion { watermark: Seq(6), schema_hash: 1 };
    let model = store.commit_run(RunCommit { version, ..run(first) }).wait().unwrap().model_id;
    assert_eq!(based_on("r3", None, 0), Err(not_due(Some(&model), 0)));
    assert_eq!(based_on("r4", Some(&model), 1), Err(not_due(Some(&model), 0)));
    store.append(vec![named("b"), metric("s", 1.0)], NOW).wait().unwrap();
    assert_eq!(based_on("r5", Some(&model), 5), Err(not_due(Some(&model), 4)));
    assert_eq!(store.runs("k_means", 10).unwrap().len(), 1, "a refused claim leaves no run");
    assert_eq!(based_on("r6", Some(&model), 4).unwrap().epoch.0, 2);
}
