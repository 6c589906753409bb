use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;

fn estimate(study: &Study<'_>, interactions: bool, estimand: Estimand) -> Result<Estimate, CausalEffectError> {
    RegressionAdjustment::params().interactions(interactions).check().unwrap().estimate(study, estimand, &())
}

/// Rows treated the likelier the higher `x` is; the treatment adds `1 + x`, and `x` itself 2.
fn planted(seed: u64, rows: usize) -> (Array2<f64>, Vec<bool>, Vec<f64>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let x = Array2::from_shape_fn((rows, 2), |_| rng.gen_range(-1.0..1.0));
    let treated: Vec<bool> = x.outer_iter().map(|row| rng.gen_bool(0.5 + 0.3 * row[0])).collect();
    let effect = |row: usize| if treated[row] { 1.0 + x[[row, 0]] } else { 0.0 };
    let outcome: Vec<f64> = (0..rows).map(|row| 2.0 * x[[row, 0]] + effect(row) + rng.gen_range(-1.0..1.0)).collect();
    (x, treated, outcome)
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    // E[x | treated] is .2: P(treated | x) = .5 + .3 x, x uniform on (-1, 1).
    let (mut all, mut of_treated) = (0, 0);
    for seed in 0..300 {
        let (x, treated, outcome) = planted(seed, 200);
        let study = Study::new(x.view(), &treated, &outcome, &()).unwrap();
        let holds = |found: Estimate, truth: f64| usize::from((found.low()..=found.high()).contains(&truth));
        all += holds(estimate(&study, true, Estimand::All).unwrap(), 1.0);
        of_treated += holds(estimate(&study, false, Estimand::Treated).unwrap(), 1.2);
    }
    assert!((273..=297).contains(&all), "{all} of 300, 285 are expected");
    assert!((273..=297).contains(&of_treated), "{of_treated} of 300, 285 are expected");
}

#[test]
fn a_treatment_that_the_covariates_determine_is_refused() {
    let x = Array2::from_shape_fn((40, 2), |(row, column)| if column == 0 { (row % 2) as f64 } else { 3.0 });
    let treated: Vec<bool> = (0..40).map(|row| row % 2 == 0).collect();
    let outcome: Vec<f64> = (0..40).map(f64::from).collect();
    let study = Study::new(x.view(), &treated, &outcome, &()).unwrap();
    assert_eq!(estimate(&study, false, Estimand::All), Err(CausalEffectError::Collinear));
}

#[test]
fn no_covariate_at_all_leaves_the_difference_of_means() {
    let (_, treated, outcome) = planted(3, 100);
    let x = Array2::<f64>::zeros((100, 0));
    let study = Study::new(x.view(), &treated, &outcome, &()).unwrap();
    for interactions in [false, true] {
        let found = estimate(&study, interactions, Estimand::All).unwrap();
        assert!((found.effect - study.naive().effect).abs() < 1e-9, "{found:?}");
        assert!((found.standard_error / study.naive().standard_error - 1.0).abs() < 0.02, "{found:?}");
    }
}

#[test]
fn the_watch_interrupts() {
    let (x, treated, outcome) = planted(5, 100);
    let study = Study::new(x.view(), &treated, &outcome, &()).unwrap();
    let stop = |_: u64, _: u64| Err(crate::Interrupted);
    let found = RegressionAdjustment::params().check().unwrap().estimate(&study, Estimand::All, &stop);
    assert_eq!(found, Err(CausalEffectError::Interrupted(crate::Interrupted)));
}
