//! Reductions beside scikit-learn and umap-learn on the very same rows, where a Python with them is found (see `peer`): 12
//! groups of unequal size along 6 directions of their own in 31 columns, and 5 % of noise. And what fewer columns save a
//! learner in time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark measures by the clock, prints, and ends where something fails"
)]

mod peer;

use ndarray::{Array2, s};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::logistic::LogisticRegression;
use souffleur_algorithms::pca::Pca;
use souffleur_algorithms::reduction_quality::neighborhoods;
use souffleur_algorithms::umap::{Umap, UmapParams};

const COLUMNS: usize = 31;
const GROUPS: usize = 12;
const DIRECTIONS: usize = 6;
const PCA_SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];
const UMAP_SIZES: [usize; 2] = [10_000, 50_000];
/// Rows whose neighbourhoods are compared.
const JUDGED: usize = 2_000;
const NEIGHBORS: usize = 15;

/// Nearly a normal deviate: a sum of uniforms.
fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    (0..12).map(|_| rng.gen_range(-0.5..0.5)).sum()
}

fn groups(rows: usize) -> Array2<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(31);
    let centres = Array2::from_shape_simple_fn((GROUPS, COLUMNS), || 2.2 * normal(&mut rng));
    let loadings: Vec<Array2<f64>> = (0..GROUPS)
        .map(|_| {
            let size = rng.gen_range(0.25..0.6);
            Array2::from_shape_simple_fn((DIRECTIONS, COLUMNS), || size * normal(&mut rng))
        })
        .collect();
    let mut x = Array2::zeros((rows, COLUMNS));
    for mut row in x.outer_iter_mut() {
        // Later groups are rarer.
        let group = (GROUPS as f64 * rng.gen_range(0.0..1.0f64).powf(1.5)) as usize;
        let noise = 0.25 + 0.3 * group as f64 / GROUPS as f64;
        row.assign(&centres.row(group));
        for direction in loadings[group].outer_iter() {
            row.scaled_add(normal(&mut rng), &direction);
        }
        row.mapv_inplace(|value| value + noise * normal(&mut rng));
        if rng.gen_bool(0.05) {
            row.mapv_inplace(|_| rng.gen_range(-6.0..6.0));
        }
    }
    x
}

/// Prints the median seconds and the sum of the ratios.
const PCA_PEER: &str = "
from sklearn.decomposition import PCA
last = [None]
def fit(k): last[0] = PCA(10, svd_solver='covariance_eigh').fit(inputs[0])
fit(0)
print(median_seconds(7, fit), repr(float(last[0].explained_variance_ratio_.sum())))
";

fn compare_pca(rows: usize) {
    let x = groups(rows);
    let params = Pca::params().components(10).check().unwrap();
    let own = peer::median_seconds(7, || params.fit(x.view(), &()).unwrap());
    let kept = params.fit(x.view(), &()).unwrap().explained_variance_ratio().sum();
    let name = format!("pca/{rows} x {COLUMNS}");
    println!("{name}: own {:.2} ms", 1e3 * own);
    if let Some([seconds, ratios]) = peer::run(&name, PCA_PEER, &[peer::Input::Matrix(&x)]).as_deref() {
        println!(
            "{name}: scikit-learn's covariance solver {:.2} ms, ratios differ by {:.1e}: own {:.1} times as fast",
            1e3 * seconds,
            (kept - ratios).abs(),
            seconds / own
        );
    }
}

/// Prints the seconds of one fit, compiled before, and the trustworthiness of the first rows among themselves.
const UMAP_PEER: &str = "
import umap, warnings
from sklearn.manifold import trustworthiness
warnings.filterwarnings('ignore')
x = inputs[0]
umap.UMAP(n_neighbors=15, n_epochs=10).fit(x[:5000])
last = [None]
def fit(k): last[0] = umap.UMAP(n_neighbors=15, min_dist=.1, n_jobs=-1).fit(x).embedding_
seconds = median_seconds(1, fit)
i = np.arange(0, len(x), len(x) // 4000)[:4000]
print(seconds, trustworthiness(x[i], last[0][i], n_neighbors=15))
";

fn trustworthiness(x: &Array2<f64>, model: &Umap) -> f64 {
    let step = (x.nrows() / 4000) as isize;
    let (rows, z) = (x.slice(s![..;step, ..]), model.embedding());
    let most = rows.nrows().min(4000);
    let z = z.slice(s![..;step, ..]);
    let found = neighborhoods(rows.slice(s![..most, ..]), z.slice(s![..most, ..]), NEIGHBORS, JUDGED, 0, &()).unwrap();
    found.trustworthiness
}

fn compare_umap(rows: usize) {
    let x = groups(rows);
    let name = format!("umap/{rows} x {COLUMNS}");
    let fit = |params: UmapParams| {
        let params = params.check().unwrap();
        let mut last = None;
        let seconds = peer::median_seconds(1, || last = Some(params.fit(x.view(), &()).unwrap()));
        (seconds, trustworthiness(&x, &last.unwrap()))
    };
    let (own, trust) = fit(Umap::params(2));
    println!("{name}: own {own:.2} s, trustworthiness {trust:.4}");
    let (descent, with_descent) = fit(Umap::params(2).exact_rows_max(0));
    println!("{name}: own with neighbours by descent {descent:.2} s, trustworthiness {with_descent:.4}");
    if let Some([seconds, theirs]) = peer::run(&name, UMAP_PEER, &[peer::Input::Matrix(&x)]).as_deref() {
        println!(
            "{name}: umap-learn {seconds:.2} s, trustworthiness {theirs:.4}: own {:.1} times as fast",
            seconds / own
        );
    }
}

/// The time a learner takes on all columns and on fewer.
fn downstream(rows: usize) {
    let x = groups(rows);
    let labels: Vec<bool> = x.outer_iter().map(|row| row[0] + row[1] * row[2] > 0.0).collect();
    let params = LogisticRegression::params().check().unwrap();
    let of = |x: &Array2<f64>| peer::median_seconds(5, || params.fit(x.view(), &labels, &()).unwrap());
    let all = of(&x);
    for components in [20, 10] {
        let pca = Pca::params().components(components).check().unwrap().fit(x.view(), &()).unwrap();
        let fewer = of(&pca.transform(x.view(), &()).unwrap());
        println!(
            "downstream/{rows}: logistic regression on {COLUMNS} columns {:.1} ms, on {components} components {:.1} ms: {:.0} % less",
            1e3 * all,
            1e3 * fewer,
            100.0 * (1.0 - fewer / all)
        );
    }
}

fn main() {
    // Under `cargo test --benches` only what is quick.
    let quick = !std::env::args().any(|argument| argument == "--bench");
    let most = if quick { 1_000 } else { usize::MAX };
    PCA_SIZES.into_iter().map(|rows| rows.min(most)).for_each(compare_pca);
    downstream(100_000.min(most));
    if !quick {
        UMAP_SIZES.into_iter().for_each(compare_umap);
    }
}
