//! The catalogue of machine-learning components.
//!
//! A component turns a batch into a model, a report and answers. Each is one file or folder here and one word
//! below; everything else (configuration, routes, checks, documentation) follows from its declaration.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod bridge;

souffleur_core::catalogue! {
    association_miner,
    causal_discovery,
    causal_effects,
    clustering_optimizer,
    context_learner,
    dimensionality_reducer,
    failure_analyzer,
    graph_miner,
    pattern_discovery,
    sequence_miner,
}
