//! Why an export ended early.

use std::io;

use souffleur_columnar::ColumnarError;
use souffleur_core::job::Interrupted;

/// Why an export ended early. Nothing appears under the name of the file then.
#[derive(Debug, thiserror::Error)]
pub enum ExportError<E> {
    /// The sessions could not be read.
    #[error("the sessions could not be read: {0}")]
    Source(E),
    /// The file could not be written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The table could not be written.
    #[error(transparent)]
    Table(ColumnarError),
    /// Cancelled, or out of time.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl<E> From<ColumnarError> for ExportError<E> {
    fn from(error: ColumnarError) -> Self {
        match error {
            ColumnarError::Io(error) => Self::Io(error),
            ColumnarError::Interrupted(interrupted) => Self::Interrupted(interrupted),
            other => Self::Table(other),
        }
    }
}
