//! What the miners of patterns share: sessions as transactions, sequences and graphs, what a pattern is, and how it is judged.

mod action;
mod ask;
pub(crate) mod association;
mod judge;
mod limit;
pub(crate) mod miner;
pub(crate) mod order;
mod pattern;
pub(crate) mod planted;
mod sessions;
pub(crate) mod structure;
mod told;

pub(crate) use action::Resolved;
pub(crate) use action::{Action, Within};
pub(crate) use ask::answer;
pub(crate) use ask::{PatternAnswer, PatternQuery};
pub(crate) use judge::{Candidate, Ground, Settings, judge};
pub(crate) use pattern::{Blocks, Consequent, Kind, Pattern};
pub(crate) use pattern::{Known, SAME_JACCARD};
pub(crate) use sessions::Sessions;
pub use told::FrequentPattern;
pub(crate) use told::{FREQUENT_TOLD, PATTERNS_MAX, PATTERNS_TOLD, frequent, lines};
