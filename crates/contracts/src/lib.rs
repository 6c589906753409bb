//! Whether recorded data keeps its contract.
//!
//! A [`Checker`] is handed the history once, stretch by stretch, and then says what is wrong with it: each [`Finding`] names
//! the column, gives figures, and says what would be right. It reads no clock and no database, keeps a bounded number of rows
//! whatever the length of the history, and draws its samples from the job's seed: the same history gives the same report.
//!
//! What is judged, and by which rule:
//!
//! - **Schema**: sessions encoded under another feature schema; no batch can use them.
//! - **Range**: features and outcomes outside their range, times in the future, rules chosen with probability 0.
//! - **Missing**: sessions of unknown outcome, fields that are hardly ever given.
//! - **Drift**: the newest sessions against the earlier ones, column by column: a population stability index beyond what
//!   chance alone gives, *and* a Kolmogorov-Smirnov test that stands when all columns are tested at once
//!   (Benjamini and Hochberg 1995).
//! - **Duplicates**: sessions equal to an earlier one in features and outcome, or in features alone.
//! - **Label noise**: sessions with equal features and contradicting outcomes, as a rate of flipped labels.
//! - **Staleness**: how old the newest session is.
//! - **Leakage**: a column known *before* the outcome that all but determines it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something fails"))]

mod checker;
mod dependence;
mod drift;
mod finding;
mod ranges;
mod repeats;
mod sample;
mod settings;

pub use checker::Checker;
pub use finding::{Check, Finding, Report, Severity, Standing, Verdict};
pub use settings::ContractSettings;
