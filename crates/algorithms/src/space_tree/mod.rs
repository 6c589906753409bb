//! A tree of boxes over rows, for exact searches among all of them.

mod build;
mod group;
mod kernel;
mod nearest;
mod rotation;

pub(crate) use build::SpaceTree;
pub(crate) use group::{Group, Search};
pub(crate) use kernel::LANES;
pub(crate) use nearest::NearestRows;
