//! What a call to the runtime, or starting it, can fail with.

use souffleur_core::error::{ComponentError, Invalid};
use souffleur_core::store::StoreError;

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Its queue is full.
    #[error("busy; try again in {retry_after_ms} ms")]
    Busy {
        /// When to try again.
        retry_after_ms: u64,
    },
    /// The answer was not there in time.
    #[error("deadline exceeded")]
    DeadlineExceeded,
    /// There is no such component.
    #[error("unknown component `{name}`{}", nearest.as_ref().map_or_else(String::new, |n| format!("; did you mean `{n}`?")))]
    UnknownComponent {
        /// What was asked for.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// The component has no model yet.
    #[error("`{name}` has not been trained; train it first")]
    NotTrained {
        /// Which component.
        name: String,
    },
    /// The component failed too often and waits for a reset.
    #[error("`{name}` is quarantined after repeated failures; restart it to try again")]
    Quarantined {
        /// Which component.
        name: String,
    },
    /// The component was paused by an operator.
    #[error("`{name}` is paused; resume it first")]
    Paused {
        /// Which component.
        name: String,
    },
    /// The job crashed the component every time it was tried.
    #[error("given up after {attempts} attempts: the job crashed each time")]
    Poisoned {
        /// How often it was tried.
        attempts: u32,
    },
    /// The component failed.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// The request itself is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The runtime is shutting down and takes no new work.
    #[error("the runtime is shutting down")]
    ShuttingDown,
    /// The runtime, or the actor that held the call, is gone.
    #[error("the runtime has stopped")]
    Stopped,
}

/// Why the runtime could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The catalogue cannot be run: a name twice, a missing producer, a circle, an outcome as an input.
    #[error("the catalogue cannot be run: {0}")]
    Catalogue(Invalid),
    /// A limit is out of range.
    #[error("bad setting: {0}")]
    Settings(Invalid),
    /// A component's parameters were refused.
    #[error("bad parameters of `{component}`: {source}")]
    Params {
        /// Whose.
        component: String,
        /// What was wrong.
        source: ComponentError,
    },
    /// Parameters were given for a component that is not there.
    #[error("parameters given for `{0}`, which is no enabled component")]
    UnknownParams(String),
    /// The store could not be read.
    #[error("the store cannot be read: {0}")]
    Store(#[from] StoreError),
    /// The operating system refused a thread.
    #[error("a thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
    /// The kernel thread ended before it was ready.
    #[error("the kernel stopped while it was starting")]
    Kernel,
}
