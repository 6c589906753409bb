//! The cache as its callers see it.

mod keeping;
mod loading;
#[cfg(feature = "redis")]
mod redis;
mod support;
