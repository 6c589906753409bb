//! The port of the second level: whatever it does, it costs a caller no more than its time limit.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::key::Key;

/// What a look into the second level will bring: the bytes kept, or `None` if they are not there or could not be had.
pub type Found = Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send>>;

/// A place outside this process.
pub trait SecondLevel: Send + Sync + 'static {
    /// Looks `key` up. Ends within the level's own time limit, and at once while the level is in trouble.
    fn get(&self, key: &Key) -> Found;

    /// Keeps `value` for `ttl`, if that can be done; nobody waits for it.
    fn put(&self, key: &Key, value: Vec<u8>, ttl: Duration);

    /// Removes every answer kept there, for whoever keeps them under the same names. Blocks, for about `limit` at most.
    ///
    /// # Errors
    /// Why some may still be there, in words.
    fn clear(&self, limit: Duration) -> Result<(), String>;

    /// How it is.
    fn status(&self) -> LevelStatus;
}

/// How the second level is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LevelState {
    /// There is none.
    #[default]
    Off,
    /// It answers in time.
    Ok,
    /// It did not answer in time; it is left alone until it does.
    Slow,
    /// It takes nothing new; what is in it is still found.
    Full,
    /// It cannot be reached, or lets nobody in.
    Gone,
}

impl LevelState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Off, Self::Ok, Self::Slow, Self::Full, Self::Gone];

    /// The state's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Ok => "ok",
            Self::Slow => "slow",
            Self::Full => "full",
            Self::Gone => "gone",
        }
    }
}

impl fmt::Display for LevelState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the second level is, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LevelStatus {
    /// The word for it.
    pub state: LevelState,
    /// Why, in words.
    pub reason: String,
    /// Looks that could not be had: it was in trouble, or too much was asked of it at once.
    pub skipped: u64,
    /// Answers that were not kept there.
    pub unkept: u64,
}
