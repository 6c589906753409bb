//! HDBSCAN* beside the Python packages `hdbscan`, scikit-learn and `fast_hdbscan` on the very same rows, where a Python
//! with them is found (see `peer`): 12 clusters of a latent dimension of 6 in 31 columns, 5 % noise.
//!
//! Two sizes for the peers that look at all pairs, up to 1e5 rows for `fast_hdbscan`; its compilation is not counted.
//! Beside the seconds stands how far the labels agree with the exact `hdbscan` and how fast the time grows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods, missing_docs)]

mod peer;

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array2, ArrayView2};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::hdbscan::Hdbscan;

const COLUMNS: usize = 31;
const SIZES: [usize; 3] = [10_000, 31_623, 100_000];
/// Rows up to which the peers that look at all pairs are asked.
const ALL_PAIRS_MAX: usize = 10_000;
const MIN_SAMPLES: usize = 10;

fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    let radius = (-2.0 * (1.0 - rng.r#gen::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.r#gen::<f64>()).cos()
}

/// Clusters of unequal density with a latent dimension of 6; 5 % of the rows off them, half uniform, half heavy-tailed.
fn clustered(rows: usize) -> Array2<f64> {
    const CLUSTERS: usize = 12;
    const LATENT: usize = 6;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(31);
    let centres = Array2::from_shape_simple_fn((CLUSTERS, COLUMNS), || 2.2 * normal(&mut rng));
    let loose: Vec<(f64, f64)> = (0..CLUSTERS).map(|_| (rng.gen_range(0.25..0.6), rng.gen_range(0.25..0.55))).collect();
    let loads =
        Array2::from_shape_fn((CLUSTERS * LATENT, COLUMNS), |(row, _)| loose[row / LATENT].0 * normal(&mut rng));
    let mut x = Array2::zeros((rows, COLUMNS));
    for mut row in x.outer_iter_mut() {
        let cluster = rng.gen_range(0..CLUSTERS);
        let latent: [f64; LATENT] = std::array::from_fn(|_| normal(&mut rng));
        let kind: f64 = rng.r#gen();
        for (column, value) in row.iter_mut().enumerate() {
            let along: f64 = (0..LATENT).map(|l| latent[l] * loads[[cluster * LATENT + l, column]]).sum();
            *value = centres[[cluster, column]] + along + loose[cluster].1 * normal(&mut rng);
            if kind < 0.025 {
                *value = rng.gen_range(-6.0..6.0);
            } else if kind < 0.05 {
                *value += 1.2 * normal(&mut rng) / rng.r#gen::<f64>().max(0.05).sqrt();
            }
        }
    }
    x
}

/// The least size of a cluster: half a percent of the rows.
fn min_cluster_size(rows: usize) -> usize {
    (rows / 200).max(50)
}

fn fit(x: ArrayView2<'_, f64>) -> Hdbscan {
    let params = Hdbscan::params().min_cluster_size(min_cluster_size(x.nrows())).min_samples(MIN_SAMPLES);
    params.check().unwrap().fit(x, &()).unwrap()
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hdbscan");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    let mut last: Option<(usize, f64)> = None;
    for rows in SIZES {
        let x = clustered(rows);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_with_input(BenchmarkId::new("fit", rows), &x, |bencher, x| bencher.iter(|| fit(x.view())));
        let own = peer::median_seconds(5, || fit(x.view()));
        if let Some((before, seconds)) = last {
            let growth = (own / seconds).ln() / (rows as f64 / before as f64).ln();
            println!("hdbscan/{before} to {rows}: the time grows as n^{growth:.2}");
        }
        last = Some((rows, own));
        compare(&x, own);
    }
    group.finish();
}

/// Median seconds of `fast_hdbscan`, of scikit-learn and of `hdbscan` (0 where not asked), and the adjusted Rand index of
/// our labels with those of the exact `hdbscan` and of `fast_hdbscan`.
const PEERS: &str = "
import warnings; warnings.filterwarnings('ignore')
from sklearn.metrics import adjusted_rand_score as ari
import fast_hdbscan as fh
x, own, size = inputs[0], inputs[1], int(inputs[2][0])
fh.HDBSCAN(min_cluster_size=50, min_samples=10).fit(x[:2000])
found = {}
def run(name, model, times):
    def fit(_): found[name] = model().fit(x).labels_
    return median_seconds(times, fit)
fast = run('fast', lambda: fh.HDBSCAN(min_cluster_size=size, min_samples=10), 3)
sk = pkg = agreement = 0.0
if inputs[2][1]:
    import hdbscan; from sklearn.cluster import HDBSCAN
    sk = run('sk', lambda: HDBSCAN(min_cluster_size=size, min_samples=10, n_jobs=-1, copy=False), 3)
    pkg = run('pkg', lambda: hdbscan.HDBSCAN(min_cluster_size=size, min_samples=10, core_dist_n_jobs=-1), 3)
    exact = hdbscan.HDBSCAN(min_cluster_size=size, min_samples=10, approx_min_span_tree=False).fit(x).labels_
    agreement = ari(exact, own)
print(fast, sk, pkg, agreement, ari(found['fast'], own))
";

fn compare(x: &Array2<f64>, own: f64) {
    let rows = x.nrows();
    let labels = fit(x.view()).labels().to_vec();
    let settings = [min_cluster_size(rows) as i32, i32::from(rows <= ALL_PAIRS_MAX)];
    let inputs = [peer::Input::Matrix(x), peer::Input::Labels(&labels), peer::Input::Labels(&settings)];
    let Some(found) = peer::run(&format!("hdbscan/{rows}"), PEERS, &inputs) else { return };
    let [fast, sklearn, package, exact_agreement, fast_agreement] = found[..] else { return };
    println!(
        "hdbscan/{rows} x {COLUMNS}: own {own:.4} s, fast_hdbscan {fast:.4} s ({:.1} times as fast, adjusted Rand {fast_agreement:.5})",
        fast / own
    );
    if sklearn > 0.0 {
        println!(
            "hdbscan/{rows} x {COLUMNS}: scikit-learn {sklearn:.4} s ({:.1} times), hdbscan {package:.4} s ({:.1} times), \
             adjusted Rand with the exact hdbscan {exact_agreement:.5}",
            sklearn / own,
            package / own
        );
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
