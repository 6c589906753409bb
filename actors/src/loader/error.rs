//! What the loader refuses, and why.

use souffleur_core::error::Invalid;
use souffleur_core::ids::Epoch;
use souffleur_core::job::Interrupted;
use souffleur_core::store::StoreError;

use super::image::BadDelta;

const MIB: usize = 1 << 20;

/// Why the loader did not answer with data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoaderError {
    /// The query or the records cannot be right.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Too many are waiting.
    #[error("the loader is busy; try again in {retry_after_ms} ms")]
    Busy {
        /// When to try again.
        retry_after_ms: u64,
    },
    /// The answer took longer than the asker may wait.
    #[error("the loader did not answer in time")]
    DeadlineExceeded,
    /// The rows do not fit into the memory the loader may use.
    #[error(
        "{} MiB more are needed, {} of {} MiB are in use: ask for fewer rows (`limit`) or features, \
         or raise `loader_memory_bytes`",
        needed_bytes.div_ceil(MIB), used_bytes.div_ceil(MIB), limit_bytes / MIB
    )]
    MemoryLimit {
        /// What the query takes beyond what is in use.
        needed_bytes: usize,
        /// What is in use.
        used_bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// The store failed, or was busy.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store sent rows that make no sense.
    #[error(transparent)]
    BadDelta(#[from] BadDelta),
    /// The work was stopped.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// Building the batch panicked. The text is the panic's own.
    #[error("building the batch panicked: {0}")]
    Panicked(String),
    /// The lease was acknowledged, has lapsed, or never was.
    #[error("{component} holds no lease {lease}")]
    UnknownLease {
        /// Who named it.
        component: String,
        /// Its number.
        lease: u64,
    },
    /// A newer incarnation of the component holds the lease.
    #[error("epoch {have} of {component} is over, {current} is current")]
    Fenced {
        /// Whose lease it is.
        component: String,
        /// The epoch it was asked with.
        have: Epoch,
        /// The epoch in force.
        current: Epoch,
    },
    /// The loader takes no more requests.
    #[error("the loader is shutting down")]
    ShuttingDown,
}
