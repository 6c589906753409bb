//! What follows from the colliders of a graph with hidden variables: the rules R1 to R10 of Zhang (2008).

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::colliders::Asker;
use super::discriminating::{self, Discriminating};
use super::independence::IndependenceTest;
use super::marks::{Mark, MarkedGraph};
use super::orientation::Wanted;
use super::pag::Pag;
use super::skeleton::Skeleton;
use super::uncovered::{in_open_circle, possibly_acted_on};
use crate::watch::{Interrupted, Progress};
use Mark::{Arrow, Circle, Tail};

/// The graph that rules look at, and who is joined to whom in it.
struct Seen<'a> {
    graph: &'a Pag,
    joined: &'a [Vec<usize>],
    progress: &'a Progress<'a>,
}

type Rule = fn(&Seen<'_>) -> Result<Wanted, Interrupted>;

/// Marks every end for which data decide, until no rule finds another: R1 to R4, with `selection` R5 to R7, then R8 to R10, and all of them
/// again. Every application of a rule sees the graph as it was before the rule, so the order of the variables does not decide.
///
/// `O(edges variables^2)` for each round of R1 to R8, `O(edges^2 variables)` of R5, R9 and R10; as many rounds as a chain of consequences is
/// long. R4 may test pairs anew, for which it asks `asker`.
pub(super) fn close<T: IndependenceTest>(
    graph: &mut Pag,
    selection: bool,
    skeleton: &Skeleton,
    asker: &Asker<'_, T>,
) -> Result<(), Interrupted> {
    let joined: Vec<Vec<usize>> = (0..graph.variables()).map(|v| graph.adjacents(v)).collect();
    let mut verdicts = BTreeMap::new();
    let tails: [Rule; 3] = [open_circle, beside_tails, past_half_tail];
    loop {
        let mut changed = false;
        while apply(graph, &joined, &[away_from_arrow, along_arrows, double_triangle], asker.progress)?
            || discriminate(graph, &joined, skeleton, asker, &mut verdicts)?
        {
            changed = true;
        }
        if selection {
            changed |= apply(graph, &joined, &tails, asker.progress)?;
        }
        changed |= apply(graph, &joined, &[shortens_path, along_uncovered_path, by_two_causes], asker.progress)?;
        if !changed {
            return Ok(());
        }
    }
}

/// Applies each rule once. Returns whether anything changed.
fn apply(graph: &mut Pag, joined: &[Vec<usize>], rules: &[Rule], progress: &Progress<'_>) -> Result<bool, Interrupted> {
    let mut changed = false;
    for rule in rules {
        let wanted = rule(&Seen { graph, joined, progress })?;
        changed |= wanted.apply(graph);
    }
    Ok(changed)
}

impl Seen<'_> {
    fn is(&self, other: usize, at: usize, mark: Mark) -> bool {
        self.graph.end(other, at) == Some(mark)
    }

    /// Shows `visit` each variable with those joined to it.
    fn each(&self, mut visit: impl FnMut(usize, &[usize])) -> Result<(), Interrupted> {
        for (variable, joined) in self.joined.iter().enumerate() {
            self.progress.advance(0)?;
            visit(variable, joined);
        }
        Ok(())
    }

    /// Shows `visit` each edge `a o-> c`.
    fn each_half_arrow(&self, mut visit: impl FnMut(usize, usize)) -> Result<(), Interrupted> {
        for (a, joined) in self.joined.iter().enumerate() {
            for &c in joined.iter().filter(|c| self.is(**c, a, Circle) && self.is(a, **c, Arrow)) {
                self.progress.advance(0)?;
                visit(a, c);
            }
        }
        Ok(())
    }
}

/// R1: `a *-> b o-* c`, `a` apart from `c`: `b -> c`, or they would meet in a collider.
fn away_from_arrow(seen: &Seen<'_>) -> Result<Wanted, Interrupted> {
    let mut wanted = Wanted::default();
    seen.each(|b, joined| {
        for &c in joined.iter().filter(|c| seen.is(**c, b, Circle)) {
            if joined.iter().any(|a| *a != c && seen.is(*a, b, Arrow) && !seen.graph.adjacent(*a, c)) {
                wanted.edge((b, Some(Tail)), (c, Some(Arrow)));
            }
        }
    })?;
    Ok(wanted)
}

/// R2: `a -> b *-> c` or `a *-> b -> c`, and `a *-o c`: `a *-> c`, or they would act on each other in a circle.
fn along_arrows(seen: &Seen<'_>) -> Result<Wanted, Interrupted> {
    let mut wanted = Wanted::default();
    seen.each(|c, joined| {
        for &a in joined.iter().filter(|a| seen.is(**a, c, Circle)) {
            let between = |b: &usize| {
                seen.is(a, *b, Arrow) && seen.is(*b, c, Arrow) && (seen.is(*b, a, Tail) || seen.is(c, *b, Tail))
            };
            if joined.iter().any(between) {
                wanted.end(a, c, Arrow);
            }
        }
    })?;
    Ok(wanted)
}

/// R3: `a *-> b <-* c`, `a *-o d o-* c`, `a` apart from `c`, and `d *-o b`: `d *-> b`.
fn double_triangle(seen: &Seen<'_>) -> Result<Wanted, Interrupted> {
    let mut wanted = Wanted::default();
    seen.each(|b, joined| {
        for &d in joined.iter().filter(|d| seen.is(**d, b, Circle)) {
            let sides: Vec<usize> =
                joined.iter().copied().filter(|a| seen.is(*a, b, Arrow) && seen.is(*a, d, Circle)).collect();
            let apart = |(i, a): (usize, &usize)| sides[i + 1..].iter().any(|c| !seen.graph.adjacent(*a, *c));
            if sides.iter().enumerate().any(apart) {
                wanted.end(d, b, Arrow);
            }
        }
    })?;
    Ok(wanted)
}

/// R4: of a discriminating path for `b o-* c` that ends with `a`, `b` and `c`: `b -> c` if `b` is in the sets that part its ends, otherwise
/// `a <-> b <-> c`.
fn discriminate<T: IndependenceTest>(
    graph: &mut Pag,
    joined: &[Vec<usize>],
    skeleton: &Skeleton,
    asker: &Asker<'_, T>,
    verdicts: &mut BTreeMap<(usize, usize, usize), bool>,
) -> Result<bool, Interrupted> {
    let mut paths: Vec<Discriminating> = Vec::new();
    for to in 0..joined.len() {
        asker.progress.advance(0)?;
        let open = joined[to].iter().filter(|at| graph.end(to, **at) == Some(Circle));
        paths.extend(open.flat_map(|at| discriminating::shortest(joined, graph, (*at, to))));
    }
    let key = |path: &Discriminating| (path.far.min(path.to), path.at, path.far.max(path.to));
    let mut unasked: Vec<(usize, usize, usize)> =
        paths.iter().map(key).filter(|of| !verdicts.contains_key(of)).collect();
    unasked.sort_unstable();
    unasked.dedup();
    let said: Result<Vec<bool>, Interrupted> = unasked
        .par_iter()
        .map_init(|| asker.test.scratch(), |scratch, triple| asker.is_collider(skeleton, *triple, scratch))
        .collect();
    verdicts.extend(unasked.into_iter().zip(said?));
    let mut wanted = Wanted::default();
    for path in &paths {
        let Discriminating { before, at, to, .. } = *path;
        if verdicts.get(&key(path)) == Some(&true) {
            wanted.edge((at, Some(Arrow)), (to, Some(Arrow)));
            wanted.edge((before, Some(Arrow)), (at, Some(Arrow)));
        } else {
            wanted.edge((at, Some(Tail)), (to, Some(Arrow)));
        }
    }
    Ok(wanted.apply(graph))
}

/// R5: a circle of edges `o-o`, uncovered all round: all are `-`, or arrows would lead round.
fn open_circle(seen: &Seen<'_>) -> Result<Wanted, Interrupted> {
    let mut wanted = Wanted::default();
    for (a, joined) in seen.joined.iter().enumerate() {
        for &b in joined.iter().filter(|b| a < **b && seen.is(a, **b, Circle) && seen.is(**b, a, Circle)) {
            seen.progress.advance(0)?;
            if in_open_circle(seen.joined, seen.graph, (a, b)) {
                wanted.edge((a, Some(Tail)), (b, Some(Tail)));
            }
        }
    }
    Ok(wanted)
}

/// R6: `a - b o-* c`: `b -* c`, because no arrow leads to what has an edge `-`.
fn beside_tails(seen: &Seen<'_>) -> Result<Wanted, Interrupted> {
    let mut wanted = Wanted::default();
    seen.each(|b, joined| {
        if joined.iter().any(|a| seen.is(*a, b, Tail) && seen.is(b, *a, Tail)) {
            joined.iter().filter(|c| seen.is(**c, b, Circle)).for_each(|c| wanted.end(*c, b, Tail));
        }
    })?;
    Ok(wanted)
}

/// R7: `a -o b o-* c`, `a` apart from `c`: `b -* c`.
fn past_half_tail(seen: &Seen<'_>) -> Result<Wanted, Interrupted> {
    let mut wanted = Wanted::default();
    seen.each(|b, joined| {
        let half = |a: &usize| seen.is(b, *a, Tail) && seen.is(*a, b, Circle);
        for &c in joined.iter().filter(|c| seen.is(**c, b, Circle)) {
            if joined.iter().any(|a| *a != c && half(a) && !seen.graph.adjacent(*a, c)) {
                wanted.end(c, b, Tail);
            }
        }
    })?;
    Ok(wanted)
}

/// R8: `a -> b -> c` or `a -o b -> c`, and `a o-> c`: `a -> c`.
fn shortens_path(seen: &Seen<'_>) -> Result<Wanted, Interrupted> {
    let mut wanted = Wanted::default();
    seen.each_half_arrow(|a, c| {
        let between = |b: &usize| {
            seen.graph.directed(*b, c) && seen.is(*b, a, Tail) && !seen.is(a, *b, Tail) && seen.graph.adjacent(a, *b)
        };
        if seen.joined[c].iter().any(between) {
            wanted.end(c, a, Tail);
        }
    })?;
    Ok(wanted)
}

/// R9: `a o-> c`, and an uncovered path from `a` to `c` along which each may act on the next, whose second variable is apart from `c`:
/// `a -> c`.
fn along_uncovered_path(seen: &Seen<'_>) -> Result<Wanted, Interrupted> {
    let mut wanted = Wanted::default();
    seen.each_half_arrow(|a, c| {
        let leads = |first: &usize| {
            *first != c
                && !seen.graph.adjacent(*first, c)
                && possibly_acted_on(seen.joined, seen.graph, (a, *first)).binary_search(&c).is_ok()
        };
        if seen.joined[a].iter().any(leads) {
            wanted.end(c, a, Tail);
        }
    })?;
    Ok(wanted)
}

/// R10: `a o-> c`, and `b -> c <- d`, and uncovered paths from `a` to `b` and to `d` along which each may act on the next, whose second
/// variables are apart: `a -> c`.
fn by_two_causes(seen: &Seen<'_>) -> Result<Wanted, Interrupted> {
    let mut wanted = Wanted::default();
    seen.each_half_arrow(|a, c| {
        let causes = seen.graph.causes(c);
        if causes.len() < 2 {
            return;
        }
        let leads = |first: &usize| {
            let reached = possibly_acted_on(seen.joined, seen.graph, (a, *first));
            causes.iter().any(|cause| reached.binary_search(cause).is_ok())
        };
        let firsts: Vec<usize> = seen.joined[a].iter().copied().filter(|first| *first != c && leads(first)).collect();
        let apart = |(i, one): (usize, &usize)| firsts[i + 1..].iter().any(|two| !seen.graph.adjacent(*one, *two));
        if firsts.iter().enumerate().any(apart) {
            wanted.end(c, a, Tail);
        }
    })?;
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal_discovery::MarkedEnd;

    /// The mark at the second variable of the edge with the first after one application of a rule.
    fn after(rule: Rule, edges: &[(MarkedEnd, MarkedEnd)], (other, at): (usize, usize)) -> Option<Mark> {
        let mut graph = Pag::from_edges(6, edges);
        let joined: Vec<Vec<usize>> = (0..6).map(|v| graph.adjacents(v)).collect();
        let progress = Progress::new(&(), 1);
        let wanted = rule(&Seen { graph: &graph, joined: &joined, progress: &progress }).unwrap();
        wanted.apply(&mut graph);
        graph.end(other, at)
    }

    #[test]
    fn each_rule_marks_its_end_and_not_where_a_condition_is_missing() {
        // R1: 0 *-> 1 o-* 2.
        let chain = [((0, Circle), (1, Arrow)), ((1, Circle), (2, Circle))];
        assert_eq!(after(away_from_arrow, &chain, (2, 1)), Some(Tail));
        assert_eq!(after(away_from_arrow, &chain, (1, 2)), Some(Arrow));
        let shielded = [chain[0], chain[1], ((0, Circle), (2, Circle))];
        assert_eq!(after(away_from_arrow, &shielded, (2, 1)), Some(Circle));
        // R2: 0 -> 1 *-> 2, 0 *-o 2.
        let along = |at_0| [((0, at_0), (1, Arrow)), ((1, Circle), (2, Arrow)), ((0, Circle), (2, Circle))];
        assert_eq!(after(along_arrows, &along(Tail), (0, 2)), Some(Arrow));
        assert_eq!(after(along_arrows, &along(Circle), (0, 2)), Some(Circle));
        // R3: 0 *-> 1 <-* 2, 0 *-o 3 o-* 2, 3 *-o 1.
        let mut double = vec![
            ((0, Circle), (1, Arrow)),
            ((2, Circle), (1, Arrow)),
            ((0, Circle), (3, Circle)),
            ((2, Circle), (3, Circle)),
            ((3, Circle), (1, Circle)),
        ];
        assert_eq!(after(double_triangle, &double, (3, 1)), Some(Arrow));
        double.push(((0, Circle), (2, Circle)));
        assert_eq!(after(double_triangle, &double, (3, 1)), Some(Circle));
    }

    #[test]
    fn tails_of_selection_are_marked() {
        // R5: a circle of five without chords; with one it is no circle any more.
        let mut circle: Vec<(MarkedEnd, MarkedEnd)> = (0..5).map(|v| ((v, Circle), ((v + 1) % 5, Circle))).collect();
        assert_eq!(after(open_circle, &circle, (0, 1)), Some(Tail));
        assert_eq!(after(open_circle, &circle, (4, 3)), Some(Tail));
        circle.push(((0, Circle), (2, Circle)));
        assert_eq!(after(open_circle, &circle, (2, 1)), Some(Circle));
        // R6: 0 - 1 o-> 2.
        let beside = [((0, Tail), (1, Tail)), ((1, Circle), (2, Arrow))];
        assert_eq!(after(beside_tails, &beside, (2, 1)), Some(Tail));
        // R7: 0 -o 1 o-o 2, 0 apart from 2.
        let half = [((0, Tail), (1, Circle)), ((1, Circle), (2, Circle))];
        assert_eq!(after(past_half_tail, &half, (2, 1)), Some(Tail));
        assert_eq!(after(past_half_tail, &[half[0], half[1], ((0, Circle), (2, Circle))], (2, 1)), Some(Circle));
    }

    #[test]
    fn tails_of_half_arrows_are_marked() {
        // R8: 0 -> 1 -> 2 and 0 o-> 2.
        let short = |at_0| [((0, at_0), (1, Arrow)), ((1, Tail), (2, Arrow)), ((0, Circle), (2, Arrow))];
        assert_eq!(after(shortens_path, &short(Tail), (2, 0)), Some(Tail));
        assert_eq!(after(shortens_path, &short(Circle), (2, 0)), Some(Circle));
        // R9: 0 o-> 3, and 0 o-o 1 o-o 2 o-> 3 without chords.
        let mut path = vec![
            ((0, Circle), (3, Arrow)),
            ((0, Circle), (1, Circle)),
            ((1, Circle), (2, Circle)),
            ((2, Circle), (3, Arrow)),
        ];
        assert_eq!(after(along_uncovered_path, &path, (3, 0)), Some(Tail));
        path.push(((0, Circle), (2, Circle)));
        assert_eq!(after(along_uncovered_path, &path, (3, 0)), Some(Circle));
        // R10: 0 o-> 3, 1 -> 3 <- 2, 0 o-o 1 and 0 o-o 4 o-o 2.
        let mut two = vec![
            ((0, Circle), (3, Arrow)),
            ((1, Tail), (3, Arrow)),
            ((2, Tail), (3, Arrow)),
            ((0, Circle), (1, Circle)),
            ((0, Circle), (4, Circle)),
            ((4, Circle), (2, Circle)),
        ];
        assert_eq!(after(by_two_causes, &two, (3, 0)), Some(Tail));
        two.push(((1, Circle), (4, Circle)));
        assert_eq!(after(by_two_causes, &two, (3, 0)), Some(Circle));
    }
}
