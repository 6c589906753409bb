//! Frequent sequences beside `effspm` (C++) and `prefixspan` (Python) on the very same sequences, where a Python with them
//! is found (see `peer`): 8 to 16 of 60 items, the common ones more often, and 12 planted patterns.
//!
//! How many patterns there are must agree; `effspm` leaves out those of a single item.
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
use rand::distributions::{Distribution, WeightedIndex};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::patterns::MinSupport;
use souffleur_algorithms::sequences::{FrequentSequences, Sequences};

const ITEMS: u32 = 60;
const SHARE: f64 = 0.03;

fn sequences(rows: usize) -> Vec<Vec<u32>> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(43);
    let all: Vec<u32> = (0..ITEMS).collect();
    let common = WeightedIndex::new(all.iter().map(|item| 1.0 / (1.0 + f64::from(*item)).sqrt())).unwrap();
    let planted: Vec<(Vec<u32>, f64)> = (0..12)
        .map(|_| {
            let length = rng.gen_range(3..6);
            (all.choose_multiple(&mut rng, length).copied().collect(), rng.gen_range(0.05..0.1))
        })
        .collect();
    let row = |_| {
        let length = rng.gen_range(8..17);
        let mut row: Vec<u32> = (0..length).map(|_| common.sample(&mut rng) as u32).collect();
        for (pattern, share) in &planted {
            if rng.gen_bool(*share) {
                let mut places = rand::seq::index::sample(&mut rng, length, pattern.len()).into_vec();
                places.sort_unstable();
                places.iter().zip(pattern).for_each(|(place, item)| row[*place] = *item);
            }
        }
        row
    };
    (0..rows).map(row).collect()
}

/// Counts the patterns that are found.
fn mine(sequences: &Sequences, closed: bool) -> u64 {
    let params = FrequentSequences::params(MinSupport::Share(SHARE)).closed(closed).check().unwrap();
    params.mine(sequences, &(), |_, _| ControlFlow::Continue(())).unwrap().patterns
}

/// Prints the median seconds of `effspm`, of `prefixspan` and of `prefixspan` for closed patterns, the numbers of patterns
/// that the first two find, and how many of them are closed, by comparing them with each other.
const PEERS: &str = "
import math, effspm
from prefixspan import PrefixSpan
starts, items = inputs
flat = items.tolist(); T = [flat[a:b] for a, b in zip(starts, starts[1:])]; n = len(T); found = {}
negative = [[-(i + 1) for i in row] for row in T]  # a minus opens a new itemset
ones = np.bincount(np.concatenate([np.unique(row) for row in T]))
def run(name, times, f):
    def keep(_): found[name] = f()
    return median_seconds(times, keep)
e = run('effspm', 5, lambda: len(effspm.PrefixProjection(negative, minsup=.03)['patterns']))
times = 3 if n <= 10000 else 1
p = run('prefixspan', times, lambda: PrefixSpan(T).frequent(math.ceil(.03 * n)))
c = run('closed', times, lambda: PrefixSpan(T).frequent(math.ceil(.03 * n), closed=True))
def contains(long, short): rest = iter(long); return all(item in rest for item in short)
all_ = found['prefixspan']
closed = sum(not any(s == t and len(q) > len(p) and contains(q, p) for t, q in all_) for s, p in all_)
print(e, p, c, found['effspm'] + int((ones >= .03 * n).sum()), len(all_), closed)
";

fn compare(rows: &[Vec<u32>], sequences: &Sequences) {
    let name = format!("sequences/{} at {SHARE}", rows.len());
    let own = peer::median_seconds(9, || mine(sequences, false));
    let own_closed = peer::median_seconds(9, || mine(sequences, true));
    let (found, closed) = (mine(sequences, false), mine(sequences, true));
    println!("{name}: {found} patterns in {own:.5} s, {closed} closed ones in {own_closed:.5} s");
    let mut starts = vec![0];
    starts.extend(rows.iter().scan(0, |end, row| {
        *end += row.len() as i32;
        Some(*end)
    }));
    let items: Vec<i32> = rows.iter().flatten().map(|item| *item as i32).collect();
    let Some(peers) = peer::run(&name, PEERS, &[peer::Input::Labels(&starts), peer::Input::Labels(&items)]) else {
        return;
    };
    let [effspm, prefixspan, peer_closed, counts @ ..] = &peers[..] else { return };
    println!(
        "{name}: effspm {effspm:.4} s ({:.1} times), prefixspan {prefixspan:.4} s ({:.0} times), closed {peer_closed:.4} s ({:.0} times)",
        effspm / own,
        prefixspan / own,
        peer_closed / own_closed
    );
    assert_eq!(counts, [found as f64, found as f64, closed as f64], "{name}: numbers of patterns");
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sequences");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    for count in [10_000, 100_000] {
        let rows = sequences(count);
        let read = Sequences::from_rows(&rows, &()).unwrap();
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("mine", count), |bencher| bencher.iter(|| mine(&read, false)));
        group.bench_function(BenchmarkId::new("closed", count), |bencher| bencher.iter(|| mine(&read, true)));
        compare(&rows, &read);
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
