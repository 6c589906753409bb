//! How sure each edge is: in how many resamples of the rows it is found again.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::discovered::GraphSearch;
use super::errors::{CausalDiscoveryError, CausalDiscoveryParamsError};
use super::independence::IndependenceTest;
use super::knowledge::Knowledge;
use super::marks::{EdgeKind, MarkedEdge, MarkedGraph};
use crate::watch::{Interrupted, Progress, Watch};

/// Most resamples.
const RESAMPLES_MAX: usize = 100_000;

/// Rows of which a test can be made.
pub trait Resample: Sync {
    /// The test.
    type Test: IndependenceTest;

    /// How many rows there are.
    fn rows(&self) -> usize;

    /// The test on the rows picked, some of them several times.
    ///
    /// # Errors
    /// As for the test on all rows; a variable may not vary in the rows picked.
    fn test(&self, picked: &[u32], watch: &dyn Watch) -> Result<Self::Test, CausalDiscoveryError>;
}

/// In which share of the resamples a pair of variables `a` and `b` is joined, and how; each in [0, 1]. What an edge says: see
/// [`EdgeKind`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PairConfidence {
    /// Resamples with `a -> b`.
    pub forward: f64,
    /// Resamples with `b -> a`.
    pub backward: f64,
    /// Resamples with `a - b`.
    pub undirected: f64,
    /// Resamples with `a o-> b`.
    #[serde(default)]
    pub partly_forward: f64,
    /// Resamples with `b o-> a`.
    #[serde(default)]
    pub partly_backward: f64,
    /// Resamples with `a <-> b`.
    #[serde(default)]
    pub bidirected: f64,
    /// Resamples with `a o-o b`.
    #[serde(default)]
    pub open: f64,
    /// Resamples with `a -o b` or `b -o a`.
    #[serde(default)]
    pub partly_undirected: f64,
}

impl PairConfidence {
    /// Resamples with any edge between both.
    #[must_use]
    pub fn adjacent(&self) -> f64 {
        let plain = self.forward + self.backward + self.undirected;
        plain + self.partly_forward + self.partly_backward + self.bidirected + self.open + self.partly_undirected
    }

    /// Resamples with an edge of this kind from `a` to `b`.
    #[must_use]
    pub fn of_kind(&self, kind: EdgeKind) -> f64 {
        match kind {
            EdgeKind::Directed => self.forward,
            EdgeKind::PartlyDirected => self.partly_forward,
            EdgeKind::Bidirected => self.bidirected,
            EdgeKind::Open => self.open,
            EdgeKind::Undirected => self.undirected,
            EdgeKind::PartlyUndirected => self.partly_undirected,
        }
    }
}

/// The confidence of every pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EdgeConfidence {
    /// Resamples that a graph was found for.
    pub resamples: usize,
    variables: usize,
    /// At `a * variables + b`, `a < b`.
    pairs: Vec<PairConfidence>,
}

impl EdgeConfidence {
    /// That of the pair `a`, `b`; zero for variables that are not there.
    #[must_use]
    pub fn of(&self, a: usize, b: usize) -> PairConfidence {
        if a == b || a.max(b) >= self.variables {
            return PairConfidence::default();
        }
        let pair = self.pairs.get(a.min(b) * self.variables + a.max(b)).copied().unwrap_or_default();
        let turned = PairConfidence {
            forward: pair.backward,
            backward: pair.forward,
            partly_forward: pair.partly_backward,
            partly_backward: pair.partly_forward,
            ..pair
        };
        if a < b { pair } else { turned }
    }
}

/// Finds the graph anew for each of `resamples` draws of as many rows, with replacement (Friedman, Goldszmidt and Wyner 1999,
/// "Data analysis with Bayesian networks: a bootstrap approach", UAI). Each draw has a stream of random numbers of its own, so the result
/// does not depend on the number of threads.
///
/// A draw in which a variable does not vary counts for nothing. In draws with replacement rows repeat, which makes tests a little
/// too sure: shares are for comparing edges with each other, no probabilities.
///
/// Cost: `resamples` times that of one search; as many at once as there are threads.
///
/// # Errors
/// No resamples or too many of them, or as [`GraphSearch::search`]; all draws were useless.
pub fn bootstrap<S: GraphSearch, R: Resample>(
    params: &S,
    data: &R,
    knowledge: &Knowledge,
    (resamples, seed): (usize, u64),
    watch: &dyn Watch,
) -> Result<EdgeConfidence, CausalDiscoveryError> {
    if resamples == 0 || resamples > RESAMPLES_MAX {
        return Err(CausalDiscoveryParamsError::Resamples(resamples).into());
    }
    let rows = u32::try_from(data.rows())
        .map_err(|_| CausalDiscoveryError::TooMany(data.rows(), "rows", u32::MAX as usize))?;
    let variables = knowledge.variables();
    if rows == 0 {
        return Err(CausalDiscoveryError::Empty { rows: 0, variables });
    }
    let progress = Progress::new(watch, resamples as u64);
    // What a draw reports of itself is not the progress of all; it only asks whether to go on.
    let inner = |_: u64, _: u64| -> Result<(), Interrupted> { progress.advance(0) };
    let found: Result<Vec<Option<S::Graph>>, CausalDiscoveryError> = (0..resamples as u64)
        .into_par_iter()
        .map(|draw| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ draw.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let picked: Vec<u32> = (0..rows).map(|_| rng.gen_range(0..rows)).collect();
            let test = match data.test(&picked, &inner) {
                Err(CausalDiscoveryError::Constant(_)) => return Ok(None),
                test => test?,
            };
            let graph = params.search(&test, knowledge, &inner)?.graph;
            progress.advance(1)?;
            Ok(Some(graph))
        })
        .collect();
    let found: Vec<S::Graph> = found?.into_iter().flatten().collect();
    if found.is_empty() {
        return Err(CausalDiscoveryError::Constant(0));
    }
    Ok(shares(variables, &found))
}

fn shares(variables: usize, found: &[impl MarkedGraph]) -> EdgeConfidence {
    let mut pairs = vec![PairConfidence::default(); variables * variables];
    for a in 0..variables {
        for b in a + 1..variables {
            let edges: Vec<MarkedEdge> = found.iter().filter_map(|graph| graph.marked_edge(a, b)).collect();
            let share = |kind: EdgeKind, from: usize| {
                let alike = |edge: &&MarkedEdge| edge.kind == kind && edge.from == from;
                edges.iter().filter(alike).count() as f64 / found.len() as f64
            };
            pairs[a * variables + b] = PairConfidence {
                forward: share(EdgeKind::Directed, a),
                backward: share(EdgeKind::Directed, b),
                undirected: share(EdgeKind::Undirected, a),
                partly_forward: share(EdgeKind::PartlyDirected, a),
                partly_backward: share(EdgeKind::PartlyDirected, b),
                bidirected: share(EdgeKind::Bidirected, a),
                open: share(EdgeKind::Open, a),
                partly_undirected: share(EdgeKind::PartlyUndirected, a) + share(EdgeKind::PartlyUndirected, b),
            };
        }
    }
    EdgeConfidence { resamples: found.len(), variables, pairs }
}

#[cfg(test)]
#[path = "bootstrap_tests.rs"]
mod tests;
