//! The search for a clustering beside the exhaustive grid over the same candidates: same winner, same score, less time.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark measures by the clock, prints, and ends where something fails"
)]

mod peer;

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::clustering_search::{ClusteringSearch, ClusteringSearchValidParams};

const COLUMNS: usize = 31;
const CLUSTERS: usize = 6;
const SIZES: [usize; 3] = [500, 1000, 2000];

/// Clusters that differ in ten columns and overlap a little, and noise in all.
fn clustered(rows: usize) -> Array2<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(31);
    let normal = |rng: &mut Xoshiro256PlusPlus| (0..12).map(|_| rng.r#gen::<f64>()).sum::<f64>() - 6.0;
    let centres = Array2::from_shape_simple_fn((CLUSTERS, COLUMNS / 3), || 1.5 * normal(&mut rng));
    Array2::from_shape_fn((rows, COLUMNS), |(row, column)| {
        normal(&mut rng) + centres.get([row % CLUSTERS, column]).copied().unwrap_or(0.0)
    })
}

fn params() -> ClusteringSearchValidParams {
    ClusteringSearch::params().check().unwrap()
}

fn compare(rows: usize, x: &Array2<f64>) {
    let params = params();
    let (search, grid) = (params.search(x.view(), &()).unwrap(), params.grid(x.view(), &()).unwrap());
    let seconds = |of: fn(&ClusteringSearchValidParams, &Array2<f64>)| peer::median_seconds(3, || of(&params, x));
    let search_seconds = seconds(|params, x| drop(params.search(x.view(), &()).unwrap()));
    let grid_seconds = seconds(|params, x| drop(params.grid(x.view(), &()).unwrap()));
    println!(
        "clustering_search/{rows} x {COLUMNS}: search {search_seconds:.3} s, {} fits, score {:.9}; grid {grid_seconds:.3} s, {} fits, \
         score {:.9}: {:.0} % of the time; {}",
        search.fits,
        search.best.score,
        grid.fits,
        grid.best.score,
        100.0 * search_seconds / grid_seconds,
        search.best.candidate
    );
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("clustering_search");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    for rows in SIZES {
        let x = clustered(rows);
        group.bench_with_input(BenchmarkId::new("search", rows), &x, |b, x| {
            b.iter(|| params().search(x.view(), &()).unwrap())
        });
        compare(rows, &x);
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
