//! Starts the kernel.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use souffleur_core::catalogue::{Entry, training_order};
use souffleur_core::clock::Clock;
use souffleur_core::store::Store;

use crate::error::StartError;
use crate::handle::Handle;
use crate::settings::KernelSettings;

/// Starts the runtime on a thread of its own and returns once every actor was spawned.
///
/// `params` holds one section per component name; a component without one gets its defaults. Installs neither
/// signal handlers nor a panic hook: those belong to the program.
///
/// # Errors
/// [`StartError`] says what is wrong with the catalogue, the settings or a section. Nothing is left running then.
pub fn start(
    entries: Vec<Entry>,
    params: BTreeMap<String, Value>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    settings: KernelSettings,
) -> Result<Handle, StartError> {
    settings.check().map_err(StartError::Settings)?;
    let order = training_order(&entries).map_err(StartError::Catalogue)?;
    if let Some(name) = params.keys().find(|name| !entries.iter().any(|entry| entry.name == name.as_str())) {
        return Err(StartError::UnknownParams(name.clone()));
    }
    Ok(Handle::new(entries, order, store, clock, &settings))
}
