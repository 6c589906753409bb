//! Effects beside statsmodels and EconML on the very same rows, where a Python with them is found (see `peer`): 20 normal
//! covariates, of which four lead to the treatment; its effect is 1 on average and rises with the fifth.
//!
//! Regression: the coefficient of the treatment with HC1 errors (`OLS(...).fit(cov_type="HC1")`); both must agree. Linear double
//! machine learning: `LinearDML` with linear and logistic regression, two folds, the fifth covariate as the effect modifier.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark measures by the clock, prints, and ends where something fails"
)]

mod peer;

use ndarray::{Array2, s};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::causal_effects::{
    Basis, ConditionalEffects, DoubleMachineLearning, Estimand, Estimate, OutcomeLearner, PropensityLearner,
    RegressionAdjustment, Study,
};

const COVARIATES: usize = 20;
const MODIFIER: usize = 4;

struct Rows {
    x: Array2<f64>,
    treated: Vec<bool>,
    outcome: Vec<f64>,
}

fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    let (radius, angle): (f64, f64) = (rng.r#gen(), rng.r#gen());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

fn rows(count: usize) -> Rows {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(61);
    let x = Array2::from_shape_fn((count, COVARIATES), |_| normal(&mut rng));
    let log_odds = |row: usize| 0.6 * x[[row, 0]] - 0.5 * x[[row, 1]] + 0.4 * x[[row, 2]].sin() + 0.3 * x[[row, 3]];
    let treated: Vec<bool> = (0..count).map(|row| rng.gen_bool(1.0 / (1.0 + (-log_odds(row)).exp()))).collect();
    let outcome = (0..count)
        .map(|row| {
            let gain = if treated[row] { 1.0 + 0.5 * x[[row, MODIFIER]] } else { 0.0 };
            let base = 1.5 * x[[row, 0]] + x[[row, 1]] - 0.8 * x[[row, 2]].powi(2) + 0.5 * x[[row, 5]];
            gain + base + normal(&mut rng)
        })
        .collect();
    Rows { x, treated, outcome }
}

fn regression(rows: &Rows) -> Estimate {
    let study = Study::new(rows.x.view(), &rows.treated, &rows.outcome, &()).unwrap();
    RegressionAdjustment::params().check().unwrap().estimate(&study, Estimand::All, &()).unwrap()
}

fn linear_dml(rows: &Rows) -> ConditionalEffects {
    let study = Study::new(rows.x.view(), &rows.treated, &rows.outcome, &()).unwrap();
    let params = DoubleMachineLearning::params()
        .folds(2)
        .outcome(OutcomeLearner::Ridge(Basis::Linear))
        .propensity(PropensityLearner::Logistic(Basis::Linear));
    let modifiers = rows.x.slice(s![.., MODIFIER..=MODIFIER]);
    params.check().unwrap().partially_linear(&study, modifiers, &()).unwrap()
}

/// Prints median seconds, effect and error of `OLS`, then seconds, effect and slope of `LinearDML`.
const PEERS: &str = "
import warnings; warnings.filterwarnings('ignore')
import statsmodels.api as sm
from econml.dml import LinearDML
from sklearn.linear_model import LinearRegression, LogisticRegression
W, Y, T = inputs[0], inputs[1].ravel(), inputs[2]
times = 5 if len(W) <= 100000 else 3
X = sm.add_constant(np.column_stack([T, W])); found = {}
def ols(_): found['ols'] = sm.OLS(Y, X).fit(cov_type='HC1')
ols_seconds = median_seconds(times, ols)
M, R = W[:, 4:5], np.delete(W, 4, 1)
def dml(_):
    m = LinearDML(model_y=LinearRegression(), model_t=LogisticRegression(), discrete_treatment=True, cv=2, random_state=0)
    m.fit(Y, T, X=M, W=R); found['dml'] = m
dml(0)
dml_seconds = median_seconds(times, dml)
m = found['dml']
print(ols_seconds, found['ols'].params[1], found['ols'].bse[1], dml_seconds, float(m.ate(M)), float(np.ravel(m.coef_)[0]))
";

fn compare(count: usize) {
    let rows = rows(count);
    let times = if count <= 100_000 { 15 } else { 5 };
    let name = format!("causal_effects/{count}");
    let (by_regression, by_dml) = (regression(&rows), linear_dml(&rows));
    let own_regression = peer::median_seconds(times, || regression(&rows));
    let own_dml = peer::median_seconds(times, || linear_dml(&rows));
    println!("{name}: regression {:.4} in {own_regression:.5} s", by_regression.effect);
    let (average, slopes) = (by_dml.average(), by_dml.slopes().unwrap());
    println!("{name}: linear double machine learning {:.4}, slope {:.4} in {own_dml:.5} s", average.effect, slopes[0]);
    let outcome = Array2::from_shape_vec((count, 1), rows.outcome.clone()).unwrap();
    let treated: Vec<i32> = rows.treated.iter().map(|treated| i32::from(*treated)).collect();
    let inputs = [peer::Input::Matrix(&rows.x), peer::Input::Matrix(&outcome), peer::Input::Labels(&treated)];
    let Some(peers) = peer::run(&name, PEERS, &inputs) else { return };
    let [ols_seconds, effect, error, dml_seconds, ate, slope] = peers[..] else { return };
    println!("{name}: statsmodels {ols_seconds:.5} s ({:.1} times)", ols_seconds / own_regression);
    println!("{name}: EconML {ate:.4}, slope {slope:.4} in {dml_seconds:.5} s ({:.1} times)", dml_seconds / own_dml);
    assert!((by_regression.effect / effect - 1.0).abs() < 1e-8, "{by_regression:?}, statsmodels says {effect}");
    assert!((by_regression.standard_error / error - 1.0).abs() < 1e-8, "{by_regression:?}, statsmodels says {error}");
    let apart = (average.effect - ate).abs() / average.standard_error;
    assert!(apart < 1.0, "the parts differ, but not by so much: {average:?}, EconML says {ate}");
}

fn main() {
    for count in [10_000, 100_000, 1_000_000] {
        compare(count);
    }
}
