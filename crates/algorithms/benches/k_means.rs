//! k-means beside scikit-learn and linfa on the very same matrix and start, where a Python with the former is found
//! (see `peer`): 12 clusters of a latent dimension of 6 in 31 columns, 5 % noise, started from rows at equal distances.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods, missing_docs)]

mod peer;

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::KMeansInit;
use ndarray::{Array1, Array2, Axis};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::k_means::{KMeans, KMeansFit};

const COLUMNS: usize = 31;
const CLUSTERS: usize = 12;
const SIZES: [usize; 2] = [100_000, 1_000_000];

fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    let radius = (-2.0 * (1.0 - rng.r#gen::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.r#gen::<f64>()).cos()
}

/// 12 clusters with a latent dimension of 6, and 5 % of rows off them: half uniform, half heavy-tailed.
fn clustered(rows: usize) -> Array2<f64> {
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

fn start(x: &Array2<f64>) -> Array2<f64> {
    let rows: Vec<usize> = (0..CLUSTERS).map(|cluster| cluster * (x.nrows() - 1) / (CLUSTERS - 1)).collect();
    x.select(Axis(0), &rows)
}

fn fit(x: &Array2<f64>) -> KMeansFit {
    KMeans::params(CLUSTERS).start(start(x)).check().unwrap().fit(x.view(), &()).unwrap()
}

/// Prints the median seconds, the iterations and the inertia, then the median seconds of a k-means++ start and run.
const PEER: &str = "
from sklearn.cluster import KMeans
x = inputs[0]; n = len(x); c = x[[i * (n - 1) // 11 for i in range(12)]]; last = [None]
def given(k): last[0] = KMeans(12, init=c, n_init=1, max_iter=300, tol=1e-4).fit(x)
print(median_seconds(5, given), last[0].n_iter_, repr(float(last[0].inertia_)))
print(median_seconds(3, lambda k: KMeans(12, n_init=1, random_state=0).fit(x)))
";

fn compare(rows: usize, x: &Array2<f64>) {
    let own = peer::median_seconds(5, || fit(x));
    let found = fit(x).model;
    let name = format!("k_means/{rows} x {COLUMNS}");
    println!("{name}: own {own:.4} s, {} iterations, inertia {:.9e}", found.iterations(), found.inertia());
    if let Some([seconds, iterations, inertia, drawn]) = peer::run(&name, PEER, &[peer::Input::Matrix(x)]).as_deref() {
        println!(
            "{name}: scikit-learn {seconds:.4} s, {iterations} iterations, inertia differs by {:.1e}: own {:.1} times as fast",
            found.inertia() / inertia - 1.0,
            seconds / own
        );
        let params = KMeans::params(CLUSTERS).check().unwrap();
        let own = peer::median_seconds(3, || params.fit(x.view(), &()).unwrap());
        println!(
            "{name}, drawn start: own {own:.4} s, scikit-learn {drawn:.4} s: own {:.1} times as fast",
            drawn / own
        );
    }
    let dataset = DatasetBase::from(x.view());
    let rng = Xoshiro256PlusPlus::seed_from_u64(0);
    let linfa = linfa_clustering::KMeans::params_with_rng(CLUSTERS, rng)
        .init_method(KMeansInit::Precomputed(start(x)))
        .n_runs(1)
        .max_n_iterations(300)
        .tolerance(1e-4);
    // Up to 1e5 rows: it takes minutes beyond.
    if rows <= SIZES[0] {
        let seconds = peer::median_seconds(1, || linfa.fit(&dataset));
        let inertia = linfa.fit(&dataset).map_or(f64::NAN, |model| model.inertia());
        println!(
            "{name}: linfa {seconds:.4} s, mean inertia times rows {:.9e}: own {:.1} times as fast",
            inertia * rows as f64,
            seconds / own
        );
    }
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("k_means");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    for rows in SIZES {
        let x = clustered(rows);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_with_input(BenchmarkId::new("fit", rows), &x, |b, x| b.iter(|| fit(x)));
        let model = fit(&x).model;
        group.bench_with_input(BenchmarkId::new("predict", rows), &x, |b, x| {
            b.iter(|| model.predict(x.view(), &()).unwrap())
        });
        compare(rows, &x);
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
