//! The PC algorithm.

use super::colliders;
use super::discovered::{Discovered, GraphSearch, checked_variables};
use super::errors::CausalDiscoveryError;
use super::graph::Cpdag;
use super::hyperparams::{PcParams, PcValidParams};
use super::independence::IndependenceTest;
use super::knowledge::Knowledge;
use super::meek;
use super::skeleton::{self, Limits};
use crate::watch::Watch;

/// PC-stable: the graph of causes, as far as data can tell, from tests of conditional independence (Spirtes and Glymour 1991;
/// in the form that does not depend on the order of the variables, Colombo and Maathuis 2014, "Order-independent
/// constraint-based causal structure learning", JMLR 15).
///
/// # What it does
/// 1. Joins all variables, then parts each pair that some set of others makes independent, for ever larger sets.
/// 2. Directs the edges that meet in colliders: `x -> y <- z` where `x` and `z` are apart and become dependent given `y`.
/// 3. Directs what follows from these and from what is known beforehand (Meek 1995).
///
/// # What it takes
/// That nothing outside the variables causes two of them, that causes do not run in circles, and that no effect is cancelled
/// exactly by another. Where the first does not hold, edges may join variables that share a hidden cause only: [`Fci`](super::Fci) does without it.
///
/// # Cost
/// The number of tests grows with the number of variables squared, and with the power of the largest number of causes; memory with
/// the number of variables squared, for each size of sets. Pairs are tested on all threads of the current rayon pool; the result
/// does not depend on their number.
///
/// # Errors
/// Named by [`CausalDiscoveryError`].
///
/// # Example
/// ```
/// use ndarray::Array2;
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::causal_discovery::{FisherZ, Knowledge, MarkedGraph, Pc};
///
/// // Two independent causes of one effect.
/// let mut x = Array2::zeros((400, 3));
/// for (i, mut row) in x.outer_iter_mut().enumerate() {
///     let (a, b) = ((i % 20) as f64, (i / 20) as f64);
///     row[0] = a;
///     row[1] = a + b + (i * 7919 % 13) as f64;
///     row[2] = b;
/// }
/// let test = FisherZ::of(x.view(), &())?;
/// let found = Pc::params().alpha(0.01).check()?.fit(&test, &Knowledge::none(3), &())?;
/// assert_eq!(found.graph.causes(1), [0, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Pc;

impl Pc {
    /// Hyperparameters to find the graph with.
    pub fn params() -> PcParams {
        PcParams::new()
    }
}

impl PcValidParams {
    /// Finds the graph of the variables of `test`.
    ///
    /// # Errors
    /// Fewer than two variables, or too many; knowledge about another number of variables; the watch interrupts.
    pub fn fit<T: IndependenceTest>(
        &self,
        test: &T,
        knowledge: &Knowledge,
        watch: &dyn Watch,
    ) -> Result<Discovered, CausalDiscoveryError> {
        let variables = checked_variables(test, knowledge)?;
        let limits = Limits { alpha: self.alpha(), max_condition: self.max_condition() };
        let mut joined = Cpdag::empty(variables);
        for x in 0..variables {
            (x + 1..variables).filter(|y| !knowledge.apart(x, *y)).for_each(|y| joined.join(x, y));
        }
        let skeleton = skeleton::search(limits, joined, test, knowledge, watch)?;
        let (mut graph, colliders) = colliders::orient(self, test, knowledge, &skeleton, watch)?;
        meek::close(&mut graph, knowledge);
        Ok(Discovered::new(graph, colliders, skeleton))
    }
}

impl GraphSearch for PcValidParams {
    type Graph = Cpdag;

    fn search<T: IndependenceTest>(
        &self,
        test: &T,
        knowledge: &Knowledge,
        watch: &dyn Watch,
    ) -> Result<Discovered, CausalDiscoveryError> {
        self.fit(test, knowledge, watch)
    }
}

#[cfg(test)]
#[path = "pc_tests.rs"]
mod tests;
