//! The exact silhouette, beside scikit-learn on the very same matrix where a Python with it is found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods, missing_docs)]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array1, Array2};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::clustering_quality::{silhouette, silhouette_sampled};

mod peer;

const COLUMNS: usize = 31;
const CLUSTERS: usize = 12;
const LATENT: usize = 6;
const SIZES: [usize; 2] = [10_000, 100_000];
/// Rows judged by the sampled variant.
const SAMPLE: usize = 2_000;

fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    let radius = (-2.0 * (1.0 - rng.r#gen::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.r#gen::<f64>()).cos()
}

/// 12 clusters of unequal size with a latent dimension of 6, and one more of the 5 % of rows that are off them.
fn clustered(rows: usize) -> (Array2<f64>, Vec<i32>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(31);
    let centres = Array2::from_shape_simple_fn((CLUSTERS, COLUMNS), || 2.2 * normal(&mut rng));
    let loads = Array2::from_shape_simple_fn((CLUSTERS * LATENT, COLUMNS), || 0.4 * normal(&mut rng));
    let mut x = Array2::zeros((rows, COLUMNS));
    let mut labels = Vec::with_capacity(rows);
    for mut row in x.outer_iter_mut() {
        let cluster = rng.gen_range(0..CLUSTERS).max(rng.gen_range(0..CLUSTERS));
        let latent = Array1::from_shape_simple_fn(LATENT, || normal(&mut rng));
        let off = rng.r#gen::<f64>() < 0.05;
        for (column, value) in row.iter_mut().enumerate() {
            let along: f64 = (0..LATENT).map(|l| latent[l] * loads[[cluster * LATENT + l, column]]).sum();
            *value = centres[[cluster, column]] + along + 0.4 * normal(&mut rng);
            if off {
                *value += 1.2 * normal(&mut rng) / rng.r#gen::<f64>().max(0.05).sqrt();
            }
        }
        labels.push(if off { 12 } else { i32::try_from(cluster).unwrap() });
    }
    (x, labels)
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("silhouette");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    for rows in SIZES {
        let (x, labels) = clustered(rows);
        group.throughput(Throughput::Elements(rows as u64));
        if rows == SIZES[0] {
            group.bench_function(BenchmarkId::new("exact", rows), |b| {
                b.iter(|| silhouette(x.view(), &labels, &()).unwrap())
            });
        }
        group.bench_function(BenchmarkId::new(format!("sampled_{SAMPLE}"), rows), |b| {
            b.iter(|| silhouette_sampled(x.view(), &labels, SAMPLE, 1, &()).unwrap())
        });
        compare(rows, &x, &labels);
    }
    group.finish();
}

/// Median seconds, the mean, and how far the values given as the third input are from its own at most.
const PEER: &str = "
from sklearn.metrics import silhouette_samples
x, labels, own = inputs[0], inputs[1], inputs[2][:, 0]
found = []
print(median_seconds(1 if len(x) > 50000 else 3, lambda k: found.append(silhouette_samples(x, labels))))
print(found[0].mean(), np.abs(found[0] - own).max())
";

fn compare(rows: usize, x: &Array2<f64>, labels: &[i32]) {
    let bench = format!("silhouette/{rows} x {COLUMNS}");
    let mut found = None;
    let own = peer::median_seconds(5, || found = Some(silhouette(x.view(), labels, &()).unwrap()));
    let found = found.unwrap();
    println!("{bench}: own {own:.4} s, mean {:.12}", found.mean);
    let values: Vec<f64> = found.rows.iter().map(|value| value.unwrap()).collect();
    let values = Array2::from_shape_vec((rows, 1), values).unwrap();
    let inputs = [peer::Input::Matrix(x), peer::Input::Labels(labels), peer::Input::Matrix(&values)];
    let Some(numbers) = peer::run(&bench, PEER, &inputs) else { return };
    let (peer, mean, off) = (numbers[0], numbers[1], numbers[2]);
    println!(
        "{bench}: own {own:.4} s, scikit-learn {peer:.4} s, {:.1} times as fast; mean differs by {:.1e}, rows by at most {off:.1e}",
        peer / own,
        (found.mean - mean).abs()
    );
}

criterion_group!(benches, bench);
criterion_main!(benches);
