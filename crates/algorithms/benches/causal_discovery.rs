//! PC beside causal-learn on the very same 100,000 rows of 30 variables, where a Python with it is found (see `peer`): a linear
//! Gaussian model with Fisher's z, and a discrete one of three values with chi-square; both with 42 arrows drawn at random, at
//! most three to a variable. Taking correlations and packing values count, on both sides.
//!
//! Graphs agree but for an edge where colliders contradict each other: causal-learn's check for cycles misses long ones, and its graph
//! of the discrete model holds one.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark measures by the clock, prints, and ends where something fails"
)]

mod peer;

use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::causal_discovery::{
    Categories, Conflicts, ContingencyTest, Cpdag, Edge, FisherZ, Knowledge, Pc, Statistic, edge_scores,
    structural_hamming_distance,
};

const VARIABLES: usize = 30;
const ARROWS: usize = 42;
const ROWS: usize = 100_000;

/// Prints the seconds and the matrix found.
const SCRIPT: &str = "
from causallearn.search.ConstraintBased.PC import pc
x = inputs[0]
found = []
def fit(k):
    found.append(pc(x, 0.01, TEST, show_progress=False).G.graph)
print(median_seconds(TIMES, fit))
print(*found[0].astype(int).ravel())
";

fn arrows(rng: &mut Xoshiro256PlusPlus) -> Vec<(usize, usize)> {
    let mut arrows: Vec<(usize, usize)> = Vec::new();
    while arrows.len() < ARROWS {
        let (a, b) = (rng.gen_range(0..VARIABLES), rng.gen_range(0..VARIABLES));
        let causes = arrows.iter().filter(|(_, to)| *to == b).count();
        if a < b && causes < 3 && !arrows.contains(&(a, b)) {
            arrows.push((a, b));
        }
    }
    arrows
}

fn gaussian(rng: &mut Xoshiro256PlusPlus, arrows: &[(usize, usize)]) -> Array2<f64> {
    let weights: Vec<f64> =
        arrows.iter().map(|_| rng.gen_range(0.4..1.1) * if rng.r#gen() { 1.0 } else { -1.0 }).collect();
    let mut x = Array2::zeros((ROWS, VARIABLES));
    for mut row in x.outer_iter_mut() {
        for v in 0..VARIABLES {
            // Twelve uniform values less six: close to normal.
            let noise = (0..12).map(|_| rng.r#gen::<f64>()).sum::<f64>() - 6.0;
            let causes = arrows.iter().zip(&weights).filter(|((_, to), _)| *to == v);
            row[v] = noise + causes.map(|((from, _), weight)| weight * row[*from]).sum::<f64>();
        }
    }
    x
}

fn discrete(rng: &mut Xoshiro256PlusPlus, arrows: &[(usize, usize)]) -> Array2<f64> {
    // For each variable and each combination of its causes' values: where the first two of three values end.
    let ends: Vec<Vec<[f64; 2]>> = (0..VARIABLES)
        .map(|_| {
            (0..27)
                .map(|_| {
                    let (a, b, c) =
                        (rng.r#gen::<f64>().powi(2), rng.r#gen::<f64>().powi(2), rng.r#gen::<f64>().powi(2));
                    [a / (a + b + c), (a + b) / (a + b + c)]
                })
                .collect()
        })
        .collect();
    let mut x = Array2::zeros((ROWS, VARIABLES));
    for mut row in x.outer_iter_mut() {
        for v in 0..VARIABLES {
            let causes = arrows.iter().filter(|(_, to)| *to == v);
            let case = causes.fold(0, |case, (from, _)| 3 * case + row[*from] as usize);
            let draw: f64 = rng.r#gen();
            row[v] = ends[v][case].iter().filter(|end| draw > **end).count() as f64;
        }
    }
    x
}

/// What causal-learn found, from its matrix: -1 at (i, j) and 1 at (j, i) is an arrow from i to j.
fn graph(marks: &[f64]) -> Cpdag {
    let mark = |a: usize, b: usize| marks[a * VARIABLES + b];
    let pairs = (0..VARIABLES).flat_map(|a| (0..VARIABLES).map(move |b| (a, b)));
    let edges: Vec<Edge> = pairs
        .filter(|(a, b)| mark(*a, *b) == -1.0 && (mark(*b, *a) == 1.0 || a < b))
        .map(|(from, to)| Edge { from, to, directed: mark(to, from) == 1.0 })
        .collect();
    Cpdag::from_edges(VARIABLES, &edges)
}

fn compare(name: &str, test: &str, times: usize, x: &Array2<f64>, truth: &Cpdag, fit: impl Fn() -> Cpdag) {
    let found = fit();
    let seconds = peer::median_seconds(7, &fit);
    let f1 = edge_scores(&found, truth).f1;
    println!("{name}: {seconds:.4} s, F1 {f1:.3}, {} edges", found.edges().len());
    let script = SCRIPT.replace("TEST", &format!("'{test}'")).replace("TIMES", &times.to_string());
    if let Some(printed) = peer::run("causal_discovery", &script, &[peer::Input::Matrix(x)]) {
        let theirs = graph(&printed[1..]);
        println!(
            "{name}: causal-learn {:.3} s, F1 {:.3}: {:.0} times; {} edges differ",
            printed[0],
            edge_scores(&theirs, truth).f1,
            printed[0] / seconds,
            structural_hamming_distance(&found, &theirs)
        );
    }
}

fn main() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(80);
    let arrows = arrows(&mut rng);
    let truth = Cpdag::of_dag(VARIABLES, &arrows, &Knowledge::none(VARIABLES));
    // causal-learn's default where colliders contradict each other.
    let params = Pc::params().alpha(0.01).conflicts(Conflicts::KeepFirst).check().unwrap();
    let none = Knowledge::none(VARIABLES);
    let numbers = gaussian(&mut rng, &arrows);
    compare("Fisher z, 30 variables, 100,000 rows", "fisherz", 5, &numbers, &truth, || {
        params.fit(&FisherZ::of(numbers.view(), &()).unwrap(), &none, &()).unwrap().graph
    });
    let values = discrete(&mut rng, &arrows);
    let states = values.mapv(|value| value as i32);
    compare("chi-square, 30 variables, 100,000 rows", "chisq", 3, &values, &truth, || {
        let categories = Categories::of(states.view(), &()).unwrap();
        params.fit(&ContingencyTest::new(categories, Statistic::ChiSquare), &none, &()).unwrap().graph
    });
}
