//! What a search finds, whichever it is.

use super::errors::CausalDiscoveryError;
use super::graph::Cpdag;
use super::independence::IndependenceTest;
use super::knowledge::Knowledge;
use super::marks::MarkedGraph;
use super::skeleton::Skeleton;
use crate::watch::Watch;

/// Most variables: a graph of 16 MiB.
const VARIABLES_MAX: usize = 4096;

/// The checked hyperparameters of an algorithm that finds a graph.
pub trait GraphSearch: Sync {
    /// What it finds.
    type Graph: MarkedGraph + Send;

    /// Finds the graph of the variables of `test`.
    ///
    /// # Errors
    /// Fewer than two variables, or too many; knowledge about another number of variables; the watch interrupts.
    fn search<T: IndependenceTest>(
        &self,
        test: &T,
        knowledge: &Knowledge,
        watch: &dyn Watch,
    ) -> Result<Discovered<Self::Graph>, CausalDiscoveryError>;
}

/// The graph that a search found, and what its tests said.
#[derive(Debug, Clone, PartialEq)]
pub struct Discovered<G = Cpdag> {
    /// The graph.
    pub graph: G,
    /// The tests made to part variables.
    pub tests: u64,
    /// The largest set that was conditioned on.
    pub condition_max: usize,
    /// Colliders found; of PC, those that lost against others included.
    pub colliders: usize,
    variables: usize,
    p_max: Vec<f64>,
    separations: Vec<Option<Vec<usize>>>,
}

impl<G: MarkedGraph> Discovered<G> {
    pub(super) fn new(graph: G, colliders: usize, skeleton: Skeleton) -> Self {
        Self {
            tests: skeleton.tests,
            condition_max: skeleton.condition_max,
            colliders,
            variables: graph.variables(),
            p_max: skeleton.p_max,
            separations: skeleton.separations.into_iter().map(|found| found.map(|s| s.given)).collect(),
            graph,
        }
    }

    /// The largest p-value of all tests of a pair: how close it came to being parted, or by how much it was. `None` if it was
    /// not tested, because the knowledge decides.
    #[must_use]
    pub fn p_value(&self, a: usize, b: usize) -> Option<f64> {
        let place = a.min(b) * self.variables + a.max(b);
        (a.max(b) < self.variables).then(|| self.p_max[place]).filter(|p| !p.is_nan())
    }

    /// The set of variables that makes a pair independent, the first of the smallest; `None` if none was found.
    #[must_use]
    pub fn separated_by(&self, a: usize, b: usize) -> Option<&[usize]> {
        let place = a.min(b) * self.variables + a.max(b);
        if a.max(b) < self.variables { self.separations[place].as_deref() } else { None }
    }
}

/// Refuses what cannot be searched; returns how many variables there are.
pub(super) fn checked_variables<T: IndependenceTest>(
    test: &T,
    knowledge: &Knowledge,
) -> Result<usize, CausalDiscoveryError> {
    let variables = test.variables();
    if variables < 2 {
        return Err(CausalDiscoveryError::Empty { rows: 0, variables });
    }
    if variables > VARIABLES_MAX {
        return Err(CausalDiscoveryError::TooMany(variables, "variables", VARIABLES_MAX));
    }
    if knowledge.variables() != variables {
        let (expected, found) = (variables, knowledge.variables());
        return Err(CausalDiscoveryError::KnowledgeWidth { expected, found });
    }
    Ok(variables)
}
