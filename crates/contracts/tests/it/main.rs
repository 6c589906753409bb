//! Histories with planted flaws: each is found where it was planted, and nothing is found in sound ones.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test ends where something fails")]

mod history;
mod planted;
mod sound;
