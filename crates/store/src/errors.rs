//! The database's errors in the store's words.

use diesel::result::{DatabaseErrorKind, Error};
use souffleur_core::store::StoreError;

/// What to know when somebody else holds the database.
pub(crate) const LOCKED: &str = "another process holds the database; nothing of the request was kept";
/// What to know when the database cannot grow.
pub(crate) const FULL: &str =
    "the disk is full, or the file has reached its largest size; nothing of the request was kept";

/// What diesel reported, as the store reports it.
pub(crate) fn database(error: Error) -> StoreError {
    match error {
        Error::DatabaseError(DatabaseErrorKind::Unknown, ref info) if info.message().contains("not a database") => {
            StoreError::Incompatible("the file is not an SQLite database".into())
        }
        other => {
            let text = other.to_string();
            let advice = [("is locked", LOCKED), ("lock timeout", LOCKED), ("is full", FULL), ("No space left", FULL)];
            StoreError::Database(match advice.into_iter().find(|(sign, _)| text.contains(sign)) {
                Some((_, advice)) => format!("{text}: {advice}"),
                None => text,
            })
        }
    }
}

/// Something stored that cannot be read: written by hand, or damaged.
pub(crate) fn unreadable(what: &str, why: impl std::fmt::Display) -> StoreError {
    StoreError::Database(format!("stored {what} cannot be read: {why}"))
}
