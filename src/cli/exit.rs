//! How a command ends: its exit code, and its one message when it did not succeed.

use std::io;
use std::process::ExitCode;

/// The exit codes. `docs/cli.md` lists them for users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It was tried and did not work.
    Failed = 1,
    /// The command line, a file or a value was refused before anything was done.
    Usage = 2,
    /// It worked, and the verdict is no: a bar missed, or something is not healthy.
    Missed = 3,
    /// Busy or out of time: the same command may work later.
    Busy = 4,
    /// Stopped by Ctrl-C or SIGTERM.
    Interrupted = 130,
}

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// What the process exits with.
    pub(crate) exit: Exit,
    /// What is said on stderr; empty where everything was said already.
    pub(crate) message: String,
    /// Whoever read the output has gone away: nothing is left to say, and nothing is wrong.
    broken_pipe: bool,
}

/// What every command returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// An exit code of the caller's choice.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), broken_pipe: false }
    }

    /// Exit code 1.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Exit code 3.
    pub(crate) fn missed(message: impl Into<String>) -> Self {
        Self::new(Exit::Missed, message)
    }

    /// Exit code 4.
    pub(crate) fn busy(message: impl Into<String>) -> Self {
        Self::new(Exit::Busy, message)
    }

    /// Exit code 130.
    pub(crate) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted")
    }

    /// Puts where it happened before what happened.
    #[must_use]
    pub(crate) fn at(mut self, place: impl std::fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// The process's exit code. A reader that stopped reading is no failure.
    pub(crate) fn code(&self) -> ExitCode {
        if self.broken_pipe { ExitCode::SUCCESS } else { ExitCode::from(self.exit as u8) }
    }

    /// Whether there is anything to say.
    pub(crate) fn speaks(&self) -> bool {
        !self.broken_pipe && !self.message.is_empty()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Self { broken_pipe, ..Self::failed(error.to_string()) }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        if error.is_io() { io::Error::from(error).into() } else { Self::failed(error.to_string()) }
    }
}

/// Names the file an input or output error is about.
pub(crate) fn about(path: &std::path::Path) -> impl Fn(io::Error) -> Failure + '_ {
    move |error| Failure::from(error).at(path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_stopped_reading_is_no_failure() {
        let gone = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(!gone.speaks());
        assert_eq!(gone.code(), ExitCode::SUCCESS);
        let full = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert!(full.speaks());
        assert_eq!(full.code(), ExitCode::from(1));
    }
}
