//! Boosted trees and an isotonic map together, on planted failures that no single column and no line explains.

use ndarray::{Array2, ArrayView1, s};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::calibration::{IsotonicRegression, PlattScaling};
use souffleur_algorithms::gbdt::GradientBoosting;
use souffleur_algorithms::logistic::LogisticRegression;
use souffleur_algorithms::metrics::{Bins, auroc, confusion, expected_calibration_error};

const TRAIN: usize = 6_000;
const CALIBRATE: usize = 2_000;
const JUDGE: usize = 4_000;

/// Three failure modes: an interval crossed with a threshold, an exclusive-or, and a corner.
fn fails(row: ArrayView1<'_, f64>) -> bool {
    let interval = (0.35..0.65).contains(&row[1]) && row[11] > 0.5;
    let exclusive = (row[5] > 0.5) != (row[29] > 0.5) && row[30] > 0.7;
    let corner = row[2] < 0.3 && row[3] < 0.4;
    interval || exclusive || corner
}

fn planted(seed: u64) -> (Array2<f64>, Vec<bool>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let x = Array2::from_shape_simple_fn((TRAIN + CALIBRATE + JUDGE, 31), || rng.r#gen::<f64>());
    let labels = x.outer_iter().map(|row| rng.r#gen::<f64>() < if fails(row) { 0.9 } else { 0.06 }).collect();
    (x, labels)
}

#[test]
fn planted_failures_are_found_and_their_probability_is_right() {
    for seed in 0..3 {
        let (x, labels) = planted(seed);
        let (calibrate, judge) = (TRAIN..TRAIN + CALIBRATE, TRAIN + CALIBRATE..x.nrows());
        let boosted = GradientBoosting::params().check().unwrap();
        let boosted = boosted.fit(x.slice(s![..TRAIN, ..]), &labels[..TRAIN], &()).unwrap();
        let scores = boosted.log_odds(x.view(), &()).unwrap().to_vec();
        let truth = &labels[judge.clone()];

        let map = IsotonicRegression::fit_labels(&scores[calibrate.clone()], &labels[calibrate.clone()]).unwrap();
        let found: Vec<f64> = scores[judge.clone()].iter().map(|score| map.predict(*score)).collect();
        let calls = confusion(&found, truth, 0.5).unwrap();
        assert!(calls.accuracy().unwrap() > 0.8, "seed {seed}: {calls:?}");
        assert!(calls.false_positive_rate().unwrap() < 0.15, "seed {seed}: {calls:?}");
        let error = expected_calibration_error(&found, truth, Bins::EqualMass(10)).unwrap();
        assert!(error <= 0.03, "seed {seed}: calibration error {error}");

        // A sigmoid bends the boosted scores less well into shape, but must keep their order.
        let map = PlattScaling::fit(&scores[calibrate.clone()], &labels[calibrate], &()).unwrap();
        let by_sigmoid: Vec<f64> = scores[judge.clone()].iter().map(|score| map.predict(*score)).collect();
        let area = auroc(&scores[judge.clone()], truth).unwrap();
        assert!((auroc(&by_sigmoid, truth).unwrap() - area).abs() < 1e-9);

        // The failures are planted so that a linear model cannot see most of them.
        let linear = LogisticRegression::params().check().unwrap();
        let linear = linear.fit(x.slice(s![..TRAIN, ..]), &labels[..TRAIN], &()).unwrap();
        let by_line = linear.log_odds(x.slice(s![judge, ..]), &()).unwrap().to_vec();
        assert!(area > auroc(&by_line, truth).unwrap() + 0.1, "seed {seed}");
    }
}
