//! What the thread knows of the server, for callers to read without asking.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::RedisError;

use crate::level::{LevelState, LevelStatus};

/// Longest part of a server's words that is repeated.
const WORDS_MAX: usize = 200;

pub(super) struct Board {
    timeout: Duration,
    /// A [`LevelState`], by its place among all.
    state: AtomicU8,
    reason: Mutex<String>,
    skipped: AtomicU64,
    unkept: AtomicU64,
}

impl Board {
    pub(super) fn new(timeout: Duration) -> Self {
        let board = Self {
            timeout,
            state: AtomicU8::new(0),
            reason: Mutex::default(),
            skipped: AtomicU64::new(0),
            unkept: AtomicU64::new(0),
        };
        board.write(LevelState::Gone, "it was not reached yet".to_owned());
        board
    }

    fn state(&self) -> LevelState {
        let place = usize::from(self.state.load(Ordering::Acquire));
        LevelState::ALL.get(place).copied().unwrap_or(LevelState::Gone)
    }

    fn write(&self, state: LevelState, reason: String) -> LevelState {
        let mut said = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.state();
        let place = LevelState::ALL.iter().position(|one| *one == state).and_then(|place| u8::try_from(place).ok());
        self.state.store(place.unwrap_or(0), Ordering::Release);
        *said = reason;
        before
    }

    /// Whether it makes sense to look something up.
    pub(super) fn is_readable(&self) -> bool {
        matches!(self.state(), LevelState::Ok | LevelState::Full)
    }

    /// Whether it makes sense to keep something.
    pub(super) fn is_writable(&self) -> bool {
        self.state() == LevelState::Ok
    }

    pub(super) fn is_full(&self) -> bool {
        self.state() == LevelState::Full
    }

    pub(super) fn well(&self) {
        let before = self.write(LevelState::Ok, format!("it answers within {} ms", self.timeout.as_millis()));
        if before != LevelState::Ok {
            tracing::info!(%before, "the second level of the cache answers");
        }
    }

    /// The connection is of no use any more.
    pub(super) fn trouble(&self, error: &RedisError) {
        let (state, reason) = if error.is_timeout() {
            (LevelState::Slow, format!("it did not answer within {} ms", self.timeout.as_millis()))
        } else {
            (LevelState::Gone, words(error))
        };
        self.say(state, reason);
    }

    /// A caller waited as long as it may.
    pub(super) fn late(&self, waited: Duration) {
        if self.is_readable() {
            self.say(LevelState::Slow, format!("a caller waited for {} ms", waited.as_millis()));
        }
    }

    /// It would not keep something.
    pub(super) fn full(&self, error: &RedisError) {
        self.say(LevelState::Full, words(error));
    }

    /// Nobody speaks to the server any more.
    pub(super) fn ended(&self) {
        self.write(LevelState::Gone, "the thread that speaks to it has ended".to_owned());
    }

    fn say(&self, state: LevelState, reason: String) {
        let said = reason.clone();
        if self.write(state, reason) != state {
            tracing::warn!(%state, reason = said, "the second level of the cache is in trouble; the first goes on alone");
        }
    }

    pub(super) fn skipped(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn unkept(&self, answers: u64) {
        self.unkept.fetch_add(answers, Ordering::Relaxed);
    }

    pub(super) fn status(&self) -> LevelStatus {
        let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone();
        LevelStatus {
            state: self.state(),
            reason,
            skipped: self.skipped.load(Ordering::Relaxed),
            unkept: self.unkept.load(Ordering::Relaxed),
        }
    }
}

fn words(error: &RedisError) -> String {
    error.to_string().chars().take(WORDS_MAX).collect()
}
