//! What to do when: the decisions of supervision as pure state machines, without actors, threads or clocks.
//!
//! [`cell::Cell`] decides for one component: its queue, the one job in flight, deadlines, hangs, requeues.
//! [`tree::Tree`] decides over all of them: restarts, pauses, quarantine, who waits for whom, shutdown.
//! Both take an event and the time and return actions; actors feed them and carry the actions out.

pub mod backoff;
pub mod cell;
pub mod signals;
pub mod tree;

#[cfg(test)]
mod model_tests;

use std::time::Duration;

/// Time since the runtime was started.
pub type Time = Duration;

/// How a job that was let run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With a result.
    Succeeded,
    /// With an error that says what is wrong; nothing is broken.
    Failed,
    /// It noticed that its time was up.
    OutOfTime,
    /// It noticed that it was told to stop.
    Cancelled,
    /// With a panic, or without a word.
    Crashed,
}
