//! Tests of the product as users meet it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs, unreachable_pub)]

mod cli;
mod faults;
mod http;
mod process;
mod sample;
mod service;
mod settings;
