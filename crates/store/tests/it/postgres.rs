//! The suite on PostgreSQL, and what PostgreSQL adds to it.

use souffleur_cluster::Cluster;
use souffleur_store::{PostgresStore, StoreSettings};

use crate::suite::store_suite;

mod schema;
mod sharing;

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

/// The shared server and a fresh database on it; `None`, said in words, where there is no PostgreSQL.
fn server() -> Option<(&'static Cluster, String)> {
    let cluster = Cluster::for_test()?;
    Some((cluster, cluster.database().unwrap()))
}
