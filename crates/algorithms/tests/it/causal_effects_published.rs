//! Effects held against published studies and against statsmodels on the same tables.

use std::io::Read;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::causal_effects::{
    Basis, DoubleMachineLearning, Estimand, Estimate, InverseWeighting, OutcomeLearner, PropensityLearner,
    RegressionAdjustment, Study,
};

fn table(name: &str) -> Option<Table> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let path = std::env::var_os("SOUFFLEUR_SHARED").map_or(beside, PathBuf::from).join("data/causal").join(name);
    let Ok(file) = std::fs::File::open(path) else {
        println!("skipped: no reference data (SOUFFLEUR_SHARED)");
        return None;
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<String>>());
    Some(Table { names: lines.next().unwrap(), rows: lines.collect() })
}

struct Table {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn column(&self, name: &str) -> Vec<f64> {
        let at = self.names.iter().position(|n| n == name).unwrap();
        self.rows.iter().map(|row| row[at].parse().unwrap()).collect()
    }

    fn flags(&self, name: &str) -> Vec<bool> {
        self.column(name).iter().map(|value| *value == 1.0).collect()
    }

    fn covariates(&self, names: &[&str]) -> Array2<f64> {
        let columns: Vec<Vec<f64>> = names.iter().map(|name| self.column(name)).collect();
        Array2::from_shape_fn((self.rows.len(), names.len()), |(row, column)| columns[column][row])
    }
}

/// The experiment's own difference of means, 1,794 with standard error 633 (Dehejia & Wahba 1999, table 2).
const NSW: (f64, f64) = (1794.0 - 1.96 * 633.0, 1794.0 + 1.96 * 633.0);

fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance * expected.abs(), "{what}: {found}, expected {expected}");
}

#[test]
fn the_job_training_experiment_is_as_published() {
    let Some(table) = table("nsw_mixtape.csv.gz") else { return };
    let x = table.covariates(&["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]);
    let (treated, outcome) = (table.flags("treat"), table.column("re78"));
    let study = Study::new(x.view(), &treated, &outcome, &()).unwrap();
    let regression = |interactions, estimand| {
        let params = RegressionAdjustment::params().interactions(interactions).check().unwrap();
        params.estimate(&study, estimand, &()).unwrap()
    };
    assert_close(study.naive().effect, 1_794.342_404_270_271, 1e-12, "difference of means");
    assert_close(study.naive().standard_error, 670.996_546_381_524_1, 1e-9, "its error");
    // statsmodels 0.15: OLS with cov_type "HC1", without and with centred interactions.
    let additive = regression(false, Estimand::All);
    assert_close(additive.effect, 1_676.342_643_767_720_3, 1e-9, "additive regression");
    assert_close(additive.standard_error, 676.733_701_094_126_9, 1e-9, "its error");
    let by_arm = regression(true, Estimand::All);
    assert_close(by_arm.effect, 1_621.583_101_443_834_7, 1e-9, "regression by arm");
    assert_close(by_arm.standard_error, 689.367_668_333_859_6, 0.02, "its error");
    assert_close(regression(false, Estimand::Treated).effect, 1_787.760_635_373_223_3, 1e-9, "on the treated");
    let weighted = InverseWeighting::params().check().unwrap().estimate(&study, Estimand::All, &()).unwrap();
    // statsmodels' logit has no penalty.
    assert_close(weighted.estimate.effect, 1_641.315_221_655_835_6, 0.02, "weighting");
    for (name, found) in [("regression", additive), ("by arm", by_arm), ("weighting", weighted.estimate)] {
        println!("{name}: {:.0} ({:.0} to {:.0})", found.effect, found.low(), found.high());
        assert!(NSW.0 < found.effect && found.effect < NSW.1, "{name} lies outside the published interval: {found:?}");
    }
}

/// Smoking and weight: 3.4 kg, 95 % interval 2.4 to 4.5 (Hernan & Robins, What If, chapter 12), naive 2.5.
#[test]
fn weight_gained_by_those_who_stop_smoking_is_as_published() {
    let Some(table) = table("nhefs_complete.csv.gz") else { return };
    let mut names = vec!["sex", "race"];
    let numbers = ["age", "smokeintensity", "smokeyrs", "wt71"];
    names.extend(numbers);
    let plain = table.covariates(&names);
    let categories = [("education", 2..=5), ("exercise", 1..=2), ("active", 1..=2)];
    let flags = categories.iter().flat_map(|(name, levels)| levels.clone().map(move |level| (*name, f64::from(level))));
    let flags: Vec<(Vec<f64>, f64)> = flags.map(|(name, level)| (table.column(name), level)).collect();
    let width = names.len() + numbers.len() + flags.len();
    let x = Array2::from_shape_fn((plain.nrows(), width), |(row, column)| match column {
        0..6 => plain[[row, column]],
        6..10 => plain[[row, column - 4]].powi(2),
        _ => f64::from(u8::from(flags[column - 10].0[row] == flags[column - 10].1)),
    });
    let (treated, outcome) = (table.flags("qsmk"), table.column("wt82_71"));
    let study = Study::new(x.view(), &treated, &outcome, &()).unwrap();
    assert_close(study.naive().effect, 2.540_581_454_955_887_6, 1e-9, "naive");
    let inside = |name: &str, found: Estimate| {
        println!("{name}: {:.2} ({:.2} to {:.2})", found.effect, found.low(), found.high());
        assert!((3.0..=3.8).contains(&found.effect), "{name} is not about 3.4: {found:?}");
        assert!((2.2..=2.7).contains(&found.low()) && (4.1..=4.8).contains(&found.high()), "{name}: {found:?}");
    };
    let weighting = InverseWeighting::params().check().unwrap();
    inside("weighting", weighting.estimate(&study, Estimand::All, &()).unwrap().estimate);
    let regression = RegressionAdjustment::params().interactions(true).check().unwrap();
    inside("regression", regression.estimate(&study, Estimand::All, &()).unwrap());
}

/// Double machine learning on the experiment, beside an own AIPW in Python (1,684 with error 686) and its partially linear
/// figure (1,661).
#[test]
fn double_machine_learning_of_the_experiment_is_inside_its_interval() {
    let Some(table) = table("nsw_mixtape.csv.gz") else { return };
    let x = table.covariates(&["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]);
    let (treated, outcome) = (table.flags("treat"), table.column("re78"));
    let study = Study::new(x.view(), &treated, &outcome, &()).unwrap();
    let params = DoubleMachineLearning::params()
        .outcome(OutcomeLearner::Ridge(Basis::Linear))
        .propensity(PropensityLearner::Logistic(Basis::Linear))
        .check()
        .unwrap();
    let effects = params.fit(&study, &()).unwrap();
    let partial = params.partially_linear(&study, x.slice(ndarray::s![.., ..0]), &()).unwrap().average();
    let best = DoubleMachineLearning::params().check().unwrap().fit(&study, &()).unwrap();
    for (name, found) in
        [("AIPW", effects.average(Estimand::All)), ("partially linear", partial), ("best", best.average(Estimand::All))]
    {
        println!("{name}: {:.0} ({:.0} to {:.0})", found.effect, found.low(), found.high());
        assert!(NSW.0 < found.effect && found.effect < NSW.1, "{name} lies outside the published interval: {found:?}");
        assert!((600.0..=760.0).contains(&found.standard_error), "{name}: {found:?}");
    }
}
