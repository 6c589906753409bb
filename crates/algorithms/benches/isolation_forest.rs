//! Fit + score of the isolation forest, beside scikit-learn on the very same matrix where a Python with it is found.
//!
//! The Python is named by `SOUFFLEUR_PEERS_PYTHON`; without it, a virtual environment `venv` beside the repository is tried.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods, missing_docs)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array1, Array2, ArrayView2};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::isolation_forest::IsolationForest;

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

/// Reads the matrix as raw f64 and prints the median seconds of fit + score.
const PEER: &str = "
import sys, time, numpy as np
from sklearn.ensemble import IsolationForest
x = np.fromfile(sys.argv[1]).reshape(-1, int(sys.argv[2])); t = []
for k in range(3):
    s = time.perf_counter(); IsolationForest(n_estimators=100, max_samples=256, n_jobs=-1, random_state=k).fit(x).score_samples(x)
    t.append(time.perf_counter() - s)
print(sorted(t)[1])
";

fn peer_python() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../venv/bin/python");
    let found = std::env::var_os("SOUFFLEUR_PEERS_PYTHON").map_or(beside, PathBuf::from);
    found.exists().then_some(found)
}

fn compare(rows: usize, x: &Array2<f64>) {
    let Some(python) = peer_python() else {
        println!("isolation_forest/{rows}: no Python with scikit-learn (SOUFFLEUR_PEERS_PYTHON), comparison skipped");
        return;
    };
    let mut own: Vec<f64> = (0..5)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(fit_and_score(x.view()));
            start.elapsed().as_secs_f64()
        })
        .collect();
    own.sort_by(f64::total_cmp);
    let path = std::env::temp_dir().join(format!("souffleur_isolation_forest_{}.f64", std::process::id()));
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    x.iter().for_each(|value| file.write_all(&value.to_le_bytes()).unwrap());
    file.flush().unwrap();
    let output = Command::new(python).arg("-c").arg(PEER).arg(&path).arg(COLUMNS.to_string()).output().unwrap();
    std::fs::remove_file(&path).unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    match stdout.trim().parse::<f64>() {
        Ok(peer) => println!(
            "isolation_forest/{rows} x {COLUMNS}: own {:.4} s, scikit-learn {peer:.4} s, {:.1} times as fast",
            own[2],
            peer / own[2]
        ),
        Err(_) => {
            println!("isolation_forest/{rows}: scikit-learn did not run: {}", String::from_utf8_lossy(&output.stderr))
        }
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
