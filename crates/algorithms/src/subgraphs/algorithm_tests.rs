//! Against a search that looks at every set of edges of every graph.

use std::collections::{BTreeMap, BTreeSet};

use linfa::ParamGuard;
use proptest::prelude::*;

use super::*;
use crate::patterns::refusing::ends_when_refused;
use crate::watch::Interrupted;

type Graph = (Vec<u32>, Vec<[u32; 3]>);
/// Labels of the vertices and edges, in the numbering that makes them least.
type Canonical = (Vec<u32>, Vec<[u32; 3]>);

/// The order of the vertices that makes the description least, by trying all.
fn canonical(labels: &[u32], edges: &[[u32; 3]]) -> Canonical {
    fn orders(left: &mut Vec<usize>, order: &mut Vec<usize>, each: &mut impl FnMut(&[usize])) {
        if left.is_empty() {
            each(order);
        }
        for at in 0..left.len() {
            let vertex = left.remove(at);
            order.push(vertex);
            orders(left, order, each);
            order.pop();
            left.insert(at, vertex);
        }
    }
    let mut least: Option<Canonical> = None;
    orders(&mut (0..labels.len()).collect(), &mut Vec::new(), &mut |order| {
        let place = |vertex: u32| order.iter().position(|at| *at == vertex as usize).unwrap() as u32;
        let described = edges.iter().map(|[a, b, l]| [place(*a).min(place(*b)), place(*a).max(place(*b)), *l]);
        let mut edges: Vec<[u32; 3]> = described.collect();
        edges.sort_unstable();
        let found = (order.iter().map(|vertex| labels[*vertex]).collect(), edges);
        if least.as_ref().is_none_or(|least| found < *least) {
            least = Some(found);
        }
    });
    least.unwrap()
}

/// The part of a graph that a set of its edges makes, if it is connected.
fn part((labels, edges): &Graph, set: u32) -> Option<Canonical> {
    let kept: Vec<[u32; 3]> = (0..).zip(edges).filter(|(at, _)| set >> at & 1 == 1).map(|(_, edge)| *edge).collect();
    let mut vertices = vec![kept.first()?[0]];
    loop {
        let touches = |edge: &&[u32; 3]| vertices.contains(&edge[0]) != vertices.contains(&edge[1]);
        let Some([a, b, _]) = kept.iter().find(touches) else { break };
        let new = if vertices.contains(a) { *b } else { *a };
        vertices.push(new);
    }
    let place = |vertex: u32| vertices.iter().position(|at| *at == vertex).map(|at| at as u32);
    let edges: Option<Vec<[u32; 3]>> = kept.iter().map(|[a, b, l]| Some([place(*a)?, place(*b)?, *l])).collect();
    let labels: Vec<u32> = vertices.iter().map(|vertex| labels[*vertex as usize]).collect();
    Some(canonical(&labels, &edges?))
}

/// The patterns wanted with their supports.
fn oracle(graphs: &[Graph], min_support: u32, closed: bool, max_vertices: usize) -> BTreeMap<Canonical, u32> {
    let mut supports: BTreeMap<Canonical, u32> = BTreeMap::new();
    // Each pattern with those that have one edge more.
    let mut larger: BTreeMap<Canonical, BTreeSet<Canonical>> = BTreeMap::new();
    for graph in graphs {
        let parts: Vec<Option<Canonical>> = (0..1u32 << graph.1.len()).map(|set| part(graph, set)).collect();
        let all: BTreeSet<&Canonical> = parts.iter().flatten().collect();
        all.into_iter().for_each(|pattern| *supports.entry(pattern.clone()).or_default() += 1);
        for (set, pattern) in parts.iter().enumerate() {
            let with_one_more =
                (0..graph.1.len()).filter(|edge| set >> edge & 1 == 0).map(|edge| &parts[set | 1 << edge]);
            for more in with_one_more.flatten() {
                if let Some(pattern) = pattern {
                    larger.entry(pattern.clone()).or_default().insert(more.clone());
                }
            }
        }
    }
    let is_closed = |pattern: &Canonical| {
        !larger.get(pattern).is_some_and(|larger| larger.iter().any(|more| supports[more] == supports[pattern]))
    };
    let wanted = supports.iter().filter(|(pattern, support)| {
        **support >= min_support && pattern.0.len() <= max_vertices && (!closed || is_closed(pattern))
    });
    wanted.map(|(pattern, support)| (pattern.clone(), *support)).collect()
}

/// Graphs of up to 5 vertices with few labels, so that many parts are alike.
fn graphs() -> impl Strategy<Value = Vec<Graph>> {
    let graph = (prop::collection::vec(prop_oneof![3 => Just(4u32), 1 => Just(u32::MAX)], 0..6), any::<u64>())
        .prop_map(|(labels, mut bits)| {
            let mut edges = Vec::new();
            for b in 0..labels.len() as u32 {
                for a in 0..b {
                    // About half of the edges are there, a quarter of them with another label, in either direction.
                    if bits & 1 == 1 && edges.len() < 7 {
                        let label = u32::from(bits >> 1 & 3 == 0) * 7;
                        edges.push(if bits >> 3 & 1 == 1 { [a, b, label] } else { [b, a, label] });
                    }
                    bits = bits.rotate_right(5).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                }
            }
            (labels, edges)
        });
    prop::collection::vec(graph, 0..6)
}

fn collect(params: SubgraphsParams, graphs: &[Graph]) -> Vec<SubgraphPattern> {
    let read = Graphs::from_graphs(graphs.iter().map(|(labels, edges)| (labels, edges)), &()).unwrap();
    params.check().unwrap().collect(&read, &()).unwrap()
}

fn params(min_support: u32) -> SubgraphsParams {
    FrequentSubgraphs::params(MinSupport::Rows(min_support))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn all_and_closed_patterns_are_those_of_looking_at_every_set_of_edges(
        graphs in graphs(),
        min_support in 1u32..4,
        max_vertices in 2usize..6,
    ) {
        for closed in [false, true] {
            let found = collect(params(min_support).closed(closed).max_vertices(max_vertices), &graphs);
            let described: BTreeMap<Canonical, u32> =
                found.iter().map(|p| (canonical(&p.vertex_labels, &p.edges), p.support)).collect();
            prop_assert_eq!(described.len(), found.len(), "a pattern was found twice");
            prop_assert_eq!(described, oracle(&graphs, min_support, closed, max_vertices), "closed: {}", closed);
        }
    }
}

/// Trees of 12 vertices with three edges more.
fn many(count: u32) -> Vec<Graph> {
    let draw = |a: u32, b: u32| {
        (a.wrapping_mul(2_654_435_761) ^ b.wrapping_mul(2_246_822_519)).wrapping_mul(3_266_489_917) >> 16
    };
    let graph = |graph: u32| {
        let labels = (0..12).map(|vertex| draw(graph, vertex) % 4).collect();
        let mut edges: Vec<[u32; 3]> = (1..12).map(|b| [draw(graph + 7, b) % b, b, draw(b, graph) % 2]).collect();
        for extra in 0..3 {
            let (a, b) = (draw(graph, 90 + extra) % 12, draw(graph, 95 + extra) % 12);
            if a != b && edges.iter().all(|[x, y, _]| [*x, *y] != [a, b] && [*x, *y] != [b, a]) {
                edges.push([a, b, 0]);
            }
        }
        (labels, edges)
    };
    (0..count).map(graph).collect()
}

#[test]
fn the_result_does_not_depend_on_threads() {
    let graphs = many(100);
    for params in [params(12), params(12).closed(true)] {
        let in_pool = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| collect(params, &graphs))
        };
        let expected = in_pool(1);
        assert!(expected.len() > 80, "{} patterns", expected.len());
        assert!(in_pool(2) == expected && in_pool(5) == expected);
    }
}

#[test]
fn limits_and_visitors_end_the_search() {
    let read = Graphs::from_graphs(many(60), &()).unwrap();
    let all = params(8).check().unwrap().collect(&read, &()).unwrap();
    let limited = params(8).max_patterns(20).check().unwrap();
    assert_eq!(limited.collect(&read, &()).unwrap(), all[..20]);
    let mined = limited.mine(&read, &(), |_, _| ControlFlow::Continue(())).unwrap();
    assert_eq!(mined, Mined { patterns: 20, complete: false });
    let mined = limited.mine(&read, &(), |_, _| ControlFlow::Break(())).unwrap();
    assert_eq!(mined, Mined { patterns: 1, complete: false });
    let stop = |_: u64, _: u64| Err(Interrupted);
    assert_eq!(limited.collect(&read, &stop), Err(PatternsError::Interrupted(Interrupted)));
}

#[test]
fn degenerate_inputs_have_few_patterns() {
    for params in [params(1), params(1).closed(true)] {
        assert!(collect(params, &[]).is_empty());
        assert!(collect(params, &[(vec![], vec![]), (vec![3, 3], vec![])]).is_empty());
        let found = collect(params, &[(vec![9, 3], vec![[0, 1, u32::MAX]])]);
        let expected = SubgraphPattern { vertex_labels: vec![3, 9], edges: vec![[0, 1, u32::MAX]], support: 1 };
        assert_eq!(found, [expected]);
    }
}

#[test]
fn the_watch_is_asked_while_graphs_are_read_and_ordered() {
    const GRAPHS: u64 = 1 << 15;
    let graph = (vec![1, 2, 1, 3], vec![[0, 1, 0], [1, 2, 0], [2, 3, 0]]);
    let graphs = vec![graph; GRAPHS as usize];
    let reading = || graphs.iter().map(|(labels, edges)| (labels, edges));
    ends_when_refused(3 * GRAPHS * 50 / (1 << 20), |watch| Graphs::from_graphs(reading(), watch).is_err());
    let read = Graphs::from_graphs(reading(), &()).unwrap();
    let params = params(GRAPHS as u32).max_vertices(2).check().unwrap();
    // The kinds of edges at 40 steps each, their ends at 40, and twice their places.
    ends_when_refused(3 * GRAPHS * (40 + 40 + 9) / (1 << 20), |watch| {
        params.mine(&read, watch, |_, _| ControlFlow::Continue(())).is_err()
    });
}
