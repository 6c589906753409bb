use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::causal_effects::NoOverlap;

fn estimate(study: &Study<'_>, estimand: Estimand) -> Result<Weighted, CausalEffectError> {
    InverseWeighting::params().check().unwrap().estimate(study, estimand, &())
}

struct Planted {
    x: Array2<f64>,
    treated: Vec<bool>,
    outcome: Vec<f64>,
    propensity: Vec<f64>,
}

/// The probability of treatment and the outcome rise with `x`; the treatment adds `1 + x`.
fn planted(seed: u64, rows: usize) -> Planted {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let x = Array2::from_shape_fn((rows, 1), |_| rng.gen_range(-1.0..1.0));
    let propensity: Vec<f64> = x.iter().map(|x| 1.0 / (1.0 + f64::exp(-1.5 * x))).collect();
    let treated: Vec<bool> = propensity.iter().map(|p| rng.gen_bool(*p)).collect();
    let outcome = x.iter().zip(&treated).map(|(x, treated)| 2.0 * x + if *treated { 1.0 + x } else { 0.0 });
    Planted { outcome: outcome.map(|y| y + rng.gen_range(-1.0..1.0)).collect(), x, treated, propensity }
}

#[test]
fn logged_probabilities_give_intervals_that_hold_and_estimated_ones_narrower_truths() {
    let (mut logged, mut estimated, mut both) = (0, 0, 0);
    for seed in 0..200 {
        let data = planted(seed, 400);
        let study = Study::new(data.x.view(), &data.treated, &data.outcome, &()).unwrap();
        let holds = |found: &Weighted| usize::from((found.estimate.low()..=found.estimate.high()).contains(&1.0));
        let by_log = estimate(&study.with_propensities(&data.propensity).unwrap(), Estimand::All).unwrap();
        let by_model = estimate(&study, Estimand::All).unwrap();
        assert!(by_log.logged && !by_model.logged);
        let of_treated = |row: usize| if data.treated[row] { data.propensity[row] } else { f64::NAN };
        let half_logged: Vec<f64> = (0..400).map(of_treated).collect();
        let by_both = estimate(&study.with_propensities(&half_logged).unwrap(), Estimand::All).unwrap();
        both += holds(&by_both);
        logged += holds(&by_log);
        estimated += holds(&by_model);
    }
    assert!((180..=198).contains(&logged), "{logged} of 200, 190 are expected");
    assert!(both >= 180, "{both} of 200");
    assert!(estimated >= 188, "{estimated} of 200: errors of estimated probabilities are on the safe side");
}

#[test]
fn the_effect_on_the_treated_is_that_of_their_covariates() {
    let data = planted(1, 20_000);
    let study = Study::new(data.x.view(), &data.treated, &data.outcome, &()).unwrap();
    let found = estimate(&study, Estimand::Treated).unwrap();
    let of_treated = || data.x.iter().zip(&data.treated).filter(|(_, treated)| **treated);
    let truth = of_treated().map(|(x, _)| 1.0 + x).sum::<f64>() / of_treated().count() as f64;
    assert!((found.estimate.effect - truth).abs() < 0.06, "{found:?}, {truth}");
    assert_eq!(found.estimate.rows, of_treated().count());
    let Overlap { imbalance, imbalance_weighted, comparable, .. } = found.overlap;
    assert!(imbalance > 0.5 && imbalance_weighted < 0.05 && comparable == 20_000, "{found:?}");
}

#[test]
fn arms_that_are_not_alike_are_refused_with_the_reason() {
    let data = planted(2, 400);
    let study = Study::new(data.x.view(), &data.treated, &data.outcome, &()).unwrap();
    // Whoever was treated was sure to be.
    let sure: Vec<f64> = data.treated.iter().map(|treated| if *treated { 0.999 } else { 0.001 }).collect();
    let error = estimate(&study.with_propensities(&sure).unwrap(), Estimand::All).unwrap_err();
    assert!(
        matches!(error, CausalEffectError::NoOverlap(NoOverlap::Comparable { of: "rows", share: 0.0, .. })),
        "{error}"
    );
    let expected =
        "only 0.000 of the rows have a probability of treatment between 0.01 and 0.99: at least 0.5 is needed";
    assert_eq!(error.to_string(), expected);
    // Two treated rows were all but excluded.
    let mut rare = vec![0.9; 400];
    (0..400).filter(|row| data.treated[*row]).take(2).for_each(|row| rare[row] = 0.0101);
    let error = estimate(&study.with_propensities(&rare).unwrap(), Estimand::All).unwrap_err();
    assert!(matches!(error, CausalEffectError::NoOverlap(NoOverlap::Effective { arm: "treated", .. })), "{error}");
}

#[test]
fn bad_bounds_are_refused_by_name() {
    let error = |params: InverseWeightingParams| params.check().unwrap_err().to_string();
    assert!(error(InverseWeighting::params().trim(0.5)).starts_with("trim is 0.5"));
    assert!(error(InverseWeighting::params().overlap_minimum(1.5)).starts_with("overlap_minimum is 1.5"));
}
