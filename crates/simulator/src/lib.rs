//! Prompt histories with planted truths.
//!
//! A [`Simulation`] streams sessions whose causes are known: which context a session comes from, what every rule
//! truly does in every domain, with which probability the policy chose it, which failure mode is at work, from when
//! on the world is a different one, and which ratings are farmed. [`Truths`] tells all of it, so that what a
//! component claims can be held against what is so.
//!
//! Everything follows from the settings: the same settings give the same bytes. No clock, no I/O.
//!
//! ```
//! use souffleur_simulator::{Simulation, SimulationSettings};
//!
//! let mut simulation = Simulation::new(SimulationSettings { sessions: 100, ..SimulationSettings::default() })?;
//! let failures = simulation.by_ref().filter(|s| s.truth.mode.is_some()).count();
//! assert!(failures > 0);
//! assert_eq!(simulation.truths().sessions, 100);
//! # Ok::<(), souffleur_core::error::Invalid>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod batch;
mod causal_log;
mod draw;
mod feature_batch;
mod mixtures;
mod outcome;
mod pattern_world;
mod prose;
mod rule_log;
mod settings;
mod simulation;
mod truths;
mod vocabulary;
pub mod world;

pub use causal_log::{CausalLog, causal_log, causal_log_with_hidden};
pub use feature_batch::{FeatureBatch, feature_batch};
pub use mixtures::{Mixture, MixtureKind, mixture};
pub use pattern_world::{Deed, PATTERN_RULES, PLANTED, PatternWorld, Place, Planted, pattern_world};
pub use rule_log::{IDLE_RULES, LOG_RULES, RuleLog, RuleWorld, VARIABLES, log_rule};
pub use settings::SimulationSettings;
pub use simulation::{Simulated, Simulation, simulate};
pub use truths::{ContextTruth, DriftTruth, ModeTruth, RuleTruth, SessionTruth, Truths};
