use super::*;
use crate::ParamGuard;
use crate::causal_effects::{Estimand, RegressionAdjustment};

fn adjusted(study: &Study<'_>) -> Result<Estimate, CausalEffectError> {
    RegressionAdjustment::params().check()?.estimate(study, Estimand::All, &())
}

struct Planted {
    x: Array2<f64>,
    treated: Vec<bool>,
    outcome: Vec<f64>,
    logged: Vec<f64>,
}

/// Treated the likelier the higher `x` is; the treatment adds 1.
fn planted() -> Planted {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let x = Array2::from_shape_fn((400, 1), |_| rng.gen_range(-1.0..1.0));
    let logged: Vec<f64> = x.iter().map(|x| 0.5 + 0.4 * x).collect();
    let treated: Vec<bool> = logged.iter().map(|p| rng.gen_bool(*p)).collect();
    let outcome = x.iter().zip(&treated).map(|(x, t)| 3.0 * x + f64::from(u8::from(*t)));
    Planted { outcome: outcome.map(|y| y + 0.5 * rng.gen_range(-1.0..1.0)).collect(), x, treated, logged }
}

#[test]
fn a_sound_estimate_withstands() {
    let data = planted();
    let study = Study::new(data.x.view(), &data.treated, &data.outcome, &()).unwrap();
    let group: Vec<u64> = (0..400).map(|row| row / 2).collect();
    for study in [study, study.with_propensities(&data.logged).unwrap().with_groups(&group).unwrap()] {
        let original = adjusted(&study).unwrap();
        for refuter in [Refuter::Placebo, Refuter::RandomCommonCause, Refuter::Subset(0.8)] {
            let found = refute(&study, &original, refuter, 20, 1, &(), adjusted).unwrap();
            assert!(found.passed, "{found:?} of {original:?}");
            assert_eq!(found, refute(&study, &original, refuter, 20, 1, &(), adjusted).unwrap());
        }
    }
}

#[test]
fn an_estimate_that_does_not_adjust_is_caught_by_a_placebo_dealt_out_as_logged() {
    let data = planted();
    let study = Study::new(data.x.view(), &data.treated, &data.outcome, &()).unwrap();
    let study = study.with_propensities(&data.logged).unwrap();
    let naive = |study: &Study<'_>| Ok(study.naive());
    let found = refute(&study, &study.naive(), Refuter::Placebo, 20, 1, &(), naive).unwrap();
    assert!(!found.passed && found.effect > 0.5, "{found:?}");
}

#[test]
fn bad_requests_are_refused_by_name() {
    let data = planted();
    let study = Study::new(data.x.view(), &data.treated, &data.outcome, &()).unwrap();
    let refused =
        |refuter, repeats| refute(&study, &study.naive(), refuter, repeats, 1, &(), adjusted).unwrap_err().to_string();
    assert!(refused(Refuter::Placebo, 0).starts_with("repeats is 0"));
    assert!(refused(Refuter::Subset(1.0), 3).starts_with("share is 1"));
    let stop = |_: u64, _: u64| Err(crate::Interrupted);
    let stopped = refute(&study, &study.naive(), Refuter::Placebo, 2, 1, &stop, adjusted);
    assert_eq!(stopped, Err(CausalEffectError::Interrupted(crate::Interrupted)));
}
