//! Which variables are joined at all: the adjacency search of PC-stable.

use rayon::prelude::*;

use super::graph::Cpdag;
use super::independence::{GoOn, IndependenceTest};
use super::knowledge::Knowledge;
use super::subsets::Subsets;
use crate::watch::{Interrupted, Progress, Watch};

/// Tests between two calls of the watch.
const TESTS_PER_TICK: u64 = 8;

/// How far a search goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Level of the tests.
    pub(super) alpha: f64,
    /// Most variables of a set.
    pub(super) max_condition: usize,
}

/// Variables that sets are taken from: those on the side of `x`, and those on the side of `y`.
pub(super) type Pools = [Vec<usize>; 2];

/// What made two variables independent.
#[derive(Debug, Clone)]
pub(super) struct Separation {
    /// The first set found.
    pub(super) given: Vec<usize>,
    /// What it was taken from, if that were not the variables joined to either.
    pub(super) reached: Option<Pools>,
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
    /// The largest set that was conditioned on.
    pub(super) condition_max: usize,
}

impl Skeleton {
    /// What a pair's separating set was taken from; `None` if sets of its size were never looked for.
    pub(super) fn pools(&self, knowledge: &Knowledge, (x, y): (usize, usize), found: &Separation) -> Option<Pools> {
        if found.reached.is_some() {
            return found.reached.clone();
        }
        let graph = self.levels.get(found.given.len())?;
        Some([candidates(graph, knowledge, x, y), candidates(graph, knowledge, y, x)])
    }

    /// Takes in what the tests of a pair, `x < y`, said.
    pub(super) fn learn(&mut self, (x, y): (usize, usize), verdict: Verdict) {
        let place = x * self.graph.variables() + y;
        self.tests += verdict.tests;
        self.p_max[place] = self.p_max[place].max(verdict.p_max);
        if verdict.separation.is_some() {
            self.graph.part(x, y);
        }
        self.separations[place] = verdict.separation;
    }
}

/// What the tests of one pair with sets of one size say.
pub(super) struct Verdict {
    pub(super) separation: Option<Separation>,
    pub(super) p_max: f64,
    pub(super) tests: u64,
}

/// The variables to condition on for the side of `of`: joined to it, other than `apart_from`, and possible causes of it.
pub(super) fn candidates(graph: &Cpdag, knowledge: &Knowledge, of: usize, apart_from: usize) -> Vec<usize> {
    let mut joined = graph.adjacents(of);
    joined.retain(|v| *v != apart_from && knowledge.may_cause(*v, of));
    joined
}

/// Removes from `graph` the edge of each pair that some set of the size of the level makes independent, for ever larger sets of the
/// variables joined to either. All pairs of one level see the same graph (Colombo and Maathuis 2014), so the result depends
/// neither on the order of the variables nor on the number of threads.
///
/// A set that makes two variables independent is found among the causes of one of them: what cannot be a cause is not tried.
pub(super) fn search<T: IndependenceTest>(
    limits: Limits,
    graph: Cpdag,
    test: &T,
    knowledge: &Knowledge,
    watch: &dyn Watch,
) -> Result<Skeleton, Interrupted> {
    let variables = test.variables();
    let pairs: Vec<(usize, usize)> = (0..variables).flat_map(|x| (x + 1..variables).map(move |y| (x, y))).collect();
    let mut found = Skeleton {
        graph,
        levels: Vec::new(),
        separations: vec![None; variables * variables],
        p_max: vec![f64::NAN; variables * variables],
        tests: 0,
        condition_max: 0,
    };
    for level in 0..=limits.max_condition {
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
                |scratch, &(x, y)| {
                    let pools = [candidates(&found.graph, knowledge, x, y), candidates(&found.graph, knowledge, y, x)];
                    let said = verdict(test, scratch, (&pools, &[]), (x, y), (level, limits.alpha), &progress)?;
                    progress.advance(1)?;
                    Ok(said)
                },
            )
            .collect();
        found.levels.push(found.graph.clone());
        found.condition_max = level;
        open.into_iter().zip(verdicts?).for_each(|(pair, verdict)| found.learn(pair, verdict));
    }
    Ok(found)
}

/// Tests a pair with the sets of one size of either pool, until one makes it independent. Sets that are part of one of those in `tested` are
/// left out.
pub(super) fn verdict<T: IndependenceTest>(
    test: &T,
    scratch: &mut T::Scratch,
    (pools, tested): (&Pools, &[Vec<usize>]),
    (x, y): (usize, usize),
    (size, alpha): (usize, f64),
    progress: &Progress<'_>,
) -> Result<Verdict, Interrupted> {
    let mut verdict = Verdict { separation: None, p_max: f64::NAN, tests: 0 };
    let within = |given: &[usize], all: &Vec<usize>| given.iter().all(|v| all.binary_search(v).is_ok());
    for (side, pool) in pools.iter().enumerate() {
        let mut sets = Subsets::new(pool, size);
        let mut passed = 0u64;
        while let Some(given) = sets.next() {
            passed += 1;
            if passed.is_multiple_of(TESTS_PER_TICK) {
                progress.advance(0)?;
            }
            if side == 1 && within(given, &pools[0]) || tested.iter().any(|all| within(given, all)) {
                continue;
            }
            let p = test.p_value(x, y, given, scratch, GoOn::while_asked(progress))?;
            verdict.tests += 1;
            verdict.p_max = verdict.p_max.max(p);
            if p > alpha {
                verdict.separation = Some(Separation { given: given.to_vec(), reached: None });
                return Ok(verdict);
            }
        }
    }
    Ok(verdict)
}
