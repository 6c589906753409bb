//! The suite on SQLite.

use souffleur_store::{SqliteStore, StoreSettings};
use tempfile::TempDir;

use crate::suite::store_suite;

/// A fresh store and its directory.
pub(crate) fn open() -> (SqliteStore, TempDir) {
    open_with(StoreSettings::default())
}

/// A fresh store with these settings.
pub(crate) fn open_with(settings: StoreSettings) -> (SqliteStore, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("data/souffleur.db"), settings).unwrap();
    (store, directory)
}

fn fresh() -> Option<(SqliteStore, TempDir)> {
    Some(open())
}

store_suite!(fresh);
