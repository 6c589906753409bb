//! Where appended rows go and where names are looked up: what differs between the databases on this path.

use souffleur_core::store::StoreError;

use super::group::Pending;
use crate::table::{Bind, Table};

/// An appending connection. Calls come from one thread: a transaction, in it one savepoint at a time.
pub(crate) trait Ledger {
    /// Opens the transaction in which alone rows are numbered, and gives the last number so far. It hears what is about to
    /// be appended, so that names can be looked up all at once.
    fn begin(&mut self, requests: &[Pending]) -> Result<i64, StoreError>;

    /// Makes the transaction's rows, up to the number `last_seq`, durable and visible, all at once. `false`, and nothing
    /// is kept, if what [`begin`](Self::begin) took for granted does not hold: it begins again, and takes nothing for granted then.
    fn commit(&mut self, last_seq: i64) -> Result<bool, StoreError>;

    /// Undoes the transaction, if there is one.
    fn rollback(&mut self);

    /// Begins what [`undo`](Self::undo) can undo alone.
    fn savepoint(&mut self) -> Result<(), StoreError>;

    /// Keeps what was done since the savepoint.
    fn release(&mut self) -> Result<(), StoreError>;

    /// Undoes what was done since the savepoint; `false` if the whole transaction is gone.
    fn undo(&mut self) -> Result<bool, StoreError>;

    /// The number and name a key was answered with.
    fn find_key(&mut self, key: &str) -> Result<Option<(i64, String)>, StoreError>;

    /// The number of a session of either kind.
    fn find_session(&mut self, session_id: &str) -> Result<Option<i64>, StoreError>;

    /// The number of a rule.
    fn find_rule(&mut self, rule_id: &str) -> Result<Option<i64>, StoreError>;

    /// How many rules were applied in a session.
    fn count_applications(&mut self, session_seq: i64) -> Result<i64, StoreError>;

    /// Appends a row: a value for each column, in the order of the table.
    fn insert(&mut self, table: Table, row: &[Bind<'_>]) -> Result<(), StoreError>;

    /// Appends a session to its table; `false`, and nothing is done, if its name is taken by a session of either kind.
    fn insert_session(&mut self, table: Table, session_id: &str, row: &[Bind<'_>]) -> Result<bool, StoreError>;

    /// Gives a rule a new definition (`seq`, description, category, priority, parameters); `false` if it has it.
    fn redefine_rule(&mut self, row: &[Bind<'_>; 5]) -> Result<bool, StoreError>;
}
