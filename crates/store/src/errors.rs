//! The database's errors in the store's words.

use diesel::result::{DatabaseErrorKind, Error};
use souffleur_core::store::StoreError;

/// What diesel reported, as the store reports it.
pub(crate) fn database(error: Error) -> StoreError {
    match error {
        Error::DatabaseError(DatabaseErrorKind::Unknown, ref info) if info.message().contains("not a database") => {
            StoreError::Incompatible("the file is not an SQLite database".into())
        }
        other => StoreError::Database(other.to_string()),
    }
}

/// Something stored that cannot be read: written by hand, or damaged.
pub(crate) fn unreadable(what: &str, why: impl std::fmt::Display) -> StoreError {
    StoreError::Database(format!("stored {what} cannot be read: {why}"))
}
