//! Gaussian mixtures beside scikit-learn and linfa on the very same rows, where a Python with the former is found (see
//! `peer`): 4 overlapping components in 31 columns.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods, missing_docs)]

mod peer;

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::gaussian_mixture::GaussianMixture;

const COLUMNS: usize = 31;
const COMPONENTS: usize = 4;
const SIZES: [usize; 2] = [5_000, 100_000];

/// Sums of uniforms around 4 centres, each column carrying on some of the noise of the one before.
fn overlapping(rows: usize) -> Array2<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(17);
    let centres = Array2::from_shape_simple_fn((COMPONENTS, COLUMNS), || rng.gen_range(-0.6..0.6));
    let mut x = Array2::zeros((rows, COLUMNS));
    for (row, mut values) in x.outer_iter_mut().enumerate() {
        let mut noise = 0.0;
        for (column, value) in values.iter_mut().enumerate() {
            noise = 0.5 * noise + (0..4).map(|_| rng.gen_range(-1.0..1.0)).sum::<f64>();
            *value = centres[[row % COMPONENTS, column]] + noise;
        }
    }
    x
}

fn fit(x: &Array2<f64>) -> GaussianMixture {
    GaussianMixture::params(COMPONENTS).check().unwrap().fit(x.view(), &()).unwrap()
}

/// Prints the median seconds, the iterations and the lower bound.
const PEER: &str = "
from sklearn.mixture import GaussianMixture
last = [None]
def fit(k): last[0] = GaussianMixture(4, random_state=0).fit(inputs[0])
print(median_seconds(3, fit), last[0].n_iter_, repr(float(last[0].lower_bound_)))
";

fn compare(rows: usize, x: &Array2<f64>) {
    let own = peer::median_seconds(3, || fit(x));
    let found = fit(x);
    let name = format!("gaussian_mixture/{rows} x {COLUMNS}");
    println!("{name}: own {own:.4} s, {} iterations, lower bound {:.9}", found.iterations(), found.lower_bound());
    if let Some([seconds, iterations, bound]) = peer::run(&name, PEER, &[peer::Input::Matrix(x)]).as_deref() {
        println!(
            "{name}: scikit-learn {seconds:.4} s, {iterations} iterations, lower bound differs by {:.1e}: own {:.1} times as fast",
            found.lower_bound() / bound - 1.0,
            seconds / own
        );
    }
    // Up to 5e3 rows: it takes minutes beyond.
    if rows <= SIZES[0] {
        let dataset = DatasetBase::from(x.clone());
        let rng = Xoshiro256PlusPlus::seed_from_u64(0);
        let linfa = linfa_clustering::GaussianMixtureModel::params_with_rng(COMPONENTS, rng).n_runs(1);
        let seconds = peer::median_seconds(1, || linfa.fit(&dataset));
        let outcome = linfa.fit(&dataset).map_or_else(|error| error.to_string(), |_| "fitted".to_owned());
        println!("{name}: linfa {seconds:.4} s ({outcome}): own {:.1} times as fast", seconds / own);
    }
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gaussian_mixture");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    for rows in SIZES {
        let x = overlapping(rows);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_with_input(BenchmarkId::new("fit", rows), &x, |b, x| b.iter(|| fit(x)));
        compare(rows, &x);
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
