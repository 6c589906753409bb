//! The registry of models.

use souffleur_core::ids::Seq;
use souffleur_core::store::{
    Claim, Origin, Registry, RunCommit, Stage, Store, StoreError, Verdict, VersionPage, VersionRow,
};

use crate::records::{NOW, run};

/// Commits a model with this snapshot; the gate says whether it is promoted.
pub(crate) fn model(store: &dyn Store, component: &str, run_id: &str, snapshot: &[u8], promote: bool) -> Seq {
    let lease = store.claim(Claim::new(component, run_id, NOW, 1000)).wait().unwrap();
    let origin = Origin { promote, gate: format!("gate {promote}"), ..Origin::default() };
    store.commit_run(RunCommit { snapshot: snapshot.to_vec(), origin, ..run(lease) }).wait().unwrap().seq
}

fn registry(store: &dyn Store) -> &dyn Registry {
    store.registry().unwrap()
}

fn page(store: &dyn Store, component: Option<&str>, before: Option<Seq>, limit: usize) -> Vec<VersionRow> {
    let component = component.map(str::to_owned);
    registry(store).versions(&VersionPage { component, stage: None, before, limit }).unwrap()
}

fn stages(store: &dyn Store, component: &str) -> Vec<(i64, Stage)> {
    page(store, Some(component), None, 99).into_iter().map(|row| (row.version, row.stage)).collect()
}

pub(crate) fn a_model_enters_as_the_next_version(store: &dyn Store) {
    let first = model(store, "k_means", "r1", &[1], true);
    let second = model(store, "k_means", "r2", &[2], false);
    model(store, "apriori", "r3", &[3], true);
    assert_eq!(stages(store, "k_means"), [(2, Stage::Candidate), (1, Stage::Live)]);
    assert_eq!(stages(store, "apriori"), [(1, Stage::Live)]);
    let third = model(store, "k_means", "r4", &[4], true);
    assert_eq!(stages(store, "k_means"), [(3, Stage::Live), (2, Stage::Candidate), (1, Stage::Archived)]);
    assert_eq!(registry(store).servable("k_means", 9).unwrap(), [third, first], "a candidate is no fallback");
    let row = registry(store).version("k_means@2").unwrap();
    assert_eq!((row.seq, row.reason.as_str(), row.kept, row.snapshot_bytes), (second, "gate false", true, 1));
}

pub(crate) fn models_are_listed_in_pages(store: &dyn Store) {
    let all: Vec<_> = (0..7).map(|n| model(store, "k_means", &format!("r{n}"), &[n], true)).collect();
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let rows = page(store, None, before, 3);
        before = rows.last().map(|row| row.seq);
        seen.extend(rows.iter().map(|row| row.seq));
        if rows.len() < 3 {
            break;
        }
    }
    assert_eq!(seen, all.into_iter().rev().collect::<Vec<_>>());
    let live = VersionPage { component: None, stage: Some(Stage::Live), before: None, limit: 9 };
    assert_eq!(registry(store).versions(&live).unwrap().len(), 1);
}

pub(crate) fn a_model_has_many_names(store: &dyn Store) {
    let (first, second) = (model(store, "k_means", "r1", &[1], true), model(store, "k_means", "r2", &[2], false));
    registry(store).set_alias(first, "stable").wait().unwrap();
    let id = registry(store).at(second).unwrap().model_id;
    let names = [("k_means@live", first), ("k_means@newest", second), ("k_means@1", first), ("k_means@stable", first)];
    for (name, seq) in names.into_iter().chain([(id.as_str(), second)]) {
        assert_eq!(registry(store).version(name).unwrap().seq, seq, "{name}");
    }
    let moved = registry(store).set_alias(second, "stable").wait().unwrap();
    assert_eq!(moved.aliases, ["stable"]);
    assert_eq!(registry(store).version("k_means@stable").unwrap().seq, second);
    assert!(registry(store).at(first).unwrap().aliases.is_empty());
    assert_eq!(registry(store).drop_alias("k_means", "stable").wait(), Ok(true));
    assert_eq!(registry(store).drop_alias("k_means", "stable").wait(), Ok(false));
    for name in ["k_means@stable", "k_means@3", "apriori@live", "nothing"] {
        let error = registry(store).version(name).unwrap_err();
        assert_eq!(error, StoreError::Unknown { what: "model", name: name.into() });
    }
}

pub(crate) fn a_promoted_model_is_the_live_one(store: &dyn Store) {
    let seqs: Vec<_> = (0..3).map(|n| model(store, "k_means", &format!("r{n}"), &[n], true)).collect();
    let live = registry(store).promote(seqs[0], "gone back to").wait().unwrap();
    assert_eq!((live.seq, live.stage, live.reason.as_str()), (seqs[0], Stage::Live, "gone back to"));
    assert_eq!(stages(store, "k_means"), [(3, Stage::Archived), (2, Stage::Archived), (1, Stage::Live)]);
    assert_eq!(registry(store).servable("k_means", 2).unwrap(), [seqs[0], seqs[2]]);
    let stored = registry(store).stored(seqs[0]).unwrap();
    assert_eq!((stored.model.snapshot, stored.flaw), (vec![0], None));
    // The next one that passes the gate takes its place as always.
    model(store, "k_means", "r9", &[9], true);
    assert_eq!(stages(store, "k_means")[0], (4, Stage::Live));
    let error = registry(store).promote(Seq(99), "").wait().unwrap_err();
    assert_eq!(error, StoreError::Unknown { what: "model", name: "99".into() });
}

/// Twenty models are kept unless the settings say otherwise.
pub(crate) fn old_snapshots_make_room(store: &dyn Store) {
    let first = model(store, "k_means", "r0", &[0], true);
    let second = model(store, "k_means", "r1", &[1], true);
    registry(store).promote(first, "best").wait().unwrap();
    registry(store).set_alias(second, "reference").wait().unwrap();
    let rest: Vec<_> = (2..24).map(|n| model(store, "k_means", &format!("r{n}"), &[n], false)).collect();
    let row = |seq| registry(store).at(seq).unwrap();
    assert!(row(first).kept && row(second).kept, "the live one and the named one stay");
    let kept: Vec<_> = rest.iter().map(|seq| row(*seq).kept).collect();
    assert_eq!(kept, [vec![false; 2], vec![true; 20]].concat());
    let gone = row(rest[0]);
    assert_eq!((gone.stage, gone.snapshot_bytes), (Stage::Archived, 1));
    assert_eq!(store.model_rows(&gone.model_id).unwrap().1.len(), 3, "what it was trained on is still known");
    let stored = registry(store).stored(rest[0]).unwrap();
    assert!(stored.flaw.is_some() && stored.model.snapshot.is_empty());
    let error = registry(store).promote(rest[0], "").wait().unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error}");
}

pub(crate) fn a_manifest_tells_what_a_model_was_made_from(store: &dyn Store) {
    let lease = store.claim(Claim::new("k_means", "r1", NOW, 1000)).wait().unwrap();
    let origin = Origin {
        program: "souffleur 1".into(),
        params: serde_json::json!({"k": 3}),
        snapshot_version: 2,
        previous: Some("k_means-0".into()),
        products: [("apriori".to_owned(), "r0".to_owned())].into(),
        promote: true,
        gate: "first".into(),
    };
    let commit = RunCommit { origin: origin.clone(), ..run(lease) };
    let seq = store.commit_run(commit.clone()).wait().unwrap().seq;
    let manifest = registry(store).manifest(seq).unwrap().unwrap();
    assert_eq!((manifest.component.as_str(), manifest.version, manifest.run_id.as_str()), ("k_means", 1, "r1"));
    assert_eq!((manifest.seed, manifest.data, manifest.rows), (commit.seed, commit.version, 3));
    assert_eq!((manifest.params, manifest.snapshot_version), (origin.params, 2));
    assert_eq!((manifest.previous, manifest.products), (origin.previous, origin.products));
    assert_eq!(manifest.metrics, commit.metrics);
    assert_eq!(manifest.snapshot_sha256, "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81");
    assert!(registry(store).is_snapshot(seq, &[1, 2, 3]).unwrap());
    assert!(!registry(store).is_snapshot(seq, &[1, 2, 4]).unwrap());
    assert_eq!(registry(store).report("r1").unwrap(), Some(commit.report));
    assert_eq!(registry(store).report("r0").unwrap(), None);
    assert_eq!(registry(store).verify(seq).unwrap(), Verdict::Unsigned, "the store has no key");
}
