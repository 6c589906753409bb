//! The FCI algorithm.

use rayon::prelude::*;

use super::colliders::{Asker, Triple, unshielded};
use super::discovered::{Discovered, GraphSearch, checked_variables};
use super::errors::CausalDiscoveryError;
use super::fci_rules;
use super::graph::Cpdag;
use super::hyperparams::{FciParams, FciValidParams};
use super::independence::IndependenceTest;
use super::knowledge::Knowledge;
use super::marks::Mark;
use super::pag::Pag;
use super::possible_d_sep;
use super::skeleton::{self, Limits, Skeleton};
use crate::watch::{Interrupted, Progress, Watch};

/// FCI, "fast causal inference": the graph of causes where something that is not among the variables may act on several of them, from
/// tests of conditional independence (Spirtes, Glymour and Scheines 2000, "Causation, Prediction, and Search", chapter 6; complete with
/// the rules of Zhang 2008, Artificial Intelligence 172).
///
/// # What it does
/// 1. Joins all variables, then parts each pair that some set of those joined to either makes independent, as [`Pc`](super::Pc) does.
/// 2. Marks colliders, `x *-> y <-* z` where `x` and `z` are apart and `y` is in none of the sets that part them.
/// 3. Tests pairs that are still joined with sets of variables further away, along paths of colliders and triangles ("Possible-D-SEP"):
///    with hidden variables, what is joined to either may not be enough to part them.
/// 4. Marks colliders anew, and all that follows from them: rules R1 to R4 and R8 to R10, with
///    [`selection`](FciParams::selection) R5 to R7.
///
/// Each step looks at the graph of the step before, and each rule at the graph before the rule: the order of the variables decides nothing
/// (Colombo and Maathuis 2014), the number of threads neither. Whether `y` is a collider is asked of all sets of the smallest size, not of the
/// first alone. Where rules contradict each other because tests erred, the mark stays a circle.
///
/// # What it takes
/// That causes do not run in circles and that no effect is cancelled exactly by another. Unless
/// [`selection`](FciParams::selection) is said, that which rows there are does not depend on the variables.
///
/// # What is known beforehand
/// [`Knowledge`] speaks of effects, not of hidden causes: two variables neither of which may act on the other may still be joined by
/// `<->`. A mark follows from it where no chain of allowed effects is left: of time order, an arrowhead at the later variable. With
/// time order, no more rules are needed (Andrews, Spirtes and Cooper 2020, "On the completeness of causal discovery in the presence of latent
/// confounding with tiered background knowledge", PMLR 108); with other knowledge what is found is right, but may not be all.
///
/// # Cost
/// That of PC, and for each edge the tests with sets of variables further away: their number grows with the power of the largest size.
/// [`max_condition`](FciParams::max_condition) and [`max_path`](FciParams::max_path) bound it. Pairs are tested on all threads of the
/// current rayon pool.
///
/// # Errors
/// Named by [`CausalDiscoveryError`].
///
/// # Example
/// ```
/// use ndarray::Array2;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::causal_discovery::{EdgeKind, Fci, FisherZ, Knowledge, MarkedEdge, MarkedGraph};
///
/// // The first acts on the second, the last on the third; the second and the third have a cause that was not recorded.
/// let mut x = Array2::zeros((900, 4));
/// for (i, mut row) in x.outer_iter_mut().enumerate() {
///     let (a, b, hidden) = ((i % 30) as f64, (i / 30) as f64, (i * 7919 % 31) as f64);
///     row.assign(&ndarray::array![a, a + 2.0 * hidden + (i * 31 % 17) as f64, b + 2.0 * hidden + (i * 17 % 19) as f64, b]);
/// }
/// let test = FisherZ::of(x.view(), &())?;
/// let found = Fci::params().alpha(0.01).check()?.fit(&test, &Knowledge::none(4), &())?;
/// assert_eq!(found.graph.marked_edge(1, 2), Some(MarkedEdge { from: 1, to: 2, kind: EdgeKind::Bidirected }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Fci;

impl Fci {
    /// Hyperparameters to find the graph with.
    pub fn params() -> FciParams {
        FciParams::new()
    }
}

impl FciValidParams {
    /// Finds the graph of the variables of `test`.
    ///
    /// # Errors
    /// Fewer than two variables, or too many; knowledge about another number of variables; the watch interrupts.
    pub fn fit<T: IndependenceTest>(
        &self,
        test: &T,
        knowledge: &Knowledge,
        watch: &dyn Watch,
    ) -> Result<Discovered<Pag>, CausalDiscoveryError> {
        let variables = checked_variables(test, knowledge)?;
        let limits = Limits { alpha: self.alpha(), max_condition: self.max_condition() };
        let known = knowledge.through_others(watch)?;
        let mut joined = Cpdag::empty(variables);
        for x in 0..variables {
            (x + 1..variables).for_each(|y| joined.join(x, y));
        }
        let mut skeleton = skeleton::search(limits, joined, test, &known, watch)?;
        if self.max_path() > 1 {
            let (graph, _) = with_colliders(limits, test, &known, &skeleton, watch)?;
            possible_d_sep::part((limits, self.max_path()), &graph, &mut skeleton, test, &known, watch)?;
        }
        let (mut graph, colliders) = with_colliders(limits, test, &known, &skeleton, watch)?;
        let progress = Progress::new(watch, 1);
        let asker = Asker { alpha: limits.alpha, test, knowledge: &known, progress: &progress };
        fci_rules::close(&mut graph, self.selection(), &skeleton, &asker)?;
        Ok(Discovered::new(graph, colliders, skeleton))
    }
}

impl GraphSearch for FciValidParams {
    type Graph = Pag;

    fn search<T: IndependenceTest>(
        &self,
        test: &T,
        knowledge: &Knowledge,
        watch: &dyn Watch,
    ) -> Result<Discovered<Pag>, CausalDiscoveryError> {
        self.fit(test, knowledge, watch)
    }
}

/// The skeleton with the marks that are known beforehand and those of its colliders (R0), and how many of these there are. A collider
/// that contradicts what is known is left out.
fn with_colliders<T: IndependenceTest>(
    limits: Limits,
    test: &T,
    known: &Knowledge,
    skeleton: &Skeleton,
    watch: &dyn Watch,
) -> Result<(Pag, usize), Interrupted> {
    let mut graph = Pag::open(&skeleton.graph);
    known.mark(&mut graph);
    let tail = |other, at| graph.end(other, at) == Some(Mark::Tail);
    let triples: Vec<Triple> =
        unshielded(&skeleton.graph).into_iter().filter(|&(x, y, z)| !tail(x, y) && !tail(z, y)).collect();
    let progress = Progress::new(watch, triples.len() as u64);
    let asker = Asker { alpha: limits.alpha, test, knowledge: known, progress: &progress };
    let met: Result<Vec<bool>, Interrupted> = triples
        .par_iter()
        .map_init(|| test.scratch(), |scratch, triple| asker.is_collider(skeleton, *triple, scratch))
        .collect();
    let colliders: Vec<Triple> = triples.into_iter().zip(met?).filter(|(_, met)| *met).map(|(t, _)| t).collect();
    for (x, y, z) in &colliders {
        graph.set_end(*x, *y, Mark::Arrow);
        graph.set_end(*z, *y, Mark::Arrow);
    }
    Ok((graph, colliders.len()))
}

#[cfg(test)]
#[path = "fci_tests.rs"]
mod tests;
