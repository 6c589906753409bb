//! What can be wrong with a table.

use std::io;

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;
use souffleur_core::job::Interrupted;

/// Why a table could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ColumnarError {
    /// The system could not read or write.
    #[error("reading or writing failed: {0}")]
    Io(#[from] io::Error),
    /// The bytes are not those that were written, or no table at all.
    #[error("the file is damaged: {0}; fetch or export it again")]
    Damaged(String),
    /// The columns are not ours.
    #[error("{0}")]
    Columns(String),
    /// The table uses what this program was built without, or breaks one of its limits.
    #[error("the file cannot be read here: {0}")]
    Unsupported(String),
    /// Cancelled, or out of time.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl ColumnarError {
    pub(crate) fn damaged(problem: impl Into<String>) -> Self {
        Self::Damaged(problem.into())
    }
}

impl From<ArrowError> for ColumnarError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, error)
                if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) =>
            {
                Self::Damaged(error.to_string())
            }
            ArrowError::IoError(_, error) => Self::Io(error),
            ArrowError::NotYetImplemented(what) => Self::Unsupported(what),
            ArrowError::ExternalError(error) => Self::Damaged(error.to_string()),
            other => Self::Damaged(other.to_string()),
        }
    }
}

impl From<ParquetError> for ColumnarError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::NYI(what) => Self::Unsupported(what),
            // Written by another program, for example with a codec left out here.
            ParquetError::General(what) if what.contains("Disabled feature") => {
                Self::Unsupported(format!("{what}; write it again without compression or with Snappy"))
            }
            other => Self::Damaged(other.to_string()),
        }
    }
}
