use super::*;
use crate::ParamGuard;
use crate::isolation_forest::{Contributions, IsolationForestParamsError};
use ndarray::{Array2, array};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

fn noise(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    // A sum of uniforms: near enough to normal, and bounded.
    Array2::from_shape_simple_fn((rows, columns), || (0..12).map(|_| rng.r#gen::<f64>()).sum::<f64>() - 6.0)
}

fn fit(x: &Array2<f64>, seed: u64) -> IsolationForest {
    IsolationForest::params().seed(seed).check().unwrap().fit(x.view(), &()).unwrap()
}

#[test]
fn autotraits() {
    fn has_autotraits<T: Send + Sync + Sized + Unpin>() {}
    has_autotraits::<IsolationForest>();
    has_autotraits::<IsolationForestParams>();
    has_autotraits::<IsolationForestValidParams>();
    has_autotraits::<IsolationForestError>();
    has_autotraits::<IsolationForestParamsError>();
    has_autotraits::<Contributions>();
}

#[test]
fn the_planted_outlier_has_the_highest_score() {
    let mut x = noise(500, 5, 1);
    x.row_mut(123).fill(5.0);
    let scores = fit(&x, 0).score(x.view(), &()).unwrap();
    let highest = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    assert_eq!(highest, 123);
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
}

#[test]
fn the_planted_feature_has_the_largest_contribution() {
    let columns = 6;
    let mut x = noise(1000, columns, 2);
    for feature in 0..columns {
        x[[feature, feature]] = 8.0;
    }
    let found = fit(&x, 3).contributions(x.view(), &()).unwrap();
    for row in 0..columns {
        let values = found.values.row(row);
        let largest = values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        assert_eq!(largest, row, "{values}");
        assert!(values[row] > 0.5 * values.sum(), "{values}");
    }
}

#[test]
fn contributions_add_up_to_what_the_path_lacks() {
    let x = noise(400, 7, 4);
    let forest = fit(&x, 5);
    let found = forest.contributions(x.view(), &()).unwrap();
    let paths = forest.path_length(x.view(), &()).unwrap();
    for row in 0..x.nrows() {
        assert!((found.path_length[row] - paths[row]).abs() < 1e-9);
        assert!((found.values.row(row).sum() - (found.baseline - paths[row])).abs() < 1e-9);
    }
}

/// With distinct values in one column, n rows and enough height, a row's path is that of a random binary search tree.
#[test]
fn path_lengths_agree_with_brute_force() {
    let x = noise(200, 3, 6);
    let forest = fit(&x, 7);
    let x32 = x.mapv(|value| value.to_f32());
    let paths = forest.path_length(x32.view(), &()).unwrap();
    for (row, path) in x32.outer_iter().zip(&paths) {
        let mut sum = 0.0;
        for tree in 0..forest.n_trees() {
            let slots = tree * forest.slots..(tree + 1) * forest.slots;
            let (splits, leaves) = (&forest.splits[slots.clone()], &forest.leaf_path[slots]);
            let mut slot = 1;
            while slot < splits.len() {
                let right = sort_key(row[splits[slot].feature as usize]) > splits[slot].key;
                slot = 2 * slot + usize::from(right);
            }
            sum += f64::from(leaves[slot - splits.len()]);
        }
        assert!((path - sum / forest.n_trees() as f64).abs() < 1e-12);
    }
}

#[test]
fn every_training_row_is_in_exactly_one_leaf() {
    let forest = fit(&noise(1000, 4, 8), 9);
    assert_eq!((forest.n_trees(), forest.sample_rows(), forest.height()), (100, 256, 8));
    for leaves in forest.leaf_rows.chunks_exact(forest.slots) {
        assert_eq!(leaves.iter().sum::<u32>(), 256);
    }
}

#[test]
fn the_result_does_not_depend_on_threads_or_layout() {
    let x = noise(3000, 6, 10);
    let in_pool = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let forest = fit(&x, 11);
            let scores = forest.score(x.view(), &()).unwrap();
            (forest, scores)
        })
    };
    let (forest, scores) = in_pool(1);
    assert_eq!(in_pool(3), (forest.clone(), scores.clone()));
    let columns_first = x.t().as_standard_layout().to_owned();
    assert_eq!(fit(&columns_first.t().to_owned(), 11), forest);
    assert_eq!(forest.score(columns_first.t(), &()).unwrap(), scores);
    let one_by_one = x.axis_chunks_iter(Axis(0), 1).map(|row| forest.score(row, &()).unwrap()[0]);
    assert!(one_by_one.eq(scores.iter().copied()));
}

#[test]
fn more_trees_leave_the_first_ones_as_they_are() {
    let x = noise(300, 3, 12);
    let few = IsolationForest::params().n_trees(3).check().unwrap().fit(x.view(), &()).unwrap();
    let many = IsolationForest::params().n_trees(9).check().unwrap().fit(x.view(), &()).unwrap();
    assert_eq!(few.splits[..], many.splits[..few.splits.len()]);
}

/// -IsolationForest(random_state=5).fit(X).score_samples(X) at a few rows, scikit-learn 1.9.1, for numbers of rows
/// that are sampled by different methods, with one constant column.
#[test]
fn scores_are_those_of_scikit_learn() {
    let check = |rows: usize, expected: [f64; 4]| {
        let value = |(row, column): (usize, usize)| match column {
            3 => 7.0,
            _ => ((row * row * (column + 3) + 11 * row) % (101 + column)) as f64 / 7.0,
        };
        let mut x = Array2::from_shape_fn((rows, 5), value);
        x[[17, 1]] = -40.0;
        let scores = fit(&x, 5).score(x.view(), &()).unwrap();
        for (row, expected) in [0, 1, 17, 200].into_iter().zip(expected) {
            assert!((scores[row] - expected).abs() < 1e-6, "{rows} rows, row {row}: {}, not {expected}", scores[row]);
        }
    };
    check(201, [0.604105870, 0.506391504, 0.743694896, 0.488082959]);
    check(400, [0.603985310, 0.505051533, 0.685327261, 0.492829877]);
    check(30_000, [0.624539368, 0.525936285, 0.574243299, 0.507650767]);
}

#[test]
fn degenerate_inputs_score_as_scikit_learn_does() {
    // IsolationForest(random_state=0).fit(X) and -score_samples(X), scikit-learn 1.9.1: .5 for one row, and for rows all alike.
    let one = array![[3.0, 4.0]];
    assert_eq!(fit(&one, 0).score(one.view(), &()).unwrap(), array![0.5]);
    let alike = Array2::from_elem((50, 3), 2.5);
    let scores = fit(&alike, 0).score(alike.view(), &()).unwrap();
    assert!(scores.iter().all(|score| (score - 0.5).abs() < 1e-6), "{scores}");
}

#[test]
fn bad_input_is_refused_by_name() {
    let x = noise(300, 3, 13);
    let forest = fit(&x, 0);
    let params = IsolationForest::params().check().unwrap();
    for bad_value in [f64::NAN, f64::INFINITY, 1e39] {
        let mut bad = x.clone();
        bad[[250, 0]] = bad_value;
        bad[[7, 2]] = bad_value;
        let expected = IsolationForestError::NotFinite(NotFinite { row: 7, column: 2 });
        assert_eq!(params.fit(bad.view(), &()).unwrap_err(), expected);
        assert_eq!(forest.score(bad.view(), &()).unwrap_err(), expected);
        assert_eq!(forest.contributions(bad.view(), &()).unwrap_err(), expected);
    }
    let narrow = Array2::<f64>::zeros((2, 2));
    assert_eq!(forest.score(narrow.view(), &()).unwrap_err(), IsolationForestError::Columns { expected: 3, found: 2 });
    let empty = Array2::<f64>::zeros((0, 2));
    assert_eq!(params.fit(empty.view(), &()).unwrap_err(), IsolationForestError::Empty { rows: 0, columns: 2 });
    let wide = Array2::<f32>::zeros((256, 40_000));
    assert_eq!(
        params.fit(wide.view(), &()).unwrap_err(),
        IsolationForestError::SampleTooLarge { rows: 256, columns: 40_000 }
    );
    assert!(forest.score(Array2::<f64>::zeros((0, 3)).view(), &()).unwrap().is_empty());
}

#[test]
fn fit_and_score_can_be_interrupted() {
    let x = noise(2000, 3, 14);
    let stop = |_: u64, _: u64| Err(Interrupted);
    let params = IsolationForest::params().check().unwrap();
    assert_eq!(params.fit(x.view(), &stop).unwrap_err(), IsolationForestError::Interrupted(Interrupted));
    let forest = fit(&x, 0);
    assert_eq!(forest.score(x.view(), &stop).unwrap_err(), IsolationForestError::Interrupted(Interrupted));
    assert_eq!(forest.contributions(x.view(), &stop).unwrap_err(), IsolationForestError::Interrupted(Interrupted));
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let forest = fit(&noise(50, 2, 15), 0);
    let stored = |forest: &IsolationForest| Stored {
        n_features: forest.n_features,
        sample_rows: forest.sample_rows,
        slots: forest.slots,
        splits: forest.splits.clone(),
        leaf_path: forest.leaf_path.clone(),
        leaf_rows: forest.leaf_rows.clone(),
    };
    assert_eq!(IsolationForest::try_from(stored(&forest)).unwrap(), forest);
    assert!(IsolationForest::try_from(Stored { n_features: 1, ..stored(&forest) }).is_err());
    assert!(IsolationForest::try_from(Stored { slots: 3, ..stored(&forest) }).is_err());
    assert!(IsolationForest::try_from(Stored { leaf_rows: vec![], ..stored(&forest) }).is_err());
    assert!(IsolationForest::try_from(Stored { splits: vec![], ..stored(&forest) }).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Any finite input fits and scores; scores lie in (0, 1] and the attribution adds up.
    #[test]
    fn any_finite_input_is_scored(
        values in prop::collection::vec(prop_oneof![-1e6f64..1e6, Just(0.0), Just(-0.0), Just(1e38)], 1..200),
        columns in 1usize..5,
        seed: u64,
    ) {
        let rows = values.len().div_ceil(columns);
        let x = Array2::from_shape_fn((rows, columns), |(row, column)| values[(row * columns + column) % values.len()]);
        let params = IsolationForest::params().n_trees(10).seed(seed).check().unwrap();
        let forest = params.fit(x.view(), &()).unwrap();
        let scores = forest.score(x.view(), &()).unwrap();
        prop_assert!(scores.iter().all(|score| *score > 0.0 && *score <= 1.0));
        let found = forest.contributions(x.view(), &()).unwrap();
        for row in 0..rows {
            let rest = found.baseline - found.path_length[row] - found.values.row(row).sum();
            prop_assert!(rest.abs() < 1e-9);
        }
    }
}
