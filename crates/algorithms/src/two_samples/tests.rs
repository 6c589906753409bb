use super::*;

fn a() -> Vec<f64> {
    (0..80).map(|i| f64::from(i * 37 % 101) / 101.0).collect()
}

fn b() -> Vec<f64> {
    (0..60).map(|i| (f64::from(i * 53 % 97) / 97.0).powf(1.5)).collect()
}

/// Figures of SciPy 1.17 (`ks_2samp`, `kstwobign`, `spearmanr`).
#[test]
fn figures_are_those_of_scipy() {
    let tested = kolmogorov_smirnov(&a(), &b()).unwrap();
    assert!((tested.statistic - 0.195_833_333_333_333_36).abs() < 1e-12, "{tested:?}");
    assert!((tested.p_value - 0.144_137_217_927_918_1).abs() < 1e-9, "{tested:?}");
    for (t, p) in [
        (0.3, 0.999_990_694_198_665_5),
        (0.5, 0.963_945_243_664_875_1),
        (0.9, 0.392_730_707_940_654_3),
        (1.0, 0.269_999_671_677_354_56),
        (1.36, 0.049_485_876_755_377_876),
        (2.0, 0.000_670_925_255_779_695_3),
    ] {
        assert!((kolmogorov_survival(t) - p).abs() < 1e-9, "at {t}: {}", kolmogorov_survival(t));
    }
    let (c, d) = ([0., 0., 1., 1., 1., 2., 2., 3., 5., 5.], [1., 0., 1., 2., 2., 2., 3., 3., 3., 9.]);
    assert!((spearman(&c, &d).unwrap() - 0.920_400_835_940_022).abs() < 1e-12);
    assert!((kolmogorov_smirnov(&c, &d).unwrap().statistic - 0.2).abs() < 1e-12);
}

#[test]
fn what_has_not_moved_is_as_stable_as_chance_allows() {
    use rand::{Rng, SeedableRng};
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(7);
    let mut draw = |n: usize, shift: f64| (0..n).map(|_| random.gen_range(0.0..1.0) + shift).collect::<Vec<f64>>();
    let (mut indices, mut expected) = (0.0, 0.0);
    for _ in 0..100 {
        let stability = population_stability(&draw(500, 0.0), &draw(300, 0.0), 10).unwrap();
        (indices, expected) = (indices + stability.index, expected + stability.by_chance);
    }
    assert!((indices / expected - 1.0).abs() < 0.25, "{indices} against {expected}");
    let moved = population_stability(&draw(500, 0.0), &draw(300, 0.3), 10).unwrap();
    assert!(moved.index > 0.5, "{moved:?}");
}

#[test]
fn a_column_of_two_values_has_two_classes() {
    let of = |ones: usize| (0..100).map(|i| if i < ones { 1.0 } else { 0.0 }).collect::<Vec<f64>>();
    for (before, after) in [(50, 90), (5, 60), (95, 40), (100, 50), (0, 50)] {
        let moved = population_stability(&of(before), &of(after), 10).unwrap();
        assert!(moved.index > 0.25, "{before} to {after}: {moved:?}");
        assert!(population_stability(&of(before), &of(before), 10).unwrap().index.abs() < 1e-12);
    }
    let constant = population_stability(&[0.5; 20], &[0.5; 30], 10).unwrap();
    assert!(constant.index.abs() < 1e-2 && constant.by_chance < 0.2, "{constant:?}");
}

#[test]
fn the_test_holds_its_level_and_sees_a_shift() {
    use rand::{Rng, SeedableRng};
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(11);
    let mut draw = |shift: f64| (0..200).map(|_| random.gen_range(0.0..1.0) + shift).collect::<Vec<f64>>();
    let rejected = (0..1000).filter(|_| kolmogorov_smirnov(&draw(0.0), &draw(0.0)).unwrap().p_value < 0.05).count();
    assert!((20..=65).contains(&rejected), "{rejected} of 1000 at 5 %");
    assert!(kolmogorov_smirnov(&draw(0.0), &draw(0.3)).unwrap().p_value < 1e-4);
}

#[test]
fn what_cannot_be_judged_is_refused() {
    assert_eq!(kolmogorov_smirnov(&[], &[1.0]), Err(MetricError::Empty));
    assert_eq!(population_stability(&[1.0], &[f64::NAN], 10), Err(MetricError::NotANumber { row: 0 }));
    assert!(spearman(&[1.0], &[1.0, 2.0]).is_err());
    assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), Ok(0.0));
}
