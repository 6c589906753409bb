//! The only wiring: which components, which store, which clock the product is made of.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::sync::Arc;
#[cfg(feature = "redis")]
use std::time::Duration;

use souffleur_actors::AnswerCache;
use souffleur_cache::SecondLevel;
use souffleur_core::catalogue::Entry;
use souffleur_core::clock::Clock;
use souffleur_core::store::{Store, StoreError};
use souffleur_core::time::Timestamp;
use souffleur_store::{SigningKey, SqliteStore, StoreSettings};
use uuid::Uuid;

use crate::clock::SystemClock;
use crate::settings::Settings;

/// Threads that compute features and read the store for callers that must not block.
pub(crate) const OFFLOAD_THREADS: usize = 2;

/// Every component there is.
#[must_use]
pub fn catalogue() -> &'static [Entry] {
    souffleur_components::CATALOGUE
}

/// The clock of the product.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

/// A name for a session that came without one: a UUID of version 7, so that names sort by time.
pub(crate) fn session_id(now: Timestamp) -> String {
    let us = u64::try_from(now.0).unwrap_or(0);
    let nanos = u32::try_from(us % 1_000_000 * 1_000).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, us / 1_000_000, nanos)).to_string()
}

/// The name of the database in the data directory.
pub const DATABASE: &str = souffleur_store::backup::DATABASE;

/// Opens the database: the one the settings name, or the file in the data directory, made if it is not there.
pub(crate) fn open_store(settings: &Settings) -> Result<Arc<dyn Store>, StoreError> {
    let database = StoreSettings { signing_key: model_key(settings)?, ..settings.database() };
    if let Some(url) = settings.store.url.reveal() {
        return open_server(url, database);
    }
    let path = settings.data.dir.join(DATABASE);
    Ok(Arc::new(SqliteStore::open(&path, database)?))
}

/// The file in the data directory that manifests are signed with, unless the settings name a key.
const KEY_FILE: &str = "model.key";

/// The key manifests are signed with. Where none is set it is read from its file, which is made if it is not there; but for a
/// database on a server: each of those that share it would have one of its own.
fn model_key(settings: &Settings) -> Result<Option<SigningKey>, StoreError> {
    if let Some(key) = settings.registry.key.reveal() {
        return Ok(Some(SigningKey::new(key)));
    }
    if settings.store.url.reveal().is_some() {
        return Ok(None);
    }
    let path = settings.data.dir.join(KEY_FILE);
    let failed =
        |error: std::io::Error| StoreError::Database(format!("cannot read or make {}: {error}", path.display()));
    let read = || std::fs::read(&path);
    let key = match read() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            std::fs::create_dir_all(&settings.data.dir).map_err(failed)?;
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            // Two version 4 UUIDs: 244 bits nobody can guess.
            let key = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
            match options.open(&path).and_then(|mut file| file.write_all(key.as_bytes()).and_then(|()| file.sync_all()))
            {
                // Another process was faster.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => read(),
                made => made.map(|()| key.into_bytes()),
            }
        }
        other => other,
    };
    let key = key.map_err(failed)?;
    if key.is_empty() {
        let text = format!("{} is empty; put the key back, or remove the file to have a new one made", path.display());
        return Err(StoreError::Incompatible(text));
    }
    Ok(Some(SigningKey::new(key)))
}

#[cfg(feature = "postgres")]
fn open_server(url: &str, settings: StoreSettings) -> Result<Arc<dyn Store>, StoreError> {
    Ok(Arc::new(souffleur_store::PostgresStore::connect(url, settings)?))
}

#[cfg(not(feature = "postgres"))]
fn open_server(_: &str, _: StoreSettings) -> Result<Arc<dyn Store>, StoreError> {
    let text = "`store.url` names a PostgreSQL database, which this program was built without; build it with --features postgres";
    Err(StoreError::Incompatible(text.to_owned()))
}

/// The cache of answers, if the settings want one. Its second level need not be reachable.
pub(crate) fn open_cache(settings: &Settings) -> Result<Option<Arc<AnswerCache>>, String> {
    if settings.cache.capacity_bytes == 0 {
        return Ok(None);
    }
    let second_level = settings.cache.redis_url.reveal().map(|url| second_level(url, settings)).transpose()?;
    Ok(Some(AnswerCache::new(settings.answers(), second_level)))
}

#[cfg(feature = "redis")]
fn second_level(url: &str, settings: &Settings) -> Result<Arc<dyn SecondLevel>, String> {
    // Another build may answer the same question to the same model differently.
    let program =
        souffleur_cache::program_fingerprint().map_err(|error| format!("cannot read this program: {error}"))?;
    let settings = souffleur_cache::RedisSettings {
        url: url.to_owned(),
        timeout: Duration::from_millis(settings.cache.redis_timeout_ms),
        namespace: format!("souffleur:{program:032x}"),
    };
    let level = souffleur_cache::RedisLevel::start(&settings).map_err(|error| format!("`cache.redis_url` {error}"))?;
    Ok(level)
}

#[cfg(not(feature = "redis"))]
fn second_level(_: &str, _: &Settings) -> Result<Arc<dyn SecondLevel>, String> {
    let text =
        "`cache.redis_url` names a Redis server, which this program was built without; build it with --features redis";
    Err(text.to_owned())
}
