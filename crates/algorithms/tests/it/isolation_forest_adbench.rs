//! The isolation forest against scikit-learn's on 15 tables of ADBench (Han et al. 2022).

use std::path::{Path, PathBuf};

use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::isolation_forest::IsolationForest;
use souffleur_algorithms::metrics::auroc;

use crate::npz;

/// The reference is scikit-learn's mean over `random_state` 0, 1 and 2. The same seeds grow the same trees here, so
/// agreement is far closer than the tolerance; other seeds would differ by up to .03 on the small tables, in both.
const SEEDS: u64 = 3;
const TOLERANCE: f64 = 0.005;

fn data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let data = std::env::var_os("SOUFFLEUR_SHARED").map_or(beside, PathBuf::from).join("data");
    data.join("anomaly/adbench").exists().then_some(data)
}

/// `"iforest_auc"` of one set in the reference file: scikit-learn's mean over its seeds.
fn reference(json: &str, set: &str) -> f64 {
    let (_, entry) = json.split_once(&format!("\"{set}\"")).expect("set in the reference");
    let (_, value) = entry.split_once("\"iforest_auc\":").expect("figure in the reference");
    value.split([',', '}']).next().unwrap().trim().parse().unwrap()
}

#[test]
fn auroc_is_that_of_scikit_learn() {
    let Some(data) = data() else {
        println!("skipped: no reference data (SOUFFLEUR_SHARED)");
        return;
    };
    let json = std::fs::read_to_string(data.join("reference/anomaly_iforest.json")).unwrap();
    let mut sets: Vec<PathBuf> = std::fs::read_dir(data.join("anomaly/adbench"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "npz"))
        .collect();
    sets.sort();
    assert!(!sets.is_empty(), "no tables beside the reference");
    let mut off = Vec::new();
    for path in sets {
        let set = path.file_stem().unwrap().to_str().unwrap();
        let (x, labels) = npz::read(&path);
        let of_seed = |seed| {
            let forest = IsolationForest::params().seed(seed).check().unwrap().fit(x.view(), &()).unwrap();
            auroc(forest.score(x.view(), &()).unwrap().as_slice().unwrap(), &labels).unwrap()
        };
        let mean = (0..SEEDS).map(of_seed).sum::<f64>() / SEEDS as f64;
        let expected = reference(&json, set);
        println!("{set:16} {mean:.4} expected {expected:.4} difference {:+.6}", mean - expected);
        if (mean - expected).abs() > TOLERANCE {
            off.push(format!("{set}: {mean:.4}, expected {expected:.4}"));
        }
    }
    assert!(off.is_empty(), "further than {TOLERANCE} from scikit-learn: {off:?}");
}
