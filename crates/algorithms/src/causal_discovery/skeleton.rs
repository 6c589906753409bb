//! Which variables are joined at all: the adjacency search of PC-stable.

use rayon::prelude::*;

use super::graph::Cpdag;
use super::hyperparams::PcValidParams;
use super::independence::{GoOn, IndependenceTest};
use super::knowledge::Knowledge;
use super::subsets::Subsets;
use crate::watch::{Interrupted, Progress, Watch};

/// Tests between two calls of the watch.
const TESTS_PER_TICK: u64 = 8;

/// What made two variables independent.
#[derive(Debug, Clone)]
pub(super) struct Separation {
    /// The first set found.
    pub(super) given: Vec<usize>,
}

/// The search's result. Pairs are kept at `x * variables + y`, `x < y`.
pub(super) struct Skeleton {
    pub(super) graph: Cpdag,
    /// The graph as it was when sets of each size were tried.
    pub(super) levels: Vec<Cpdag>,
    pub(super) separations: Vec<Option<Separation>>,
    /// The largest p-value of all tests of a pair.
    pub(super) p_max: Vec<f64>,
    pub(super) tests: u64,
}

/// What the tests of one pair at one level say.
struct Verdict {
    separation: Option<Separation>,
    p_max: f64,
    tests: u64,
}

/// The variables to condition on for the side of `of`: joined to it, other than `apart_from`, and possible causes of it.
pub(super) fn candidates(graph: &Cpdag, knowledge: &Knowledge, of: usize, apart_from: usize) -> Vec<usize> {
    let mut joined = graph.adjacents(of);
    joined.retain(|v| *v != apart_from && knowledge.may_cause(*v, of));
    joined
}

/// Removes the edge of each pair that some set of the size of the level makes independent, for ever larger sets of the
/// variables joined to either. All pairs of one level see the same graph (Colombo and Maathuis 2014), so the result depends
/// neither on the order of the variables nor on the number of threads.
///
/// A set that makes two variables independent is found among the causes of one of them: what cannot be a cause is not tried.
pub(super) fn search<T: IndependenceTest>(
    params: &PcValidParams,
    test: &T,
    knowledge: &Knowledge,
    watch: &dyn Watch,
) -> Result<Skeleton, Interrupted> {
    let variables = test.variables();
    let pairs: Vec<(usize, usize)> = (0..variables).flat_map(|x| (x + 1..variables).map(move |y| (x, y))).collect();
    let mut graph = Cpdag::empty(variables);
    pairs.iter().filter(|(x, y)| !knowledge.apart(*x, *y)).for_each(|(x, y)| graph.join(*x, *y));
    let mut found = Skeleton {
        graph,
        levels: Vec::new(),
        separations: vec![None; variables * variables],
        p_max: vec![f64::NAN; variables * variables],
        tests: 0,
    };
    for level in 0..=params.max_condition() {
        let open: Vec<(usize, usize)> = pairs
            .iter()
            .copied()
            .filter(|&(x, y)| found.separations[x * variables + y].is_none())
            .filter(|&(x, y)| !knowledge.requires(x, y) && !knowledge.requires(y, x))
            .filter(|&(x, y)| {
                let enough = |a, b| candidates(&found.graph, knowledge, a, b).len() >= level;
                enough(x, y) || enough(y, x)
            })
            .collect();
        // Pairs that are only to be told apart, for the sake of colliders, do not keep the search going.
        if !open.iter().any(|(x, y)| found.graph.adjacent(*x, *y)) {
            break;
        }
        let progress = Progress::new(watch, open.len() as u64);
        let verdicts: Result<Vec<Verdict>, Interrupted> = open
            .par_iter()
            .map_init(
                || test.scratch(),
                |scratch, pair| {
                    verdict(test, scratch, (&found.graph, knowledge), *pair, (level, params.alpha()), &progress)
                },
            )
            .collect();
        found.levels.push(found.graph.clone());
        for ((x, y), verdict) in open.into_iter().zip(verdicts?) {
            let place = x * variables + y;
            found.tests += verdict.tests;
            found.p_max[place] = found.p_max[place].max(verdict.p_max);
            if verdict.separation.is_some() {
                found.graph.part(x, y);
            }
            found.separations[place] = verdict.separation;
        }
    }
    Ok(found)
}

fn verdict<T: IndependenceTest>(
    test: &T,
    scratch: &mut T::Scratch,
    (graph, knowledge): (&Cpdag, &Knowledge),
    (x, y): (usize, usize),
    (level, alpha): (usize, f64),
    progress: &Progress<'_>,
) -> Result<Verdict, Interrupted> {
    let mut verdict = Verdict { separation: None, p_max: f64::NAN, tests: 0 };
    let of_x = candidates(graph, knowledge, x, y);
    let of_y = candidates(graph, knowledge, y, x);
    for (side, pool) in [&of_x, &of_y].into_iter().enumerate() {
        let mut sets = Subsets::new(pool, level);
        while let Some(given) = sets.next() {
            if side == 1 && given.iter().all(|v| of_x.binary_search(v).is_ok()) {
                continue;
            }
            let p = test.p_value(x, y, given, scratch, GoOn::while_asked(progress))?;
            verdict.tests += 1;
            verdict.p_max = verdict.p_max.max(p);
            if p > alpha {
                verdict.separation = Some(Separation { given: given.to_vec() });
                progress.advance(1)?;
                return Ok(verdict);
            }
            if verdict.tests.is_multiple_of(TESTS_PER_TICK) {
                progress.advance(0)?;
            }
        }
    }
    progress.advance(1)?;
    Ok(verdict)
}
