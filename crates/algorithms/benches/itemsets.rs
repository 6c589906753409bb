//! Frequent itemsets beside PyFIM (Borgelt's C) and mlxtend on the very same transactions, where a Python with them is
//! found (see `peer`): 40 items of all frequencies with 10 planted sets, 1,000 rare items in planted sets, and few of such
//! transactions over and over.
//!
//! Each algorithm is measured for itself too; how many sets there are must agree.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark measures by the clock, prints, and ends where something fails"
)]

mod peer;

use std::ops::ControlFlow;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::itemsets::{FrequentItemsets, ItemsetAlgorithm, ItemsetTarget, Transactions};
use souffleur_algorithms::patterns::MinSupport;

/// Sets of 4 to 7 items, and the share of transactions that each is planted in.
fn planted(
    rng: &mut Xoshiro256PlusPlus,
    items: u32,
    sets: usize,
    shares: std::ops::Range<f64>,
) -> Vec<(Vec<u32>, f64)> {
    let all: Vec<u32> = (0..items).collect();
    let set = |_| {
        let length = rng.gen_range(4..8);
        (all.choose_multiple(rng, length).copied().collect(), rng.gen_range(shares.clone()))
    };
    (0..sets).map(set).collect()
}

/// 40 items, the commonest in 30 % of the transactions and the rarest in 4 %, and 10 planted sets.
fn dense(rows: usize) -> Vec<Vec<u32>> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(41);
    let sets = planted(&mut rng, 40, 10, 0.03..0.11);
    let row = |_| {
        let alone = |item: &u32| rng.gen_bool(0.3 / (1.0 + f64::from(*item)).powf(0.55));
        let mut row: Vec<u32> = (0..40).filter(alone).collect();
        sets.iter().filter(|(_, share)| rng.gen_bool(*share)).for_each(|(set, _)| row.extend(set));
        row.sort_unstable();
        row.dedup();
        row
    };
    (0..rows).map(row).collect()
}

/// 1,000 items: about two of 400 planted sets in each transaction, each less an item here and there, and four more items.
fn sparse(rows: usize) -> Vec<Vec<u32>> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(43);
    let sets = planted(&mut rng, 1000, 400, 0.001..0.009);
    let row = |_| {
        let mut row: Vec<u32> = (0..4).map(|_| (1000.0 * rng.r#gen::<f64>().powi(2)) as u32).collect();
        for (set, share) in &sets {
            if rng.gen_bool(*share) {
                row.extend(set.iter().filter(|_| rng.gen_bool(0.85)));
            }
        }
        row.sort_unstable();
        row.dedup();
        row
    };
    (0..rows).map(row).collect()
}

/// The transactions of [`sparse`], the first 2,000 of them over and over.
fn repeated(rows: usize) -> Vec<Vec<u32>> {
    let few = sparse(2000);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(47);
    (0..rows).map(|_| few[rng.gen_range(0..few.len())].clone()).collect()
}

/// Counts the sets that are found.
fn mine(transactions: &Transactions, share: f64, algorithm: ItemsetAlgorithm, target: ItemsetTarget) -> u64 {
    let params = FrequentItemsets::params(MinSupport::Share(share)).algorithm(algorithm).target(target);
    params.check().unwrap().mine(transactions, &(), |_, _| ControlFlow::Continue(())).unwrap().patterns
}

/// Prints the median seconds of PyFIM's FP-growth and Eclat, of mlxtend (0 where not asked) and of PyFIM's FP-growth for
/// closed and for maximal sets, and the numbers of sets found in the same order.
const PEERS: &str = "
import fim, pandas as pd
from mlxtend.frequent_patterns import fpgrowth
starts, items, settings = inputs
supp = settings[0] / 10000; flat = items.tolist()
T = [flat[a:b] for a, b in zip(starts, starts[1:])]
found = {}
def run(name, times, f):
    def keep(_): found[name] = len(f())
    return median_seconds(times, keep)
c = dict(supp=100 * supp - 1e-9, zmin=1, report='a')
seconds = [run('fp', 5, lambda: fim.fpgrowth(T, target='s', **c)), run('eclat', 5, lambda: fim.eclat(T, target='s', **c))]
if settings[1]:
    B = np.zeros((len(T), items.max() + 1), bool); B[np.repeat(np.arange(len(T)), np.diff(starts)), items] = True
    df = pd.DataFrame(B, columns=range(B.shape[1]))
    seconds.append(run('mlxtend', 3 if len(T) <= 100000 else 1, lambda: fpgrowth(df, min_support=supp)))
else: seconds.append(0.0); found['mlxtend'] = 0
seconds += [run('closed', 5, lambda: fim.fpgrowth(T, target='c', **c)), run('maximal', 5, lambda: fim.fpgrowth(T, target='m', **c))]
print(*seconds, *found.values())
";

fn compare(name: &str, rows: &[Vec<u32>], transactions: &Transactions, share: f64) {
    use ItemsetAlgorithm::{Automatic, Eclat, FpGrowth};
    let own = |algorithm, target| {
        let seconds = peer::median_seconds(9, || mine(transactions, share, algorithm, target));
        (seconds, mine(transactions, share, algorithm, target))
    };
    let (own_s, found) = own(Automatic, ItemsetTarget::All);
    let ((eclat_s, _), (fp_s, _)) = (own(Eclat, ItemsetTarget::All), own(FpGrowth, ItemsetTarget::All));
    let (closed, maximal) = (own(Automatic, ItemsetTarget::Closed), own(Automatic, ItemsetTarget::Maximal));
    println!(
        "{name}: {found} sets; own {own_s:.5} s (Eclat {eclat_s:.5}, FP-growth {fp_s:.5}), closed {:.5}, maximal {:.5}",
        closed.0, maximal.0
    );
    let mut starts = vec![0];
    starts.extend(rows.iter().scan(0, |end, row| {
        *end += row.len() as i32;
        Some(*end)
    }));
    let items: Vec<i32> = rows.iter().flatten().map(|item| *item as i32).collect();
    let settings = [(share * 10_000.0).round() as i32, i32::from(name.contains("dense"))];
    let inputs = [peer::Input::Labels(&starts), peer::Input::Labels(&items), peer::Input::Labels(&settings)];
    let Some(peers) = peer::run(name, PEERS, &inputs) else { return };
    let [fp, eclat, mlxtend, closed_s, maximal_s, counts @ ..] = &peers[..] else { return };
    println!(
        "{name}: PyFIM FP-growth {fp:.4} s ({:.1} times; ours alone {:.1}), Eclat {eclat:.4} s ({:.1} times; ours alone {:.1}), \
         mlxtend {mlxtend:.4} s ({:.0} times)",
        fp / own_s,
        fp / fp_s,
        eclat / own_s,
        eclat / eclat_s,
        mlxtend / own_s
    );
    println!(
        "{name}: PyFIM closed {closed_s:.4} s ({:.1} times), maximal {maximal_s:.4} s ({:.1} times)",
        closed_s / closed.0,
        maximal_s / maximal.0
    );
    let found = found as f64;
    let mlxtend_found = if *mlxtend > 0.0 { found } else { 0.0 };
    assert_eq!(counts, [found, found, mlxtend_found, closed.1 as f64, maximal.1 as f64], "{name}: numbers of sets");
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("itemsets");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    for (kind, rows, shares) in [
        ("dense", dense(100_000), [0.05, 0.01]),
        ("dense", dense(1_000_000), [0.05, 0.01]),
        ("sparse", sparse(100_000), [0.003, 0.001]),
        ("repeated", repeated(300_000), [0.01, 0.003]),
    ] {
        let transactions = Transactions::from_rows(&rows, &()).unwrap();
        let read = peer::median_seconds(5, || Transactions::from_rows(&rows, &()).unwrap());
        println!("itemsets/{kind} {}: read in {read:.4} s", rows.len());
        group.throughput(Throughput::Elements(rows.len() as u64));
        for share in shares {
            let name = format!("{kind} {} at {share}", rows.len());
            group.bench_function(BenchmarkId::new("mine", &name), |bencher| {
                bencher.iter(|| mine(&transactions, share, ItemsetAlgorithm::Automatic, ItemsetTarget::All));
            });
            compare(&format!("itemsets/{name}"), &rows, &transactions, share);
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
