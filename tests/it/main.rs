//! Tests of the product as users meet it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod http;
mod sample;
mod service;
mod settings;
