//! The suite on PostgreSQL, and what PostgreSQL adds to it.

use souffleur_cluster::Cluster;
use souffleur_store::{PostgresStore, StoreSettings};

use crate::suite::store_suite;

/// A store in the database at `url`.
pub(crate) fn open(url: &str) -> PostgresStore {
    PostgresStore::connect(url, StoreSettings::default()).unwrap()
}

/// A fresh store and its address; `None`, said in words, where there is no PostgreSQL.
pub(crate) fn fresh() -> Option<(PostgresStore, String)> {
    let url = Cluster::for_test()?.database().unwrap();
    Some((open(&url), url))
}

store_suite!(fresh);
