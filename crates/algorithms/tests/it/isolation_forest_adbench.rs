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

/// AUROC of scikit-learn 1.9.1's `IsolationForest(100, max_samples=256)`, mean over `random_state` 0 to 9, computed
/// with `roc_auc_score(y, -forest.score_samples(X))` on each table.
const SCIKIT_LEARN_TEN_SEEDS: [(&str, f64); 15] = [
    ("14_glass", 0.786396),
    ("15_Hepatitis", 0.712744),
    ("18_Ionosphere", 0.846088),
    ("20_letter", 0.639173),
    ("23_mammography", 0.861483),
    ("28_pendigits", 0.941782),
    ("2_annthyroid", 0.818421),
    ("31_satimage-2", 0.993569),
    ("32_shuttle", 0.997039),
    ("38_thyroid", 0.978114),
    ("39_vertebral", 0.356079),
    ("40_vowels", 0.756703),
    ("42_WBC", 0.995211),
    ("4_breastw", 0.987257),
    ("6_cardio", 0.932860),
];

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

/// The tables, or nothing where the reference data is absent.
fn tables() -> Option<(PathBuf, Vec<PathBuf>)> {
    let Some(data) = data() else {
        println!("skipped: no reference data (SOUFFLEUR_SHARED)");
        return None;
    };
    let folder = std::fs::read_dir(data.join("anomaly/adbench")).unwrap();
    let mut sets: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    sets.retain(|path| path.extension().is_some_and(|extension| extension == "npz"));
    sets.sort();
    assert_eq!(sets.len(), SCIKIT_LEARN_TEN_SEEDS.len(), "tables beside the reference");
    Some((data, sets))
}

/// Mean AUROC over the seeds `0..seeds`.
fn mean_auroc(path: &Path, seeds: u64) -> f64 {
    let (x, labels) = npz::read(path);
    let of_seed = |seed| {
        let forest = IsolationForest::params().seed(seed).check().unwrap().fit(x.view(), &()).unwrap();
        auroc(forest.score(x.view(), &()).unwrap().as_slice().unwrap(), &labels).unwrap()
    };
    (0..seeds).map(of_seed).sum::<f64>() / seeds as f64
}

fn assert_close(sets: &[PathBuf], seeds: u64, expected: impl Fn(&str) -> f64) {
    let mut off = Vec::new();
    for path in sets {
        let set = path.file_stem().unwrap().to_str().unwrap();
        let (mean, expected) = (mean_auroc(path, seeds), expected(set));
        println!("{set:16} {mean:.4} expected {expected:.4} difference {:+.6}", mean - expected);
        if (mean - expected).abs() > TOLERANCE {
            off.push(format!("{set}: {mean:.4}, expected {expected:.4}"));
        }
    }
    assert!(off.is_empty(), "further than {TOLERANCE} from scikit-learn: {off:?}");
}

#[test]
fn auroc_is_that_of_the_reference() {
    let Some((data, sets)) = tables() else { return };
    let json = std::fs::read_to_string(data.join("reference/anomaly_iforest.json")).unwrap();
    assert_close(&sets, SEEDS, |set| reference(&json, set));
}

#[test]
fn auroc_over_ten_seeds_is_that_of_scikit_learn() {
    let Some((_, sets)) = tables() else { return };
    assert_close(&sets, 10, |set| SCIKIT_LEARN_TEN_SEEDS.iter().find(|(name, _)| *name == set).expect("a figure").1);
}
