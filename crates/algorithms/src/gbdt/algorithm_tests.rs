use super::*;
use crate::ParamGuard;
use crate::input::{BadLabels, NotFinite};
use crate::metrics::{auroc, log_loss};
use crate::watch::Interrupted;
use ndarray::{Array2, array, s};
use proptest::prelude::*;

/// A fixed table, easy to make in any language: a 64-bit linear congruential generator, its top 53 bits in [0, 1).
struct Table(u64);

impl Table {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Eight columns in [0, 1); the log-odds have a step, an interaction and a bump.
    fn rows(mut self, rows: usize) -> (Array2<f64>, Vec<bool>) {
        let x = Array2::from_shape_simple_fn((rows, 8), || self.next());
        let of_row = |row: ndarray::ArrayView1<'_, f64>| {
            let step = if row[0] > 0.6 && row[1] < 0.5 { 3.0 } else { -1.0 };
            step + 4.0 * (row[2] - 0.5) * (row[3] - 0.5) * 4.0 + 2.0 * (6.0 * row[4]).sin()
        };
        let labels = x.outer_iter().map(|row| self.next() < logistic(of_row(row))).collect();
        (x, labels)
    }
}

fn fit(x: &Array2<f64>, labels: &[bool]) -> GradientBoosting {
    GradientBoosting::params().check().unwrap().fit(x.view(), labels, &()).unwrap()
}

#[test]
fn autotraits() {
    fn has_autotraits<T: Send + Sync + Sized + Unpin>() {}
    has_autotraits::<GradientBoosting>();
    has_autotraits::<GradientBoostingParams>();
    has_autotraits::<GradientBoostingValidParams>();
    has_autotraits::<GradientBoostingError>();
}

/// HistGradientBoostingClassifier(max_iter=100, learning_rate=.1, max_depth=5, max_leaf_nodes=32, max_bins=64,
/// min_samples_leaf=20, l2_regularization=1, early_stopping=False), scikit-learn 1.9.1, on the same 6,000 rows: fitted
/// on the first 4,000, judged on the rest.
#[test]
fn quality_is_that_of_scikit_learn() {
    const AUROC: f64 = 0.870972;
    const LOG_LOSS: f64 = 0.450665;
    let (x, labels) = Table(1).rows(6000);
    let model = fit(&x.slice(s![..4000, ..]).to_owned(), &labels[..4000]);
    let found = model.probability(x.slice(s![4000.., ..]), &()).unwrap().to_vec();
    let (area, loss) = (auroc(&found, &labels[4000..]).unwrap(), log_loss(&found, &labels[4000..]).unwrap());
    assert!((area - AUROC).abs() < 0.01, "AUROC {area}, scikit-learn {AUROC}");
    assert!((loss - LOG_LOSS).abs() < 0.01, "log-loss {loss}, scikit-learn {LOG_LOSS}");
}

#[test]
fn importance_names_the_features_that_matter() {
    let (x, labels) = Table(2).rows(4000);
    let importance = fit(&x, &labels).importance();
    assert!((importance.sum() - 1.0).abs() < 1e-12);
    let least_used = importance.iter().take(5).copied().fold(1.0, f64::min);
    let most_idle = importance.iter().skip(5).copied().fold(0.0, f64::max);
    assert!(least_used > 2.0 * most_idle, "{importance}");
}

#[test]
fn one_tree_by_hand() {
    // Base log-odds 0; p = .5, so gradients are -+.5 and hessians .25. Left: G = .5 * 3, H = .75; right: the negative.
    let x = array![[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]];
    let labels = [false, false, false, true, true, true];
    let params = GradientBoosting::params().n_trees(1).max_depth(1).min_leaf_rows(1).learning_rate(0.5).l2(0.25);
    let model = params.check().unwrap().fit(x.view(), &labels, &()).unwrap();
    assert_eq!(model.splits[1], Split { feature: 0, threshold: 3.5 });
    assert_eq!(model.log_odds(x.view(), &()).unwrap(), array![-0.75, -0.75, -0.75, 0.75, 0.75, 0.75]);
}

#[test]
fn predictions_on_training_rows_are_the_fitted_log_odds() {
    let (x, labels) = Table(3).rows(1000);
    let few = GradientBoosting::params().n_trees(7).check().unwrap().fit(x.view(), &labels, &()).unwrap();
    let many = GradientBoosting::params().n_trees(8).check().unwrap().fit(x.view(), &labels, &()).unwrap();
    // Seven trees are the first seven of eight, which were grown on the fitted log-odds.
    assert_eq!(few.splits[..], many.splits[..few.splits.len()]);
    let losses =
        [few, many].map(|model| log_loss(&model.probability(x.view(), &()).unwrap().to_vec(), &labels).unwrap());
    assert!(losses[1] < losses[0], "{losses:?}");
}

#[test]
fn the_result_does_not_depend_on_threads_or_type() {
    let (x, labels) = Table(4).rows(3000);
    let x = x.mapv(|value| f64::from(value.to_f32()));
    let in_pool = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| fit(&x, &labels))
    };
    let model = in_pool(1);
    assert_eq!(in_pool(3), model);
    let x32 = x.mapv(|value| value.to_f32());
    let of_f32 = GradientBoosting::params().check().unwrap().fit(x32.view(), &labels, &()).unwrap();
    assert_eq!(of_f32, model);
    assert_eq!(model.probability(x32.view(), &()).unwrap(), model.probability(x.view(), &()).unwrap());
}

#[test]
fn noise_without_signal_stays_near_the_base_rate() {
    let (x, mut labels) = Table(5).rows(2000);
    labels.iter_mut().enumerate().for_each(|(row, label)| *label = row % 4 == 0);
    let constant = Array2::from_elem(x.raw_dim(), 1.0);
    let found = fit(&constant, &labels).probability(constant.view(), &()).unwrap();
    assert!(found.iter().all(|p| (p - 0.25).abs() < 1e-6));
}

#[test]
fn bad_input_is_refused_by_name() {
    let (mut x, labels) = Table(6).rows(50);
    let model = fit(&x, &labels);
    let params = GradientBoosting::params().check().unwrap();
    let fit = |x: &Array2<f64>, labels: &[bool]| params.fit(x.view(), labels, &()).unwrap_err();
    assert_eq!(fit(&x, &labels[1..]), BadLabels::Lengths { rows: 50, labels: 49 }.into());
    assert_eq!(fit(&x, &[true; 50]), BadLabels::OneClass(true).into());
    assert_eq!(fit(&Array2::zeros((0, 8)), &[]), BadLabels::Empty { rows: 0, columns: 8 }.into());
    let narrow = Array2::<f64>::zeros((1, 2));
    assert_eq!(model.log_odds(narrow.view(), &()), Err(GradientBoostingError::Columns { expected: 8, found: 2 }));
    x[[3, 4]] = f64::NAN;
    let not_finite = GradientBoostingError::NotFinite(NotFinite { row: 3, column: 4 });
    assert_eq!(fit(&x, &labels), not_finite);
    assert_eq!(model.probability(x.view(), &()), Err(not_finite));
}

#[test]
fn fit_and_predict_can_be_interrupted() {
    let (x, labels) = Table(7).rows(300);
    let params = GradientBoosting::params().check().unwrap();
    let stop = |_: u64, _: u64| Err(Interrupted);
    assert_eq!(params.fit(x.view(), &labels, &stop), Err(GradientBoostingError::Interrupted(Interrupted)));
    let later = |done: u64, total: u64| if total == 100 && done > 3 { Err(Interrupted) } else { Ok(()) };
    assert_eq!(params.fit(x.view(), &labels, &later), Err(GradientBoostingError::Interrupted(Interrupted)));
    assert_eq!(fit(&x, &labels).log_odds(x.view(), &stop), Err(GradientBoostingError::Interrupted(Interrupted)));
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let (x, labels) = Table(8).rows(100);
    let GradientBoosting { base, slots, splits, leaves, gains } = fit(&x, &labels);
    let stored = |slots, gains: &[f64]| Stored {
        base,
        slots,
        splits: splits.clone(),
        leaves: leaves.clone(),
        gains: gains.to_vec(),
    };
    assert!(GradientBoosting::try_from(stored(slots, &gains)).is_ok());
    assert!(GradientBoosting::try_from(stored(slots, &gains[..1])).is_err());
    assert!(GradientBoosting::try_from(stored(7, &gains)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any finite table fits; probabilities are in [0, 1], and a monotone change of scale changes no prediction.
    #[test]
    fn any_finite_input_fits(
        values in prop::collection::vec((-30i8..30).prop_map(f64::from), 4..200),
        columns in 1usize..4,
        labels in prop::collection::vec(any::<bool>(), 200),
    ) {
        let rows = values.len().div_ceil(columns);
        let x = Array2::from_shape_fn((rows, columns), |(row, column)| values[(row * columns + column) % values.len()]);
        let labels = &labels[..rows];
        prop_assume!(labels.contains(&true) && labels.contains(&false));
        let params = GradientBoosting::params().n_trees(10).min_leaf_rows(2).check().unwrap();
        let found = params.fit(x.view(), labels, &()).unwrap().probability(x.view(), &()).unwrap();
        prop_assert!(found.iter().all(|p| (0.0..=1.0).contains(p)));
        let scaled = x.mapv(|value| 8.0 * value + 3.0);
        prop_assert_eq!(params.fit(scaled.view(), labels, &()).unwrap().probability(scaled.view(), &()).unwrap(), found);
    }
}
