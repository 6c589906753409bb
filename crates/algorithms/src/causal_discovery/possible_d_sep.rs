//! Which variables may part two others although they are joined to neither.

use rayon::prelude::*;

use super::independence::IndependenceTest;
use super::knowledge::Knowledge;
use super::marks::{Mark, MarkedGraph};
use super::pag::Pag;
use super::skeleton::{Limits, Skeleton, Verdict, candidates, verdict};
use crate::watch::{Interrupted, Progress, Watch};

/// The variables to which paths of at most `length_max` edges lead from `from` whose every inner variable is a collider between its two
/// neighbours, or joined to them in a triangle: "Possible-D-SEP" (Spirtes, Glymour and Scheines 2000, section 6.7; in the form of
/// Colombo, Maathuis, Kalisch and Richardson 2012, definition 3.3). Ascending, without `from`. `O(edges variables)`.
fn possible_d_sep(graph: &Pag, joined: &[Vec<usize>], from: usize, length_max: usize) -> Vec<usize> {
    let variables = joined.len();
    let mut seen = vec![false; variables * variables];
    let mut found = vec![false; variables];
    // The last edge of each path: what may follow depends on no more.
    let mut open: Vec<(usize, usize)> = joined[from].iter().map(|next| (from, *next)).collect();
    for _ in 0..length_max {
        let mut longer = Vec::new();
        for (a, b) in open {
            found[b] = true;
            for &c in joined[b].iter().filter(|c| **c != a && **c != from) {
                let collider = graph.end(a, b) == Some(Mark::Arrow) && graph.end(c, b) == Some(Mark::Arrow);
                if !seen[b * variables + c] && (collider || graph.adjacent(a, c)) {
                    seen[b * variables + c] = true;
                    longer.push((b, c));
                }
            }
        }
        open = longer;
    }
    (0..variables).filter(|v| found[*v]).collect()
}

/// Tests every pair that is still joined with sets of what may part it, and parts it where one makes it independent. All pairs see the same
/// graph, in which the colliders of the skeleton are marked.
///
/// A set that parts two variables is found among the ancestors of either: what cannot act on either is not tried.
pub(super) fn part<T: IndependenceTest>(
    (limits, length_max): (Limits, usize),
    graph: &Pag,
    skeleton: &mut Skeleton,
    test: &T,
    knowledge: &Knowledge,
    watch: &dyn Watch,
) -> Result<(), Interrupted> {
    let variables = graph.variables();
    let joined: Vec<Vec<usize>> = (0..variables).map(|v| graph.adjacents(v)).collect();
    let progress = Progress::new(watch, variables as u64);
    let reached: Result<Vec<Vec<usize>>, Interrupted> = (0..variables)
        .into_par_iter()
        .map(|from| {
            progress.advance(1)?;
            Ok(possible_d_sep(graph, &joined, from, length_max.min(variables)))
        })
        .collect();
    let reached = reached?;
    let pairs: Vec<(usize, usize)> = graph
        .marked_edges()
        .into_iter()
        .map(|edge| (edge.from.min(edge.to), edge.from.max(edge.to)))
        .filter(|&(x, y)| !knowledge.requires(x, y) && !knowledge.requires(y, x))
        .collect();
    let progress = Progress::new(watch, pairs.len() as u64);
    let verdicts: Result<Vec<Verdict>, Interrupted> = pairs
        .par_iter()
        .map_init(
            || test.scratch(),
            |scratch, &(x, y)| {
                let tested =
                    [candidates(&skeleton.graph, knowledge, x, y), candidates(&skeleton.graph, knowledge, y, x)];
                let pools = [x, y].map(|side| {
                    let mut pool = reached[side].clone();
                    let may = |v: usize| knowledge.may_cause(v, x) || knowledge.may_cause(v, y);
                    pool.retain(|v| *v != x && *v != y && may(*v));
                    pool
                });
                let mut all = Verdict { separation: None, p_max: f64::NAN, tests: 0 };
                for size in 1..=limits.max_condition.min(pools[0].len().max(pools[1].len())) {
                    let said = verdict(test, scratch, (&pools, &tested), (x, y), (size, limits.alpha), &progress)?;
                    all.tests += said.tests;
                    all.p_max = all.p_max.max(said.p_max);
                    if let Some(mut separation) = said.separation {
                        separation.reached = Some(pools);
                        all.separation = Some(separation);
                        break;
                    }
                }
                progress.advance(1)?;
                Ok(all)
            },
        )
        .collect();
    for (pair, verdict) in pairs.into_iter().zip(verdicts?) {
        if let Some(separation) = &verdict.separation {
            skeleton.condition_max = skeleton.condition_max.max(separation.given.len());
        }
        skeleton.learn(pair, verdict);
    }
    Ok(())
}
