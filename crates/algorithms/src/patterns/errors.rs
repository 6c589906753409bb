//! What can go wrong when patterns are mined.

use crate::watch::Interrupted;

/// A hyperparameter is out of range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PatternsParamsError {
    /// The share of rows is out of range.
    #[error("min_support is a share of {0}: it must be above 0 and at most 1")]
    Share(f64),
    /// The number of rows is out of range.
    #[error("min_support is 0 rows: it must be at least 1")]
    Rows,
    /// The length of a pattern is out of range.
    #[error("{name} is {value}: it must be between {min} and {max}")]
    Length {
        /// The hyperparameter.
        name: &'static str,
        /// Its value.
        value: usize,
        /// The least value allowed.
        min: usize,
        /// The greatest value allowed.
        max: usize,
    },
    /// The number of patterns is out of range.
    #[error("max_patterns is 0: it must be at least 1")]
    Patterns,
    /// FP-growth was asked for what it cannot tell.
    #[error("FP-growth finds all frequent itemsets: closed and maximal ones are found by Eclat")]
    FpGrowthTarget,
    /// The gaps allowed contradict each other.
    #[error("min_gap is {min} and max_gap is {max}: the least gap must not be above the greatest")]
    Gap {
        /// The least gap.
        min: usize,
        /// The greatest gap.
        max: usize,
    },
    /// Closed sequences were asked for together with limits on gaps or on the span.
    #[error(
        "closed sequences have no limits on gaps or the span: with them a longer sequence says nothing of a shorter one"
    )]
    ClosedWithGaps,
    /// A threshold of the association rules is no number or out of range.
    #[error("{name} is {value}: it must be between {min} and {max}")]
    Threshold {
        /// The hyperparameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The least value allowed.
        min: f64,
        /// The greatest value allowed.
        max: f64,
    },
}

/// Mining failed. What the visitor was shown until then stays true.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PatternsError {
    /// A hyperparameter is out of range.
    #[error(transparent)]
    Params(#[from] PatternsParamsError),
    /// There are more rows, or more items in all of them, than can be counted.
    #[error("the input has {0} {1}: at most 4294967294 are allowed")]
    TooMany(usize, &'static str),
    /// An edge of a graph ends nowhere.
    #[error("graph {graph}, edge {edge} joins vertices {ends:?}: the graph has {vertices} vertices, 0 to one less")]
    NoSuchVertex {
        /// Position of the graph.
        graph: usize,
        /// Position of the edge within it.
        edge: usize,
        /// The vertices that it names.
        ends: (u32, u32),
        /// Vertices of the graph.
        vertices: usize,
    },
    /// A graph is not simple.
    #[error("graph {graph}, edge {edge} joins vertices {ends:?}: an edge joins two vertices that no other edge joins")]
    NotSimple {
        /// Position of the graph.
        graph: usize,
        /// Position of the edge within it.
        edge: usize,
        /// The vertices that it names.
        ends: (u32, u32),
    },
    /// Association rules were asked for from itemsets that are not all frequent ones.
    #[error("the support of a part of itemset {0} is not among the itemsets: rules need all frequent ones")]
    MissingPart(usize),
    /// The caller stopped the computation.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}
