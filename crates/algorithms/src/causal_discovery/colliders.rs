//! Where two causes meet in one effect.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::graph::Cpdag;
use super::hyperparams::{Conflicts, PcValidParams};
use super::independence::{GoOn, IndependenceTest};
use super::knowledge::Knowledge;
use super::skeleton::{Pools, Skeleton, candidates};
use super::subsets::Subsets;
use crate::watch::{Interrupted, Progress, Watch};

/// `x -> y <- z` with `x` and `z` apart, `x < z`.
pub(super) type Triple = (usize, usize, usize);

/// Directs the edges of the skeleton that meet in colliders. Returns how many colliders were found.
///
/// `x - y - z` with `x` and `z` apart is a collider at `y` where `y` is in none of the sets that make `x` and `z` independent,
/// of the smallest size at which any does, taken from the variables joined to either at that size: all sets are asked, not the
/// first alone, so that the order of the variables does not decide (the rule of causal-learn; compare Colombo and Maathuis 2014,
/// section 4.2). Only sets that hold `y` need to be looked at.
pub(super) fn orient<T: IndependenceTest>(
    params: &PcValidParams,
    test: &T,
    knowledge: &Knowledge,
    skeleton: &Skeleton,
    watch: &dyn Watch,
) -> Result<(Cpdag, usize), Interrupted> {
    let mut graph = skeleton.graph.clone();
    knowledge.orient(&mut graph);
    let allowed = |&(x, y, z): &Triple| knowledge.may_cause(x, y) && knowledge.may_cause(z, y);
    let triples: Vec<Triple> = unshielded(&skeleton.graph).into_iter().filter(allowed).collect();
    let progress = Progress::new(watch, 2 * triples.len() as u64);
    let asker = Asker { alpha: params.alpha(), test, knowledge, progress: &progress };
    let met: Result<Vec<bool>, Interrupted> = triples
        .par_iter()
        .map_init(|| test.scratch(), |scratch, triple| asker.is_collider(skeleton, *triple, scratch))
        .collect();
    let mut colliders: Vec<Triple> = triples.into_iter().zip(met?).filter(|(_, met)| *met).map(|(t, _)| t).collect();
    if params.conflicts() == Conflicts::Strongest {
        let strength: Result<Vec<f64>, Interrupted> = colliders
            .par_iter()
            .map_init(
                || test.scratch(),
                |scratch, triple| {
                    let contested = colliders.iter().any(|other| contradict(triple, other));
                    let p =
                        asker.p_max_given_middle(&skeleton.graph, *triple, params.max_condition(), contested, scratch);
                    progress.advance(1)?;
                    p
                },
            )
            .collect();
        let mut by_strength: Vec<(f64, Triple)> = strength?.into_iter().zip(colliders).collect();
        // Stable: those of equal strength stay in the order of the variables.
        by_strength.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal));
        colliders = by_strength.into_iter().map(|(_, triple)| triple).collect();
    }
    for (x, y, z) in &colliders {
        let free = !graph.directed(*y, *x) && !graph.directed(*y, *z);
        if free || params.conflicts() == Conflicts::Overwrite {
            graph.direct(*x, *y);
            graph.direct(*z, *y);
        }
    }
    Ok((graph, colliders.len()))
}

/// Whether both want an edge to point different ways.
fn contradict(a: &Triple, b: &Triple) -> bool {
    let arrows = |&(x, y, z): &Triple| [(x, y), (z, y)];
    arrows(a).into_iter().any(|(from, to)| arrows(b).contains(&(to, from)))
}

/// Triples `x - y - z` without an edge between `x` and `z`, by ascending `y`, then `x`, then `z`.
pub(super) fn unshielded(graph: &Cpdag) -> Vec<Triple> {
    let mut found = Vec::new();
    for y in 0..graph.variables() {
        let joined = graph.adjacents(y);
        for (i, &x) in joined.iter().enumerate() {
            found.extend(joined[i + 1..].iter().filter(|z| !graph.adjacent(x, **z)).map(|z| (x, y, *z)));
        }
    }
    found
}

/// Asks tests where colliders are.
pub(super) struct Asker<'a, T> {
    pub(super) alpha: f64,
    pub(super) test: &'a T,
    pub(super) knowledge: &'a Knowledge,
    pub(super) progress: &'a Progress<'a>,
}

impl<T: IndependenceTest> Asker<'_, T> {
    /// Whether `y` is in none of the sets that make `x` and `z` independent, of those of the smallest size; no if none does.
    pub(super) fn is_collider(
        &self,
        skeleton: &Skeleton,
        (x, y, z): Triple,
        scratch: &mut T::Scratch,
    ) -> Result<bool, Interrupted> {
        let variables = skeleton.graph.variables();
        // Nothing made them independent: they are apart by knowledge alone, and nothing follows from it.
        let Some(separation) = &skeleton.separations[x * variables + z] else { return Ok(false) };
        self.progress.advance(1)?;
        if separation.given.contains(&y) {
            return Ok(false);
        }
        let Some(pools) = skeleton.pools(self.knowledge, (x, z), separation) else { return Ok(true) };
        let mut hidden = true;
        self.each_set_with(y, separation.given.len(), pools, |given| {
            hidden = self.test.p_value(x, z, given, scratch, GoOn::while_asked(self.progress))? <= self.alpha;
            Ok(hidden)
        })?;
        Ok(hidden)
    }

    /// The largest p-value of both ends given sets that hold the middle; 0, the surest collider, if nobody contests it.
    fn p_max_given_middle(
        &self,
        graph: &Cpdag,
        (x, y, z): Triple,
        size_max: usize,
        contested: bool,
        scratch: &mut T::Scratch,
    ) -> Result<f64, Interrupted> {
        let mut p_max = 0.0f64;
        if contested {
            let pools = [candidates(graph, self.knowledge, x, z), candidates(graph, self.knowledge, z, x)];
            for size in 1..=size_max.min(graph.variables()) {
                self.each_set_with(y, size, pools.clone(), |given| {
                    p_max = p_max.max(self.test.p_value(x, z, given, scratch, GoOn::while_asked(self.progress))?);
                    Ok(true)
                })?;
            }
        }
        Ok(p_max)
    }

    /// Shows `visit` the sets of this size that hold `y` and are part of the first pool, then those of the second, until it says no.
    fn each_set_with(
        &self,
        y: usize,
        size: usize,
        pools: Pools,
        mut visit: impl FnMut(&[usize]) -> Result<bool, Interrupted>,
    ) -> Result<(), Interrupted> {
        if size == 0 {
            return Ok(());
        }
        let mut given = Vec::with_capacity(size);
        for mut pool in pools {
            if pool.binary_search(&y).is_err() {
                continue;
            }
            pool.retain(|v| *v != y);
            let mut sets = Subsets::new(&pool, size - 1);
            while let Some(others) = sets.next() {
                given.clear();
                given.extend_from_slice(others);
                given.push(y);
                given.sort_unstable();
                if !visit(&given)? {
                    return Ok(());
                }
                self.progress.advance(0)?;
            }
        }
        Ok(())
    }
}
