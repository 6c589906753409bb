//! Fit + score of the isolation forest, beside scikit-learn on the very same matrix where a Python with it is found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods, missing_docs)]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array1, Array2, ArrayView2};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::isolation_forest::IsolationForest;

mod peer;

const COLUMNS: usize = 31;
const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    let radius = (-2.0 * (1.0 - rng.r#gen::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.r#gen::<f64>()).cos()
}

/// 12 clusters with a latent dimension of 6, and 5 % of rows off them: half uniform, half heavy-tailed.
fn clustered(rows: usize) -> Array2<f64> {
    const CLUSTERS: usize = 12;
    const LATENT: usize = 6;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(31);
    let centres = Array2::from_shape_simple_fn((CLUSTERS, COLUMNS), || 2.2 * normal(&mut rng));
    let loads = Array2::from_shape_simple_fn((CLUSTERS * LATENT, COLUMNS), || 0.4 * normal(&mut rng));
    let mut x = Array2::zeros((rows, COLUMNS));
    for mut row in x.outer_iter_mut() {
        let cluster = rng.gen_range(0..CLUSTERS);
        let latent = Array1::from_shape_simple_fn(LATENT, || normal(&mut rng));
        let kind: f64 = rng.r#gen();
        for (column, value) in row.iter_mut().enumerate() {
            let along: f64 = (0..LATENT).map(|l| latent[l] * loads[[cluster * LATENT + l, column]]).sum();
            *value = centres[[cluster, column]] + along + 0.4 * normal(&mut rng);
            if kind < 0.025 {
                *value = rng.gen_range(-6.0..6.0);
            } else if kind < 0.05 {
                *value += 1.2 * normal(&mut rng) / rng.r#gen::<f64>().max(0.05).sqrt();
            }
        }
    }
    x
}

fn fit_and_score(x: ArrayView2<'_, f64>) -> Array1<f64> {
    let forest = IsolationForest::params().check().unwrap().fit(x, &()).unwrap();
    forest.score(x, &()).unwrap()
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("isolation_forest");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    for rows in SIZES {
        let x = clustered(rows);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_with_input(BenchmarkId::new("fit_and_score", rows), &x, |b, x| b.iter(|| fit_and_score(x.view())));
        let forest = IsolationForest::params().check().unwrap().fit(x.view(), &()).unwrap();
        if rows == SIZES[0] {
            group.bench_function("score_one_row", |b| {
                b.iter(|| forest.score(x.slice(ndarray::s![..1, ..]), &()).unwrap())
            });
            group.bench_function("explain_one_row", |b| {
                b.iter(|| forest.contributions(x.slice(ndarray::s![..1, ..]), &()).unwrap())
            });
        }
        compare(rows, &x);
    }
    group.finish();
}

/// Median seconds of fit + score.
const PEER: &str = "
from sklearn.ensemble import IsolationForest
x = inputs[0]
def fit_and_score(seed):
    IsolationForest(n_estimators=100, max_samples=256, n_jobs=-1, random_state=seed).fit(x).score_samples(x)
print(median_seconds(3, fit_and_score))
";

fn compare(rows: usize, x: &Array2<f64>) {
    let bench = format!("isolation_forest/{rows} x {COLUMNS}");
    let Some(numbers) = peer::run(&bench, PEER, &[peer::Input::Matrix(x)]) else { return };
    let peer = numbers[0];
    let own = peer::median_seconds(5, || fit_and_score(x.view()));
    println!("{bench}: own {own:.4} s, scikit-learn {peer:.4} s, {:.1} times as fast", peer / own);
}

criterion_group!(benches, bench);
criterion_main!(benches);
