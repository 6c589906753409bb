//! A tree of balls over rows, for exact searches among all of them.

mod build;
mod bytes;
mod kernel;
mod levels;
mod nearest;
mod rotation;
mod search;

pub(crate) use build::SpaceTree;
pub(crate) use nearest::NearestRows;
pub(crate) use search::{Search, TOGETHER, search};
