use super::*;
use crate::input::{BadLabels, NotFinite};
use crate::logistic::LogisticRegressionParamsError;
use crate::{Interrupted, ParamGuard};
use ndarray::{Array2, array};
use proptest::prelude::*;

/// Three columns that are easy to make anywhere, and labels that follow two of them with exceptions.
fn table() -> (Array2<f64>, Vec<bool>) {
    let x = Array2::from_shape_fn((200, 3), |(row, column)| ((row * (7 + 6 * column) + row * row) % 53) as f64 / 53.0);
    let labels =
        x.outer_iter().enumerate().map(|(row, values)| (values[0] - values[1] > 0.1) != (row % 7 == 0)).collect();
    (x, labels)
}

fn fit(x: &Array2<f64>, labels: &[bool], l2: f64) -> LogisticRegression {
    LogisticRegression::params().l2(l2).check().unwrap().fit(x.view(), labels, &()).unwrap()
}

#[test]
fn autotraits() {
    fn has_autotraits<T: Send + Sync + Sized + Unpin>() {}
    has_autotraits::<LogisticRegression>();
    has_autotraits::<LogisticRegressionParams>();
    has_autotraits::<LogisticRegressionValidParams>();
    has_autotraits::<LogisticRegressionError>();
    has_autotraits::<LogisticRegressionParamsError>();
}

/// LogisticRegression(C=1/l2, tol=1e-12, solver="newton-cholesky", max_iter=1000).fit(x, labels), scikit-learn 1.9.1.
#[test]
fn parameters_are_those_of_scikit_learn() {
    let check = |l2: f64, expected: [f64; 4]| {
        let (x, labels) = table();
        let model = fit(&x, &labels, l2);
        let found = model.coefficients().iter().chain(std::iter::once(&model.intercept));
        for (found, expected) in found.zip(expected) {
            assert!((found - expected).abs() < 1e-6, "l2 {l2}: {model:?}, not {expected}");
        }
    };
    check(1.0, [3.056741068, -2.102212827, 0.539331951, -1.166379017]);
    check(0.01, [4.748002096, -3.645710474, 0.312594235, -1.202601220]);
}

#[test]
fn separable_rows_have_a_minimum_all_the_same() {
    let x = array![[0.0], [1.0], [2.0], [3.0]];
    let model = fit(&x, &[false, false, true, true], 1e-6);
    assert!(model.coefficients()[0] > 5.0 && model.coefficients()[0].is_finite());
}

#[test]
fn the_result_does_not_depend_on_threads_or_type() {
    let x = Array2::from_shape_fn((3000, 4), |(row, column)| ((row * (column + 3)) % 64) as f64 / 64.0);
    let labels: Vec<bool> = (0..3000).map(|row| row % 5 < 2).collect();
    let in_pool = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| fit(&x, &labels, 1.0))
    };
    let model = in_pool(1);
    assert_eq!(in_pool(3), model);
    let x32 = x.mapv(|value| value.to_f32());
    assert_eq!(LogisticRegression::params().check().unwrap().fit(x32.view(), &labels, &()).unwrap(), model);
}

#[test]
fn bad_input_is_refused_by_name() {
    let (mut x, labels) = table();
    let model = fit(&x, &labels, 1.0);
    let params = LogisticRegression::params().check().unwrap();
    let refused = |x: &Array2<f64>, labels: &[bool]| params.fit(x.view(), labels, &()).unwrap_err();
    assert_eq!(refused(&x, &labels[1..]), BadLabels::Lengths { rows: 200, labels: 199 }.into());
    assert_eq!(refused(&x, &[false; 200]), BadLabels::OneClass(false).into());
    assert_eq!(refused(&Array2::zeros((2, 513)), &[true, false]), LogisticRegressionError::TooManyColumns(513));
    assert_eq!(refused(&Array2::zeros((2, 0)), &[]), BadLabels::Empty { rows: 2, columns: 0 }.into());
    let one_step = LogisticRegression::params().max_steps(1).check().unwrap().fit(x.view(), &labels, &());
    assert!(matches!(one_step, Err(LogisticRegressionError::NotConverged { steps: 1, .. })));
    let narrow = Array2::<f64>::zeros((1, 2));
    let columns = LogisticRegressionError::Columns { expected: 3, found: 2 };
    assert_eq!(model.probability(narrow.view(), &()), Err(columns));
    x[[9, 1]] = f64::INFINITY;
    assert_eq!(refused(&x, &labels), LogisticRegressionError::NotFinite(NotFinite { row: 9, column: 1 }));
    let stop = |_: u64, _: u64| Err(Interrupted);
    let (x, labels) = table();
    assert_eq!(params.fit(x.view(), &labels, &stop), Err(LogisticRegressionError::Interrupted(Interrupted)));
}

/// Of so many rows every sixteenth gives the start; wherever that is, the minimum is the one that the rows have in any order.
#[test]
fn a_start_from_rows_unlike_the_others_changes_nothing() {
    let x = Array2::from_shape_fn((4000, 2), |(row, column)| ((row * (7 + 6 * column) + row / 16) % 53) as f64 / 53.0);
    let true_label = |row: usize| (x[[row, 0]] > 0.4) != row.is_multiple_of(7);
    let kinds: [fn(bool) -> bool; 3] = [|label| label, |label| !label, |_| true];
    for of_sampled in kinds {
        let label = |row: usize| if row.is_multiple_of(16) { of_sampled(true_label(row)) } else { true_label(row) };
        let labels: Vec<bool> = (0..4000).map(label).collect();
        let order: Vec<usize> = (0..4000).map(|row| row * 1231 % 4000).collect();
        let shuffled: Vec<bool> = order.iter().map(|row| labels[*row]).collect();
        let (found, expected) = (fit(&x, &labels, 1.0), fit(&x.select(ndarray::Axis(0), &order), &shuffled, 1.0));
        for (a, b) in found.coefficients().iter().zip(expected.coefficients()) {
            assert!((a - b).abs() < 1e-6, "{found:?}, {expected:?}");
        }
        let sum = found.probability(x.view(), &()).unwrap().sum();
        let positives = labels.iter().filter(|label| **label).count() as f64;
        assert!((sum - positives).abs() < 1e-8 * 4000.0, "{sum} {positives}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The intercept is free, so the mean probability is the share of positives; and the gradient vanishes.
    #[test]
    fn the_mean_is_kept(
        rows in prop::collection::vec((prop::collection::vec(-3.0..3.0f64, 3), any::<bool>()), 3..80),
        l2 in 1e-3..10.0f64,
    ) {
        let labels: Vec<bool> = rows.iter().map(|row| row.1).collect();
        prop_assume!(labels.contains(&true) && labels.contains(&false));
        let x = Array2::from_shape_fn((rows.len(), 3), |(row, column)| rows[row].0[column]);
        let model = fit(&x, &labels, l2);
        let found = model.probability(x.view(), &()).unwrap();
        let positives = labels.iter().filter(|label| **label).count() as f64;
        prop_assert!((found.sum() - positives).abs() < 1e-6 * labels.len() as f64);
        for column in 0..3 {
            let pull: f64 = (0..rows.len()).map(|row| (found[row] - f64::from(u8::from(labels[row]))) * x[[row, column]]).sum();
            prop_assert!((pull + l2 * model.coefficients()[column]).abs() < 1e-6 * labels.len() as f64);
        }
    }
}
