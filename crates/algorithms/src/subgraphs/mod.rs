//! Frequent subgraphs: which structures many labelled graphs have in common.

mod algorithm;
mod closed;
mod dfs_code;
mod extension;
mod graphs;
mod hyperparams;
mod labelled;
mod minimal;
mod search;

pub use algorithm::{FrequentSubgraphs, Subgraph, SubgraphPattern};
pub use graphs::Graphs;
pub use hyperparams::{SubgraphsParams, SubgraphsValidParams};
