//! The data itself, looked at without a runtime: in a store of one's own, or through a daemon.

use std::sync::Arc;

use serde_json::Value;
use souffleur_contracts::ContractSettings;
use souffleur_core::job::Job;
use souffleur_core::store::Store;

use super::connect::Connect;
use super::exit::Outcome;
use super::global::Global;
use super::interrupt::Interrupt;
use super::lock::DirectoryLock;
use super::logging;
use super::remote::Remote;
use crate::app;
use crate::runtime::inspection;

/// Where the data is.
pub(crate) enum Hub {
    /// In a store of one's own.
    Store {
        /// The store.
        store: Arc<dyn Store>,
        /// What its data is held to.
        contract: ContractSettings,
        /// Given back last.
        _lock: Option<DirectoryLock>,
    },
    /// With a daemon.
    Daemon(Remote),
}

impl Hub {
    /// Opens what was named. No component is started for it.
    pub(crate) fn open(connect: &Connect, global: &Global) -> Outcome<Self> {
        if let Some(remote) = connect.remote()? {
            return Ok(Self::Daemon(remote));
        }
        let settings = global.settings(&[connect.data.setting()])?;
        logging::command(&settings.telemetry, global)?;
        let lock = DirectoryLock::where_needed(&settings)?;
        Ok(Self::Store { store: app::open_store(&settings)?, contract: settings.contract(), _lock: lock })
    }

    /// What there is.
    pub(crate) fn stats(&self) -> Outcome<Value> {
        match self {
            Self::Store { store, .. } => Ok(serde_json::to_value(store.inventory()?)?),
            Self::Daemon(remote) => remote.get("/v1/data/stats"),
        }
    }

    /// Whether it keeps its contract.
    pub(crate) fn check(&self, interrupt: &Interrupt) -> Outcome<Value> {
        match self {
            Self::Store { store, contract, .. } => {
                let clock = app::clock();
                let (now, job) = (clock.now(), Job::new(clock, 0));
                let cancel = job.cancel_token();
                interrupt.on_first(move || cancel.cancel());
                let report = inspection::check(store.as_ref(), *contract, now, &job);
                // Whoever stopped it knows why.
                interrupt.check()?;
                Ok(serde_json::to_value(report?)?)
            }
            Self::Daemon(remote) => remote.get("/v1/data/check"),
        }
    }

    /// Ends in order.
    pub(crate) fn close(&self) {
        if let Self::Store { store, .. } = self {
            store.close();
        }
    }
}
