//! Every check over every row of the catalogue. A check returns an error that names the component.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod clock;
mod conformance;
mod history;
