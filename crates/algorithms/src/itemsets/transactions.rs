//! The input: sets of items.

use crate::patterns::{CodedRows, Coding, PatternsError};
use crate::watch::Watch;

/// Sets of items, one for each transaction. An item is any `u32`; 4 bytes are kept for each, and 4 for each set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transactions(CodedRows);

impl Transactions {
    /// Reads one set of items for each row. Items may come in any order; what is there twice counts once.
    ///
    /// # Errors
    /// More than 4,294,967,294 items in all, or as many rows; or the watch interrupts.
    pub fn from_rows<R: AsRef<[u32]>>(
        rows: impl IntoIterator<Item = R>,
        watch: &dyn Watch,
    ) -> Result<Self, PatternsError> {
        CodedRows::read(rows, Coding::Sets, watch).map(Self)
    }
    /// Number of transactions.
    pub fn len(&self) -> usize {
        self.0.len() as usize
    }
    /// Whether there is no transaction.
    pub fn is_empty(&self) -> bool {
        self.0.len() == 0
    }
    /// The items that occur, ascending.
    pub fn items(&self) -> &[u32] {
        self.0.names()
    }
    pub(super) fn coded(&self) -> &CodedRows {
        &self.0
    }
}
