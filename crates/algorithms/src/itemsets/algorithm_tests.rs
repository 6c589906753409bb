//! Against a search that looks at every set of items.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use linfa::ParamGuard;
use proptest::prelude::*;

use super::*;
use crate::patterns::refusing::ends_when_refused;
use crate::patterns::{MinSupport, PatternsError};
use crate::watch::Interrupted;

/// Every set of items of 0 to 9 that some transaction holds, with its support, by its bits.
fn all_supports(rows: &[Vec<u32>]) -> BTreeMap<u32, u32> {
    let bits: Vec<u32> = rows.iter().map(|row| row.iter().fold(0, |bits, item| bits | 1 << item)).collect();
    let support = |set: u32| bits.iter().filter(|row| set & **row == set).count() as u32;
    (1..1 << 10).map(|set| (set, support(set))).filter(|(_, support)| *support > 0).collect()
}

/// The sets wanted, by looking at all sets.
fn oracle(rows: &[Vec<u32>], min_support: u32, target: ItemsetTarget, max_length: usize) -> Vec<Itemset> {
    let supports = all_supports(rows);
    let frequent = |set: u32| supports.get(&set).copied().unwrap_or(0) >= min_support;
    let wanted = |set: u32| {
        let mut larger = (0..10).map(|item| set | 1 << item).filter(|larger| *larger != set);
        match target {
            ItemsetTarget::All => true,
            ItemsetTarget::Closed => larger.all(|larger| supports.get(&larger) != supports.get(&set)),
            ItemsetTarget::Maximal => larger.all(|larger| !frequent(larger)),
        }
    };
    let kept = supports.iter().filter(|(set, _)| frequent(**set) && wanted(**set));
    let sets = kept.map(|(set, support)| Itemset {
        items: (0..10).filter(|item| set >> item & 1 == 1).collect(),
        support: *support,
    });
    sorted(sets.filter(|set| set.items.len() <= max_length).collect())
}

fn sorted(mut sets: Vec<Itemset>) -> Vec<Itemset> {
    sets.sort_by(|a, b| a.items.cmp(&b.items));
    sets
}

/// Rows of ten items with items of all frequencies, some in every row.
fn rows() -> impl Strategy<Value = Vec<Vec<u32>>> {
    let row = prop::collection::vec((0u32..10, 0u32..10), 0..12)
        .prop_map(|pairs| pairs.into_iter().map(|(a, b)| a.min(b)).collect::<Vec<u32>>());
    (prop::collection::vec(row, 0..40), prop::option::of(0u32..10)).prop_map(|(mut rows, everywhere)| {
        rows.iter_mut().for_each(|row| row.extend(everywhere));
        rows
    })
}

fn collect(params: ItemsetsParams, rows: &[Vec<u32>]) -> Vec<Itemset> {
    params.check().unwrap().collect(&Transactions::from_rows(rows, &()).unwrap(), &()).unwrap()
}

fn params(min_support: u32) -> ItemsetsParams {
    FrequentItemsets::params(MinSupport::Rows(min_support))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn all_algorithms_find_what_looking_at_every_set_finds(rows in rows(), min_support in 1u32..8, max_length in 1usize..8) {
        for target in [ItemsetTarget::All, ItemsetTarget::Closed, ItemsetTarget::Maximal] {
            let expected = oracle(&rows, min_support, target, max_length);
            for algorithm in [ItemsetAlgorithm::Automatic, ItemsetAlgorithm::Eclat, ItemsetAlgorithm::FpGrowth] {
                if algorithm == ItemsetAlgorithm::FpGrowth && target != ItemsetTarget::All {
                    continue;
                }
                let params = params(min_support).target(target).algorithm(algorithm).max_length(max_length);
                prop_assert_eq!(&sorted(collect(params, &rows)), &expected, "{:?} by {:?}", target, algorithm);
            }
        }
    }

    /// Lists instead of bits at the top, which the automatic choice takes only for far larger inputs.
    #[test]
    fn all_plans_find_the_same_in_the_same_order(rows in rows(), min_support in 1u32..8) {
        let transactions = Transactions::from_rows(&rows, &()).unwrap();
        for target in [ItemsetTarget::All, ItemsetTarget::Closed, ItemsetTarget::Maximal] {
            let params = params(min_support).target(target).check().unwrap();
            let by_plan = |plan| {
                let mut found = Vec::new();
                let mut visit = |support: u32, items: &[u32]| {
                    found.push((items.to_vec(), support));
                    ControlFlow::Continue(())
                };
                params.search(&transactions, Some(plan), &(), &mut visit).unwrap();
                found
            };
            let expected = by_plan(Plan::Blocks);
            prop_assert_eq!(&by_plan(Plan::Inverted), &expected);
            prop_assert_eq!(&by_plan(Plan::Distinct), &expected);
            if target == ItemsetTarget::All {
                prop_assert_eq!(&by_plan(Plan::FpGrowth), &expected);
            }
        }
    }
}

/// Transactions of `items` items, the rarest of which is in about one in 60.
fn many(count: u32, items: u32) -> Vec<Vec<u32>> {
    let row = |row: u32| {
        let draw = move |item: u32| {
            (row.wrapping_mul(2_654_435_761) ^ item.wrapping_mul(2_246_822_519)).wrapping_mul(3_266_489_917)
        };
        (0..items).filter(|item| (draw(*item) >> 16) % (2 + item) == 0 || (draw(7) >> 16) % 11 == item % 11).collect()
    };
    (0..count).map(row).collect()
}

#[test]
fn the_result_does_not_depend_on_threads_or_algorithm() {
    // More than a block of transactions, and more than a word below most items.
    let rows = many(10_000, 60);
    let in_pool = |threads, algorithm| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| collect(params(80).algorithm(algorithm), &rows))
    };
    let expected = in_pool(1, ItemsetAlgorithm::Eclat);
    assert!(expected.len() > 1000, "{} sets", expected.len());
    for algorithm in [ItemsetAlgorithm::Eclat, ItemsetAlgorithm::FpGrowth] {
        for threads in [1, 2, 5] {
            assert!(in_pool(threads, algorithm) == expected, "{algorithm:?} on {threads} threads");
        }
    }
    let closed = collect(params(80).target(ItemsetTarget::Closed), &rows);
    let maximal = collect(params(80).target(ItemsetTarget::Maximal), &rows);
    assert!(maximal.len() < closed.len() && closed.len() < expected.len());
    assert!(maximal.iter().all(|set| closed.contains(set)));
    // Every frequent set has the support of the closed sets that contain it.
    for set in expected.iter().step_by(17) {
        let contain = closed.iter().filter(|closed| set.items.iter().all(|item| closed.items.contains(item)));
        assert_eq!(contain.map(|closed| closed.support).max(), Some(set.support));
    }
}

#[test]
fn the_choice_follows_the_data() {
    let chosen = |rows: &[Vec<u32>], target| {
        let transactions = Transactions::from_rows(rows, &()).unwrap();
        let ranking = Ranking::new(transactions.coded(), 1, &()).unwrap();
        let lists = RankedRows::new(transactions.coded(), &ranking, &()).unwrap();
        let plan = Plan::of(&params(1).target(target).check().unwrap(), &ranking, transactions.len() as u32);
        (plan, lists.repetition() >= REPETITION)
    };
    let dense = many(2000, 30);
    assert_eq!(chosen(&dense, ItemsetTarget::All).0, Plan::Blocks);
    assert_eq!(chosen(&dense, ItemsetTarget::Closed).0, Plan::Blocks);
    // Ten of 2000 items in each transaction: all different, and each a hundred times.
    let rare = |row: u32| (0..10).map(|k| (row * 7919 + k * k * 104_729) % 2003).collect::<Vec<u32>>();
    let (different, repeated) = ((0..5000).map(rare).collect::<Vec<_>>(), (0..5000).map(|row| rare(row % 50)));
    assert_eq!(chosen(&different, ItemsetTarget::All).0, Plan::FpGrowth);
    assert_eq!(chosen(&different, ItemsetTarget::Maximal), (Plan::Inverted, false));
    assert_eq!(chosen(&repeated.collect::<Vec<_>>(), ItemsetTarget::Maximal), (Plan::Inverted, true));
}

/// Trees below trees: more than 64 items are frequent under the first ones, which the small rows of other tests never have.
#[test]
fn items_that_stay_many_are_kept_in_trees() {
    let rows = many(3000, 150);
    let mined = |algorithm| collect(params(3).algorithm(algorithm).max_length(3), &rows);
    let expected = mined(ItemsetAlgorithm::Eclat);
    assert!(expected.len() > 20_000, "{} sets", expected.len());
    assert!(mined(ItemsetAlgorithm::FpGrowth) == expected);
}

#[test]
fn limits_and_visitors_end_the_search() {
    let rows = Transactions::from_rows(many(2000, 30), &()).unwrap();
    let all = params(30).check().unwrap().collect(&rows, &()).unwrap();
    for algorithm in [ItemsetAlgorithm::Eclat, ItemsetAlgorithm::FpGrowth] {
        let limited = params(30).algorithm(algorithm).max_patterns(100).check().unwrap();
        assert_eq!(limited.collect(&rows, &()).unwrap(), all[..100]);
        let mined = limited.mine(&rows, &(), |_, _| ControlFlow::Continue(())).unwrap();
        assert_eq!(mined, Mined { patterns: 100, complete: false });
        let mut seen = 0;
        let mined = limited.mine(&rows, &(), |_, _| {
            seen += 1;
            if seen < 7 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert_eq!((mined.unwrap(), seen), (Mined { patterns: 7, complete: false }, 7));
        let stop = |_: u64, _: u64| Err(Interrupted);
        assert_eq!(limited.collect(&rows, &stop), Err(PatternsError::Interrupted(Interrupted)));
    }
}

#[test]
fn degenerate_inputs_have_few_sets() {
    for algorithm in [ItemsetAlgorithm::Eclat, ItemsetAlgorithm::FpGrowth, ItemsetAlgorithm::Automatic] {
        let found = |rows: &[Vec<u32>], min_support| collect(params(min_support).algorithm(algorithm), rows);
        assert!(found(&[], 1).is_empty());
        assert!(found(&[vec![], vec![]], 1).is_empty());
        assert!(found(&[vec![4], vec![5]], 2).is_empty());
        assert_eq!(found(&[vec![u32::MAX, u32::MAX]], 1), [Itemset { items: vec![u32::MAX], support: 1 }]);
    }
}

#[test]
fn every_plan_asks_the_watch_from_the_first_pass_on() {
    const ROWS: u32 = 1 << 17;
    // Five of 40 items (words of bits) and of 100 (a tree) in each transaction, most of them different.
    for items in [40, 100] {
        let row = |row: u32| -> [u32; 5] {
            std::array::from_fn(|at| (row.wrapping_mul(2_654_435_761).rotate_left(7 * at as u32) >> 8) % items)
        };
        let transactions = Transactions::from_rows((0..ROWS).map(row), &()).unwrap();
        let params = params(ROWS / 100).max_length(2).check().unwrap();
        for plan in [Plan::Blocks, Plan::Inverted, Plan::Distinct, Plan::FpGrowth] {
            // Passes over all transactions or items: counting, making the database, and for FP-growth sorting.
            let least = if plan == Plan::FpGrowth { 4 * 4 + 2 * 2 } else { 2 * 4 };
            ends_when_refused(least + u64::from(items), |watch| {
                let mut visit = |_: u32, _: &[u32]| ControlFlow::Continue(());
                params.search(&transactions, Some(plan), watch, &mut visit).is_err()
            });
        }
    }
}
