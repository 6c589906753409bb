use super::*;
use crate::{Interrupted, ParamGuard};
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    let radius = (-2.0 * (1.0 - rng.r#gen::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.r#gen::<f64>()).cos()
}

/// Normal rows of a dimension, turned and stretched into 31 columns.
fn planted(rows: usize, dimension: usize) -> Array2<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
    let latent = Array2::from_shape_simple_fn((rows, dimension), || normal(&mut rng));
    latent.dot(&Array2::from_shape_simple_fn((dimension, 31), || normal(&mut rng)))
}

fn both() -> [IntrinsicDimensionParams; 2] {
    [IntrinsicDimensionParams::two_nn(), IntrinsicDimensionParams::maximum_likelihood(10)]
}

#[test]
fn planted_dimensions_are_found() {
    for dimension in [3, 6] {
        let x = planted(4000, dimension);
        for params in both() {
            let found = params.check().unwrap().estimate(x.view(), &()).unwrap();
            let expected = dimension as f64;
            assert!((found.dimension / expected - 1.0).abs() < 0.15, "{params:?}: {found:?}");
            assert!(found.standard_error > 0.0 && found.standard_error < 0.06 * expected, "{found:?}");
            assert_eq!((found.queries, found.distinct_rows), (1000, 4000));
        }
    }
}

#[test]
fn repeated_rows_change_nothing_and_f32_little() {
    let x = planted(600, 3);
    let twice = ndarray::concatenate![Axis(0), x, x];
    for params in both() {
        let params = params.check().unwrap();
        let found = params.estimate(x.view(), &()).unwrap();
        assert_eq!(params.estimate(twice.view(), &()).unwrap(), found);
        let single = params.estimate(x.mapv(|value| value as f32).view(), &()).unwrap();
        assert!((single.dimension - found.dimension).abs() < 0.01, "{single:?} {found:?}");
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let x = planted(3000, 3);
    for params in both() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| params.max_queries(50).seed(3).check().unwrap().estimate(x.view(), &()).unwrap())
        };
        assert_eq!(run(1), run(3));
    }
}

#[test]
fn too_little_is_refused() {
    let two_nn = IntrinsicDimensionParams::two_nn().check().unwrap();
    let alike = Array2::<f64>::ones((100, 3));
    let error = two_nn.estimate(alike.view(), &()).unwrap_err();
    assert_eq!(error, IntrinsicDimensionError::Distinct { distinct: 1, needed: 10 });
    let grid = Array2::from_shape_fn((100, 1), |(row, _)| row as f64);
    assert_eq!(two_nn.estimate(grid.view(), &()), Err(IntrinsicDimensionError::Undefined));
    let mut broken = planted(20, 3);
    broken[[4, 5]] = f64::NAN;
    let error = two_nn.estimate(broken.view(), &()).unwrap_err();
    assert!(error.to_string().starts_with("value at row 4, column 5"), "{error}");
    let watch = |_: u64, _: u64| Err(Interrupted);
    let stopped = two_nn.estimate(planted(20, 3).view(), &watch);
    assert_eq!(stopped, Err(IntrinsicDimensionError::Interrupted(Interrupted)));
}
