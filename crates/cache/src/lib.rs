//! Answers kept where they are fast to find: in this process always, in a Redis server if one is named.
//!
//! [`Cache`] is keyed by everything an answer depends on, so an entry is never stale: it is right or it is not there.
//! Callers that miss the same key wait for one load. The second level may be slow, full or gone: then the first goes on
//! alone, and [`CacheStatus`] says so.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something fails"))]

mod cache;
mod flight;
mod key;
mod level;
#[cfg(feature = "redis")]
mod program;
#[cfg(feature = "redis")]
mod redis;
mod size;
mod wire;

#[cfg(feature = "redis")]
pub use self::redis::{RedisLevel, RedisSettings, RedisUrlError, check_url};
pub use cache::{Asked, Cache, CacheSettings, CacheStatus};
pub use flight::LoadError;
pub use key::{Key, QUESTION_BYTES_MAX};
pub use level::{Found, LevelState, LevelStatus, SecondLevel};
#[cfg(feature = "redis")]
pub use program::program_fingerprint;
