//! Against a search that looks at every pattern and every occurrence.

use std::collections::BTreeMap;

use linfa::ParamGuard;
use proptest::prelude::*;

use super::*;
use crate::patterns::refusing::ends_when_refused;
use crate::watch::Interrupted;

/// Limits on how a pattern occurs: least and greatest gap, greatest span.
#[derive(Debug, Clone, Copy)]
struct Window {
    min_gap: usize,
    max_gap: Option<usize>,
    max_span: Option<usize>,
}

const ANY: Window = Window { min_gap: 0, max_gap: None, max_span: None };

/// Adds the patterns that continue `prefix`, whose occurrence begins and ends at the positions given.
fn add_patterns(
    row: &[u32],
    window: Window,
    prefix: &mut Vec<u32>,
    ends: Option<(usize, usize)>,
    found: &mut Vec<Vec<u32>>,
) {
    for at in ends.map_or(0, |(_, last)| last + 1)..row.len() {
        if let Some((first, last)) = ends {
            let gap = at - last - 1;
            if gap < window.min_gap
                || window.max_gap.is_some_and(|max| gap > max)
                || window.max_span.is_some_and(|max| at - first + 1 > max)
            {
                continue;
            }
        }
        prefix.push(row[at]);
        found.push(prefix.clone());
        add_patterns(row, window, prefix, Some((ends.map_or(at, |(first, _)| first), at)), found);
        prefix.pop();
    }
}

/// Every pattern with its support.
fn all_supports(rows: &[Vec<u32>], window: Window) -> BTreeMap<Vec<u32>, u32> {
    let mut supports = BTreeMap::new();
    for row in rows {
        let mut found = Vec::new();
        add_patterns(row, window, &mut Vec::new(), None, &mut found);
        found.sort();
        found.dedup();
        found.into_iter().for_each(|pattern| *supports.entry(pattern).or_default() += 1);
    }
    supports
}

fn contains(long: &[u32], short: &[u32]) -> bool {
    let mut rest = long.iter();
    short.iter().all(|item| rest.any(|other| other == item))
}

/// The patterns wanted, by looking at all of them. They come in their order.
fn oracle(
    rows: &[Vec<u32>],
    min_support: u32,
    window: Window,
    closed: bool,
    max_length: usize,
) -> Vec<SequencePattern> {
    let supports = all_supports(rows, window);
    let is_closed = |pattern: &[u32], support: u32| {
        let mut others = supports.iter().filter(|(_, other)| **other == support);
        !others.any(|(other, _)| other.len() > pattern.len() && contains(other, pattern))
    };
    let frequent = supports.iter().filter(|(pattern, support)| {
        **support >= min_support && pattern.len() <= max_length && (!closed || is_closed(pattern, **support))
    });
    frequent.map(|(items, support)| SequencePattern { items: items.clone(), support: *support }).collect()
}

fn rows() -> impl Strategy<Value = Vec<Vec<u32>>> {
    let item = prop_oneof![4 => 0u32..3, 1 => 3u32..6, 1 => Just(u32::MAX)];
    prop::collection::vec(prop::collection::vec(item, 0..9), 0..12)
}

fn collect(params: SequencesParams, rows: &[Vec<u32>]) -> Vec<SequencePattern> {
    params.check().unwrap().collect(&Sequences::from_rows(rows, &()).unwrap(), &()).unwrap()
}

fn params(min_support: u32) -> SequencesParams {
    FrequentSequences::params(MinSupport::Rows(min_support))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn all_and_closed_patterns_are_those_of_looking_at_every_one(
        rows in rows(),
        min_support in 1u32..5,
        max_length in 1usize..9,
    ) {
        for closed in [false, true] {
            let found = collect(params(min_support).closed(closed).max_length(max_length), &rows);
            prop_assert_eq!(found, oracle(&rows, min_support, ANY, closed, max_length), "closed: {}", closed);
        }
    }

    #[test]
    fn limits_on_gaps_and_span_are_kept(
        rows in rows(),
        min_support in 1u32..5,
        min_gap in 0usize..3,
        more_gap in prop::option::of(0usize..3),
        max_span in prop::option::of(1usize..7),
    ) {
        let window = Window { min_gap, max_gap: more_gap.map(|more| min_gap + more), max_span };
        let mut params = params(min_support).min_gap(min_gap);
        if let Some(max_gap) = window.max_gap {
            params = params.max_gap(max_gap);
        }
        if let Some(max_span) = max_span {
            params = params.max_span(max_span);
        }
        prop_assert_eq!(collect(params, &rows), oracle(&rows, min_support, window, false, 99));
    }

    /// Limits that rule nothing out, although they take another way.
    #[test]
    fn wide_limits_change_nothing(rows in rows(), min_support in 1u32..5, max_length in 1usize..9) {
        let params = params(min_support).max_length(max_length);
        let expected = collect(params, &rows);
        prop_assert_eq!(&collect(params.max_gap(usize::MAX), &rows), &expected);
        prop_assert_eq!(&collect(params.max_span(usize::MAX), &rows), &expected);
    }
}

/// Sequences of 4 to 15 of 20 items.
fn many(count: u32) -> Vec<Vec<u32>> {
    let draw = |a: u32, b: u32| {
        (a.wrapping_mul(2_654_435_761) ^ b.wrapping_mul(2_246_822_519)).wrapping_mul(3_266_489_917) >> 16
    };
    let row = |row: u32| (0..4 + draw(row, 99) % 12).map(|at| draw(row, at) % 20 * (draw(at, row) % 20) / 20).collect();
    (0..count).map(row).collect()
}

#[test]
fn the_result_does_not_depend_on_threads() {
    let rows = many(2000);
    for params in [params(40), params(40).closed(true), params(40).max_gap(3)] {
        let in_pool = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| collect(params, &rows))
        };
        let expected = in_pool(1);
        assert!(expected.len() > 300, "{} patterns", expected.len());
        assert!(expected.windows(2).all(|pair| pair[0].items < pair[1].items));
        assert!(in_pool(2) == expected && in_pool(5) == expected);
    }
}

#[test]
fn limits_and_visitors_end_the_search() {
    let rows = many(500);
    let sequences = Sequences::from_rows(&rows, &()).unwrap();
    for params in [params(10), params(10).closed(true), params(10).max_gap(2)] {
        let all = collect(params, &rows);
        let limited = params.max_patterns(50).check().unwrap();
        assert_eq!(limited.collect(&sequences, &()).unwrap(), all[..50]);
        let mined = limited.mine(&sequences, &(), |_, _| ControlFlow::Continue(())).unwrap();
        assert_eq!(mined, Mined { patterns: 50, complete: false });
        let mined = limited.mine(&sequences, &(), |_, _| ControlFlow::Break(())).unwrap();
        assert_eq!(mined, Mined { patterns: 1, complete: false });
        let stop = |_: u64, _: u64| Err(Interrupted);
        assert_eq!(limited.collect(&sequences, &stop), Err(PatternsError::Interrupted(Interrupted)));
    }
}

#[test]
fn degenerate_inputs_have_few_patterns() {
    for params in [params(1), params(1).closed(true), params(1).max_gap(0)] {
        assert!(collect(params, &[]).is_empty());
        assert!(collect(params, &[vec![], vec![]]).is_empty());
        assert_eq!(collect(params, &[vec![u32::MAX], vec![]]), [SequencePattern { items: vec![u32::MAX], support: 1 }]);
    }
}

#[test]
fn the_watch_is_asked_from_the_first_pass_on() {
    let rows = many(1 << 17);
    let sequences = Sequences::from_rows(&rows, &()).unwrap();
    let items: u64 = rows.iter().map(|row| row.len() as u64).sum();
    let params = params(1 << 16).max_length(1);
    // Two passes over all items and one over their pairs; under limits one over the items and one over their places.
    for (params, passes) in [(params, 2), (params.closed(true), 3), (params.max_gap(3), 3)] {
        let params = params.check().unwrap();
        ends_when_refused(passes * items / (1 << 20), |watch| {
            params.mine(&sequences, watch, |_, _| ControlFlow::Continue(())).is_err()
        });
    }
}

#[test]
fn long_sequences_are_counted_in_pairs_under_the_watch() {
    let rows: Vec<Vec<u32>> = (0..20).map(|row| (0..1000).map(|at| (at * 7 + row) % 1000).collect()).collect();
    let sequences = Sequences::from_rows(&rows, &()).unwrap();
    let params = params(21).check().unwrap();
    assert!(params.collect(&sequences, &()).unwrap().is_empty());
    // Twenty times half a million pairs.
    let params = FrequentSequences::params(MinSupport::Rows(20)).max_length(1).check().unwrap();
    ends_when_refused(20 * 500_000 / (1 << 20), |watch| {
        params.mine(&sequences, watch, |_, _| ControlFlow::Continue(())).is_err()
    });
}
