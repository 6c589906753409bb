//! For tests: independence as a known graph has it, and what could be known of it from independence alone.

use super::graph::{Cpdag, Edge};
use super::independence::{GoOn, IndependenceTest};
use super::marks::{Mark, MarkedGraph};
use super::pag::Pag;
use crate::watch::Interrupted;

/// Knows the graph: two variables are independent given others where these block every path (Pearl 1988), read off the moral
/// graph of their ancestors. Some variables may be hidden, and rows selected by some of those.
pub(super) struct Oracle {
    dag: Cpdag,
    observed: Vec<usize>,
    selected: Vec<usize>,
}

impl Oracle {
    /// Everything is observed.
    pub(super) fn of(variables: usize, arrows: &[(usize, usize)]) -> Self {
        Self::of_some(variables, arrows, &(0..variables).collect::<Vec<_>>(), &[])
    }

    /// Only some variables are observed; they are numbered by their places in `observed`.
    pub(super) fn of_some(variables: usize, arrows: &[(usize, usize)], observed: &[usize], selected: &[usize]) -> Self {
        let edges: Vec<Edge> = arrows.iter().map(|&(from, to)| Edge { from, to, directed: true }).collect();
        let dag = Cpdag::from_edges(variables, &edges);
        Self { dag, observed: observed.to_vec(), selected: selected.to_vec() }
    }

    /// Whether arrows lead from one observed variable to another, or to what rows are selected by.
    pub(super) fn acts(&self, a: usize, b: usize) -> bool {
        let reached = self.dag.descendants(self.observed[a]);
        reached.contains(&self.observed[b]) || self.selected.iter().any(|s| reached.contains(s))
    }

    fn independent(&self, x: usize, y: usize, given: &[usize]) -> bool {
        let variables = self.dag.variables();
        let place = |v: &usize| self.observed[*v];
        let given: Vec<usize> = given.iter().map(place).chain(self.selected.iter().copied()).collect();
        let (x, y) = (place(&x), place(&y));
        let mut kept = vec![false; variables];
        for v in given.iter().chain([&x, &y]) {
            kept[*v] = true;
            self.dag.causes_through_others(*v).into_iter().for_each(|a| kept[a] = true);
        }
        let mut joined = vec![false; variables * variables];
        for child in (0..variables).filter(|v| kept[*v]) {
            let mut family = self.dag.causes(child);
            let parents = family.clone();
            family.push(child);
            for a in &parents {
                family.iter().filter(|b| *b != a).for_each(|b| {
                    joined[a * variables + b] = true;
                    joined[b * variables + a] = true;
                });
            }
        }
        let mut seen = vec![false; variables];
        let mut open = vec![x];
        while let Some(at) = open.pop() {
            for next in (0..variables).filter(|v| joined[at * variables + v] && !given.contains(v)) {
                if next == y {
                    return false;
                }
                if !seen[next] {
                    seen[next] = true;
                    open.push(next);
                }
            }
        }
        true
    }
}

impl IndependenceTest for Oracle {
    type Scratch = ();

    fn variables(&self) -> usize {
        self.observed.len()
    }

    fn scratch(&self) {}

    fn p_value(&self, x: usize, y: usize, given: &[usize], _: &mut (), _: GoOn<'_>) -> Result<f64, Interrupted> {
        Ok(f64::from(u8::from(self.independent(x, y, given))))
    }
}

/// Which pairs are independent given which of the others: by pair, and by the bits of a number that says which.
pub(super) struct Independences {
    variables: usize,
    of: Vec<((usize, usize), Vec<usize>, bool)>,
}

impl Independences {
    /// All of them.
    pub(super) fn of(oracle: &Oracle) -> Self {
        let variables = oracle.observed.len();
        let mut of = Vec::new();
        for x in 0..variables {
            for y in x + 1..variables {
                for bits in (0..1u32 << variables).filter(|bits| bits & (1 << x | 1 << y) == 0) {
                    let given: Vec<usize> = (0..variables).filter(|v| bits & (1 << v) != 0).collect();
                    let independent = oracle.independent(x, y, &given);
                    of.push(((x, y), given, independent));
                }
            }
        }
        Self { variables, of }
    }

    /// The pairs that nothing makes independent.
    pub(super) fn joined(&self) -> Vec<(usize, usize)> {
        let pairs = (0..self.variables).flat_map(|x| (x + 1..self.variables).map(move |y| (x, y)));
        pairs.filter(|pair| self.of.iter().all(|(of, _, independent)| of != pair || !independent)).collect()
    }

    /// What all maximal ancestral graphs with these independences have in common, by going through every graph there is (Richardson and
    /// Spirtes 2002); edges `-` are tried only with `selection`.
    pub(super) fn pag(&self, selection: bool) -> Pag {
        use Mark::{Arrow, Circle, Tail};
        let kinds = [(Tail, Arrow), (Arrow, Tail), (Arrow, Arrow), (Tail, Tail)];
        let kinds = &kinds[..if selection { 4 } else { 3 }];
        let joined = self.joined();
        let mut common: Option<Vec<(Mark, Mark)>> = None;
        for case in 0..kinds.len().pow(joined.len() as u32) {
            let marks: Vec<(Mark, Mark)> =
                (0..joined.len()).map(|edge| kinds[case / kinds.len().pow(edge as u32) % kinds.len()]).collect();
            let edges: Vec<_> = joined.iter().zip(&marks).map(|((a, b), m)| ((*a, m.0), (*b, m.1))).collect();
            let graph = Pag::from_edges(self.variables, &edges);
            if is_ancestral(&graph) && self.of.iter().all(|((x, y), given, i)| separated(&graph, *x, *y, given) == *i) {
                let both = |a: Mark, b: Mark| if a == b { a } else { Circle };
                let known = common.take().unwrap_or_else(|| marks.clone());
                common = Some(known.iter().zip(&marks).map(|(a, b)| (both(a.0, b.0), both(a.1, b.1))).collect());
            }
        }
        let common = common.expect("the graph itself has these independences");
        let edges: Vec<_> = joined.iter().zip(common).map(|((a, b), m)| ((*a, m.0), (*b, m.1))).collect();
        Pag::from_edges(self.variables, &edges)
    }
}

/// Whether no arrowhead is at an ancestor of the variable at the other end, and none at an edge `-`.
fn is_ancestral(graph: &Pag) -> bool {
    (0..graph.variables()).all(|v| {
        let causes = graph.causes_through_others(v);
        // A circle of arrows leads from an effect to itself.
        let round = graph.effects(v).iter().any(|effect| causes.contains(effect));
        let back = causes.iter().any(|cause| graph.end(v, *cause) == Some(Mark::Arrow));
        let blunt = !graph.joined_by(v, (Mark::Tail, Mark::Tail)).is_empty();
        let into = graph.adjacents(v).iter().any(|other| graph.end(*other, v) == Some(Mark::Arrow));
        !(round || back || blunt && into)
    })
}

/// Whether `given` blocks every path: along it, a collider must be an ancestor of `given`, and what is none must not be in it.
fn separated(graph: &Pag, x: usize, y: usize, given: &[usize]) -> bool {
    let opened: Vec<bool> =
        (0..graph.variables()).map(|v| given.iter().any(|g| *g == v || graph.leads(v, *g))).collect();
    let mut seen = vec![[false; 2]; graph.variables()];
    let mut open: Vec<(usize, bool)> = Vec::new();
    let arrow = |from, at| graph.end(from, at) == Some(Mark::Arrow);
    for next in graph.adjacents(x) {
        open.push((next, arrow(x, next)));
    }
    while let Some((at, into)) = open.pop() {
        if at == y {
            return false;
        }
        if std::mem::replace(&mut seen[at][usize::from(into)], true) {
            continue;
        }
        for next in graph.adjacents(at) {
            let collider = into && arrow(next, at);
            if if collider { opened[at] } else { !given.contains(&at) } {
                open.push((next, arrow(at, next)));
            }
        }
    }
    true
}
