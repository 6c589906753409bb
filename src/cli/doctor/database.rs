//! The database: reachable, of a layout this program knows, sound, with sound models.

use std::path::Path;

use souffleur_core::store::{ModelRow, StoreError};
use souffleur_store::{Inspection, SqliteStore};

use super::Diagnosis;
use crate::app;
use crate::settings::Settings;

/// Flaws that are told one by one.
const FLAWS_TOLD: usize = 20;

/// A file in the data directory.
pub(super) fn file(directory: &Path) -> Vec<Diagnosis> {
    let path = directory.join(app::DATABASE);
    if !path.exists() {
        let log = directory.join(format!("{}-wal", app::DATABASE));
        if log.exists() {
            let says = format!("{} is gone, and its log is there", path.display());
            return vec![Diagnosis::failed("database", says, "restore a backup with --force")];
        }
        return vec![Diagnosis::ok("database", "there is none yet; it is made when the hub is first used")];
    }
    told(SqliteStore::inspect(&path, undecodable), "restore a backup: `souffleur restore DIR --force`")
}

/// A server's.
#[cfg(feature = "postgres")]
pub(super) fn server(url: &str, settings: &Settings) -> Vec<Diagnosis> {
    let looked = souffleur_store::PostgresStore::inspect(url, settings.database(), undecodable);
    told(looked, "see that the server runs and `store.url` is right, or restore a dump with pg_restore")
}

/// A server's.
#[cfg(not(feature = "postgres"))]
pub(super) fn server(_: &str, _: &Settings) -> Vec<Diagnosis> {
    let says = "`store.url` names a PostgreSQL database, which this program was built without";
    vec![Diagnosis::failed("database", says, "build it with --features postgres")]
}

/// What is wrong with a snapshot, by the component that would answer from it.
fn undecodable(model: &ModelRow) -> Option<String> {
    let entry = app::catalogue().iter().find(|entry| entry.name == model.component)?;
    entry.runner.restore(&model.snapshot).err().map(|error| error.to_string())
}

fn told(looked: Result<Inspection, StoreError>, advice: &str) -> Vec<Diagnosis> {
    let looked = match looked {
        Ok(looked) => looked,
        Err(error) => return vec![Diagnosis::failed("database", error.to_string(), advice)],
    };
    let mut found = Vec::new();
    let name = if looked.database == "sqlite" { "SQLite" } else { "PostgreSQL" };
    found.push(Diagnosis::ok("database", format!("{name} {}, rows up to place {}", looked.version, looked.watermark)));
    found.push(layout(&looked));
    if looked.flaws.is_empty() {
        let says =
            if name == "SQLite" { "every page, table and index is sound" } else { "every table and index is there" };
        found.push(Diagnosis::ok("integrity", says));
    }
    found.extend(looked.flaws.iter().take(FLAWS_TOLD).map(|flaw| Diagnosis::failed("integrity", flaw, advice)));
    if !looked.layouts.pending.is_empty() || !looked.flaws.is_empty() {
        return found;
    }
    if looked.damaged_models.is_empty() {
        let models = looked.models;
        found.push(Diagnosis::ok("models", format!("the content of each of {models} models is what its name says")));
    }
    for model in &looked.damaged_models {
        let says = format!("{} of {} is damaged: {}", model.model_id, model.component, model.reason);
        let advice = format!("train it again: `souffleur train {}`", model.component);
        found.push(Diagnosis::failed("models", says, advice));
    }
    found
}

fn layout(looked: &Inspection) -> Diagnosis {
    let newest = looked.layouts.applied.last().map_or("none", String::as_str);
    if let Some(unknown) = looked.layouts.unknown.first() {
        let says = format!("the database has layout {unknown}, which this version does not know");
        return Diagnosis::failed("layout", says, "use the newer version that made it; going back is not possible");
    }
    match looked.layouts.pending.len() {
        0 => Diagnosis::ok("layout", format!("{newest}, the newest this version knows")),
        pending => {
            let says = format!("{newest}; {pending} newer layouts are pending");
            Diagnosis::warning("layout", says, "the next start brings it up to date: take a backup first")
        }
    }
}
