//! Exact nearest neighbours among 1e5 rows of 31 columns: one query, and a batch of 1,000.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array2, s};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::neighbors::NeighborIndex;

fn bench(criterion: &mut Criterion) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let x = Array2::from_shape_simple_fn((100_000, 31), || rng.r#gen::<f64>());
    let x32 = x.mapv(|value| value as f32);
    let (index, index32) = (NeighborIndex::new(x.view(), &()).unwrap(), NeighborIndex::new(x32.view(), &()).unwrap());
    let mut group = criterion.benchmark_group("neighbors_100000x31");
    group.sample_size(20);
    group.bench_function("one_query_f64", |b| b.iter(|| index.nearest(x.row(5), 10).unwrap()));
    group.bench_function("one_query_f32", |b| b.iter(|| index32.nearest(x32.row(5), 10).unwrap()));
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("batch_of_1000_f64", |b| {
        b.iter(|| index.nearest_batch(x.slice(s![..1000, ..]), 10, &()).unwrap())
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
