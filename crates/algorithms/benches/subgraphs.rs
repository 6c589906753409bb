//! Frequent subgraphs beside `fast-gspan` (C++) and `gspan-mining` (Python) on the very same graphs, where a Python with them
//! is found (see `peer`): trees of 9 to 13 vertices with 6 labels, a few edges more, and 6 planted motifs.
//!
//! Patterns of 2 to 6 vertices; how many there are must agree. The C++ program reads its graphs from a file within its time:
//! it has no other door.
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
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::patterns::MinSupport;
use souffleur_algorithms::subgraphs::{FrequentSubgraphs, Graphs};

const MAX_VERTICES: usize = 6;
const SHARE: f64 = 0.1;

type Graph = (Vec<u32>, Vec<[u32; 3]>);

fn joined(edges: &[[u32; 3]], a: u32, b: u32) -> bool {
    edges.iter().any(|[x, y, _]| (*x, *y) == (a, b) || (*x, *y) == (b, a))
}

/// A tree with some edges more; the first label is the commonest.
fn tree(rng: &mut Xoshiro256PlusPlus, vertices: u32, extra: usize) -> Graph {
    let common = WeightedIndex::new([36, 22, 16, 12, 8, 6]).unwrap();
    let labels = (0..vertices).map(|_| common.sample(rng) as u32).collect();
    let mut edges: Vec<[u32; 3]> = (1..vertices).map(|b| [rng.gen_range(0..b), b, rng.gen_range(0..2)]).collect();
    while edges.len() < vertices as usize - 1 + extra {
        let (a, b) = (rng.gen_range(0..vertices), rng.gen_range(0..vertices));
        if a != b && !joined(&edges, a, b) {
            edges.push([a, b, rng.gen_range(0..2)]);
        }
    }
    (labels, edges)
}

fn graphs(count: usize) -> Vec<Graph> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(47);
    let motifs: Vec<(Graph, f64)> = (0..6)
        .map(|_| {
            let vertices = rng.gen_range(4..7);
            (tree(&mut rng, vertices, 1), rng.gen_range(0.12..0.3))
        })
        .collect();
    let graph = |_| {
        let (vertices, extra) = (rng.gen_range(9..14), rng.gen_range(1..4));
        let (mut labels, mut edges) = tree(&mut rng, vertices, extra);
        for ((motif_labels, motif_edges), share) in &motifs {
            if rng.gen_bool(*share) {
                let base = labels.len() as u32;
                labels.extend(motif_labels);
                edges.extend(motif_edges.iter().map(|[a, b, label]| [a + base, b + base, *label]));
                edges.push([rng.gen_range(0..base), base, rng.gen_range(0..2)]);
            }
        }
        (labels, edges)
    };
    (0..count).map(graph).collect()
}

/// Counts the patterns that are found.
fn mine(graphs: &Graphs, closed: bool) -> u64 {
    let params = FrequentSubgraphs::params(MinSupport::Share(SHARE)).max_vertices(MAX_VERTICES).closed(closed);
    params.check().unwrap().mine(graphs, &(), |_, _| ControlFlow::Continue(())).unwrap().patterns
}

/// Prints the median seconds of `fast-gspan` on both cores and of `gspan-mining` (0 where not asked), and the numbers of
/// patterns in the same order.
const PEERS: &str = "
import contextlib, io, os, tempfile, pandas as pd
from fast_gspan import FastgSpan
from gspan_mining.gspan import gSpan
if not hasattr(pd.DataFrame, 'append'): pd.DataFrame.append = lambda s, o, **k: s
sizes, labels, edges, settings = inputs[0], inputs[1].tolist(), inputs[2].reshape(-1, 3).tolist(), inputs[3]
n = len(sizes) // 2; support = int(settings[0]); v = e = 0
path = os.path.join(tempfile.gettempdir(), f'souffleur_graphs_{os.getpid()}.txt')
with open(path, 'w') as out:
    for t, (vertices, count) in enumerate(sizes.reshape(-1, 2).tolist()):
        print('t #', t, file=out)
        for k, label in enumerate(labels[v:v + vertices]): print('v', k, label, file=out)
        for a, b, label in edges[e:e + count]: print('e', a, b, label, file=out)
        v += vertices; e += count
    print('t # -1', file=out)
found = {}
def run(name, times, f):
    def keep(_): found[name] = len(f())
    return median_seconds(times, keep)
limits = dict(min_support=support, min_num_vertices=2, max_num_vertices=6)
fast = run('fast', 5, lambda: FastgSpan(**limits, num_threads=os.cpu_count()).run_from_file(path))
def python():
    with contextlib.redirect_stdout(io.StringIO()):
        g = gSpan(path, verbose=False, **limits); g.run()
    return g._frequent_subgraphs
slow = 0.0; found['slow'] = 0
if settings[1]: slow = run('slow', 3, python)
os.remove(path)
print(fast, slow, found['fast'], found['slow'])
";

fn compare(graphs: &[Graph], read: &Graphs) {
    let name = format!("subgraphs/{} at {SHARE}", graphs.len());
    let own = peer::median_seconds(9, || mine(read, false));
    let closed = peer::median_seconds(9, || mine(read, true));
    let found = mine(read, false);
    println!("{name}: {found} patterns in {own:.5} s, {} closed ones in {closed:.5} s", mine(read, true));
    let sizes: Vec<i32> = graphs.iter().flat_map(|(labels, edges)| [labels.len() as i32, edges.len() as i32]).collect();
    let labels: Vec<i32> = graphs.iter().flat_map(|(labels, _)| labels).map(|label| *label as i32).collect();
    let edges: Vec<i32> = graphs.iter().flat_map(|(_, edges)| edges.as_flattened()).map(|part| *part as i32).collect();
    let with_python = graphs.len() <= 1000;
    let settings = [(SHARE * graphs.len() as f64).ceil() as i32, i32::from(with_python)];
    let inputs = [&sizes, &labels, &edges].map(|values| peer::Input::Labels(values));
    let [sizes, labels, edges] = inputs;
    let Some(peers) = peer::run(&name, PEERS, &[sizes, labels, edges, peer::Input::Labels(&settings)]) else { return };
    let [fast, slow, counts @ ..] = &peers[..] else { return };
    println!(
        "{name}: fast-gspan {fast:.4} s ({:.1} times), gspan-mining {slow:.4} s ({:.0} times)",
        fast / own,
        slow / own
    );
    let found = found as f64;
    assert_eq!(counts, [found, if with_python { found } else { 0.0 }], "{name}: numbers of patterns");
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("subgraphs");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    for count in [200, 1000, 10_000] {
        let graphs = graphs(count);
        let read = Graphs::from_graphs(graphs.iter().map(|(labels, edges)| (labels, edges)), &()).unwrap();
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("mine", count), |bencher| bencher.iter(|| mine(&read, false)));
        group.bench_function(BenchmarkId::new("closed", count), |bencher| bencher.iter(|| mine(&read, true)));
        compare(&graphs, &read);
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
