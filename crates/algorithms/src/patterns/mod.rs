//! What the miners of frequent patterns share: how support is asked for, what can go wrong, and how patterns found by
//! several threads reach one visitor in one order.
//!
//! The miners are [`itemsets`](crate::itemsets), [`sequences`](crate::sequences) and [`subgraphs`](crate::subgraphs).

mod coded_rows;
mod errors;
#[cfg(test)]
pub(crate) mod refusing;
mod runs;
mod stream;
mod support;

pub(crate) use coded_rows::{CodedRows, Coding, encode};
pub use errors::{PatternsError, PatternsParamsError};
pub(crate) use runs::{RUN, merge_runs, sort_run};
pub(crate) use stream::{Outlet, Stop, Visit, in_order, paced};
pub(crate) use support::{LENGTH_MAX, check_limits};
pub use support::{MinSupport, Mined};
