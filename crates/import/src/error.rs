//! What can be wrong with a file, a line, a mapping.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use souffleur_core::job::Interrupted;

/// A line that was not imported: where it stands, what is wrong with it, what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineError {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The line, counted from 1; a record of several lines stands on its first. Of a table, the row.
    pub line: u64,
    /// The byte within the line, counted from 1, where known.
    pub column: Option<u64>,
    /// What is wrong, where, and what would be right.
    pub message: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.file, self.line)?;
        if let Some(column) = self.column {
            write!(f, "{column}:")?;
        }
        write!(f, " {}", self.message)
    }
}

impl std::error::Error for LineError {}

/// What is wrong with a line, before it is known which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: u64,
    pub(crate) column: Option<u64>,
    pub(crate) message: String,
}

/// Longest message of a bad line, in characters: it may quote the line.
const MESSAGE_CHARACTERS: usize = 500;

impl Fault {
    pub(crate) fn at(line: u64, message: impl Into<String>) -> Self {
        Self::new(line, None, message.into())
    }

    pub(crate) fn new(line: u64, column: Option<u64>, mut message: String) -> Self {
        if let Some((end, _)) = message.char_indices().nth(MESSAGE_CHARACTERS) {
            message.truncate(end);
            message.push_str(" ...");
        }
        Self { line, column, message }
    }
}

/// A mapping file that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct MappingError {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The line, counted from 1.
    pub line: usize,
    /// The character within the line, counted from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Why an import ended early. What the sink had accepted by then stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError<E> {
    /// The file cannot be opened or read.
    #[error("{file}: {message}")]
    Unreadable {
        /// The file, as it was named.
        file: Arc<str>,
        /// What the system said, and what would be right.
        message: String,
    },
    /// The file is not the one that was written: a checksum is not right, or it breaks off. Nothing of it was handed on.
    #[error("{file}: {message}")]
    Damaged {
        /// The file, as it was named.
        file: Arc<str>,
        /// What gave it away, and what to do.
        message: String,
    },
    /// A bad line, and the import was to stop at the first.
    #[error("{0}")]
    BadLine(LineError),
    /// The header or the mapping does not fit the file.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// Cancelled, or out of time.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The sink refused a batch.
    #[error("the records could not be kept: {0}")]
    Sink(E),
    /// A thread of the import could not be started or died.
    #[error("the import broke down: {0}")]
    Broken(String),
}
