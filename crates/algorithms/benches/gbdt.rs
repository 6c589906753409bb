//! Gradient boosting, 100 trees on 31 columns: fit, and predict one row.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ndarray::{Array2, s};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::gbdt::GradientBoosting;

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gbdt");
    group.sample_size(10);
    for rows in [10_000, 100_000] {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let x = Array2::from_shape_simple_fn((rows, 31), || rng.r#gen::<f64>());
        let labels: Vec<bool> = x
            .outer_iter()
            .map(|row| rng.r#gen::<f64>() < if row[0] > row[1] && row[2] > 0.3 { 0.8 } else { 0.2 })
            .collect();
        let params = GradientBoosting::params().check().unwrap();
        group.bench_function(BenchmarkId::new("fit", rows), |b| b.iter(|| params.fit(x.view(), &labels, &()).unwrap()));
        let model = params.fit(x.view(), &labels, &()).unwrap();
        group.bench_function(BenchmarkId::new("predict", rows), |b| {
            b.iter(|| model.probability(x.view(), &()).unwrap())
        });
        if rows == 10_000 {
            group.bench_function("predict_one_row", |b| {
                b.iter(|| model.probability(x.slice(s![..1, ..]), &()).unwrap())
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
