use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::causal_effects::{Basis, NoOverlap};

struct Planted {
    x: Array2<f64>,
    treated: Vec<bool>,
    outcome: Vec<f64>,
    propensity: Vec<f64>,
}

/// Treated the likelier the higher the first column; the outcome rises with it; the treatment adds `1 + 2 x1`.
fn planted(seed: u64, rows: usize) -> Planted {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let x = Array2::from_shape_fn((rows, 3), |_| rng.gen_range(-1.0..1.0));
    let propensity: Vec<f64> = x.outer_iter().map(|row| 1.0 / (1.0 + f64::exp(-1.5 * row[0]))).collect();
    let treated: Vec<bool> = propensity.iter().map(|p| rng.gen_bool(*p)).collect();
    let gain = |row: usize| if treated[row] { 1.0 + 2.0 * x[[row, 1]] } else { 0.0 };
    let outcome: Vec<f64> = (0..rows).map(|row| 2.0 * x[[row, 0]] + gain(row) + rng.gen_range(-1.0..1.0)).collect();
    Planted { x, treated, outcome, propensity }
}

fn linear() -> DoubleMachineLearningParams {
    DoubleMachineLearning::params()
        .outcome(OutcomeLearner::Ridge(Basis::Linear))
        .propensity(PropensityLearner::Logistic(Basis::Linear))
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let mut held = [0; 4];
    for seed in 0..200 {
        let data = planted(seed, 400);
        let study = Study::new(data.x.view(), &data.treated, &data.outcome, &()).unwrap();
        let params = linear().seed(seed).check().unwrap();
        let effects = params.fit(&study, &()).unwrap();
        let by_log = params.fit(&study.with_propensities(&data.propensity).unwrap(), &()).unwrap();
        let partial = params.partially_linear(&study, data.x.view(), &()).unwrap();
        let of_treated = || data.x.outer_iter().zip(&data.treated).filter(|(_, treated)| **treated);
        let on_treated = of_treated().map(|(row, _)| 1.0 + 2.0 * row[1]).sum::<f64>() / of_treated().count() as f64;
        let truths = [1.0, 1.0, 1.0, on_treated];
        let found = [Estimand::All, Estimand::All, Estimand::All, Estimand::Treated];
        let estimates =
            [effects.average(found[0]), by_log.average(found[1]), partial.average(), effects.average(found[3])];
        for ((held, estimate), truth) in held.iter_mut().zip(estimates).zip(truths) {
            *held += usize::from((estimate.low()..=estimate.high()).contains(&truth));
        }
    }
    // The effect on these very treated rows is surer than the interval says, which is of all that might have been.
    assert!(held[..3].iter().all(|held| (180..=198).contains(held)), "{held:?} of 200, 190 are expected");
    assert!(held[3] >= 185, "{held:?}");
}

#[test]
fn boosted_trees_see_what_lines_do_not() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
    let x = Array2::from_shape_fn((3000, 2), |_| rng.gen_range(-1.0..1.0));
    let treated: Vec<bool> =
        x.outer_iter().map(|row| rng.gen_bool(if f64::abs(row[0]) > 0.5 { 0.8 } else { 0.2 })).collect();
    // The treatment does nothing; what chose it raises the outcome.
    let outcome: Vec<f64> =
        x.outer_iter().map(|row| if f64::abs(row[0]) > 0.5 { 2.0 } else { 0.0 } + rng.gen_range(-1.0..1.0)).collect();
    let study = Study::new(x.view(), &treated, &outcome, &()).unwrap();
    let effect =
        |params: DoubleMachineLearningParams| params.check().unwrap().fit(&study, &()).unwrap().average(Estimand::All);
    let (lines, best) = (effect(linear()), effect(DoubleMachineLearning::params()));
    assert!(lines.effect > 0.8 && study.naive().effect > 0.8, "{lines:?}");
    assert!(best.effect.abs() < 0.1 && best.low() < 0.0, "{best:?}");
}

#[test]
fn for_whom_it_is_how_large_is_found_with_intervals() {
    let data = planted(7, 2000);
    let study = Study::new(data.x.view(), &data.treated, &data.outcome, &()).unwrap();
    let params = linear().check().unwrap();
    let effects = params.fit(&study, &()).unwrap();
    for stage in [FinalStage::default(), FinalStage::Boosting, FinalStage::Best] {
        let found = effects.conditional(data.x.view(), stage, &()).unwrap();
        for (row, truth) in [([0.0, 0.8, 0.0], 2.6), ([0.0, -0.8, 0.0], -0.6)] {
            let off = found.effect(&row).unwrap() - truth;
            assert!(off.abs() < 0.6, "{stage:?}: off by {off}");
            let deviation = found.deviation(&row).unwrap();
            assert_eq!(deviation.is_none(), stage == FinalStage::Boosting);
            assert!(deviation.is_none_or(|deviation| off.abs() < 3.5 * deviation && deviation < 0.3), "{deviation:?}");
        }
        let all = found.effects(data.x.view(), &()).unwrap();
        assert!((all[3] - found.effect(&data.x.row(3).to_vec()).unwrap()).abs() < 1e-12);
        assert!(found.effect(&[1.0]).is_err());
    }
    let partial = params.partially_linear(&study, data.x.view(), &()).unwrap();
    let slopes = partial.slopes().unwrap();
    assert!((slopes[1] - 2.0).abs() < 0.3 && slopes[0].abs() < 0.3, "{slopes:?}");
    let constant = params.partially_linear(&study, data.x.slice(ndarray::s![.., ..0]), &()).unwrap();
    assert!((constant.average().effect - 1.0).abs() < 0.2, "{:?}", constant.average());
}

#[test]
fn rows_of_one_group_count_once() {
    let data = planted(8, 300);
    let study = Study::new(data.x.view(), &data.treated, &data.outcome, &()).unwrap();
    let four = |values: &[f64]| -> Vec<f64> { values.iter().cycle().take(1200).copied().collect() };
    let views = vec![data.x.view(); 4];
    let (x, outcome) = (ndarray::concatenate(Axis(0), &views).unwrap(), four(&data.outcome));
    let treated: Vec<bool> = data.treated.iter().cycle().take(1200).copied().collect();
    let group: Vec<u64> = (0..1200).map(|row| row % 300).collect();
    let repeated = Study::new(x.view(), &treated, &outcome, &()).unwrap();
    let params = linear().check().unwrap();
    let error = |study: &Study<'_>| {
        let partial = params.partially_linear(study, study.covariates(), &()).unwrap().average().standard_error;
        [params.fit(study, &()).unwrap().average(Estimand::All).standard_error, partial]
    };
    let (once, copied, grouped) = (error(&study), error(&repeated), error(&repeated.with_groups(&group).unwrap()));
    for ((once, copied), grouped) in once.into_iter().zip(copied).zip(grouped) {
        assert!((copied / once - 0.5).abs() < 0.05, "{copied} {once}");
        assert!((grouped / once - 1.0).abs() < 0.1, "{grouped} {once}");
    }
}

#[test]
fn a_treatment_that_is_as_good_as_decided_is_refused() {
    let x = Array2::from_shape_fn((400, 1), |(row, _)| (row % 20) as f64);
    let treated: Vec<bool> = x.iter().map(|x| *x > 9.5).collect();
    let outcome: Vec<f64> = x.iter().copied().collect();
    let study = Study::new(x.view(), &treated, &outcome, &()).unwrap();
    for params in [linear(), DoubleMachineLearning::params()] {
        let refused = params.check().unwrap().fit(&study, &()).map(|effects| *effects.overlap());
        let expected = |error: &NoOverlap| matches!(error, NoOverlap::Comparable { .. } | NoOverlap::Imbalance { .. });
        assert!(matches!(&refused, Err(CausalEffectError::NoOverlap(error)) if expected(error)), "{refused:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_scores_on_one_thread_and_on_three() {
    let data = planted(9, 700);
    let study = Study::new(data.x.view(), &data.treated, &data.outcome, &()).unwrap();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| DoubleMachineLearning::params().check().unwrap().fit(&study, &()).unwrap())
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn bad_values_are_refused_by_name() {
    let error = |params: DoubleMachineLearningParams| params.check().unwrap_err().to_string();
    assert!(error(linear().folds(1)).starts_with("folds is 1"));
    assert!(error(linear().trim(0.0)).starts_with("trim is 0"));
    assert!(error(linear().overlap_minimum(-1.0)).starts_with("overlap_minimum is -1"));
    let data = planted(1, 100);
    let study = Study::new(data.x.view(), &data.treated, &data.outcome, &()).unwrap();
    let stop = |_: u64, _: u64| Err(crate::Interrupted);
    let stopped = linear().check().unwrap().fit(&study, &stop);
    assert_eq!(stopped, Err(CausalEffectError::Interrupted(crate::Interrupted)));
}
