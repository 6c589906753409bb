//! Tests of the product as users meet it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]
#![allow(clippy::disallowed_methods, reason = "tests watch real processes by the real clock")]

mod cli;
mod faults;
mod http;
mod process;
mod sample;
mod service;
mod settings;
