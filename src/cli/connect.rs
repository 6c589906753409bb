//! Which runtime a command works with: one of its own on a data directory, or a daemon's.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::backend::Backend;
use super::describe;
use super::embedded::Embedded;
use super::exit::Outcome;
use super::global::{Global, Override};
use super::intake::Intake;
use super::interrupt::Interrupt;
use super::logging;
use super::remote::Remote;
use super::selection;
use crate::app;

/// Where a command's data lives.
#[derive(Args, Debug)]
pub(crate) struct DataDir {
    /// Work on this data directory (default: the setting `data.dir`)
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl DataDir {
    /// The setting it stands for.
    pub(crate) fn setting(&self) -> Override {
        ("data.dir", self.data_dir.as_ref().map(|dir| dir.display().to_string()), "--data-dir")
    }

    /// Whether it was given.
    pub(crate) fn is_given(&self) -> bool {
        self.data_dir.is_some()
    }
}

/// A data directory or a daemon.
#[derive(Args, Debug)]
pub(crate) struct Connect {
    #[command(flatten)]
    pub(crate) data: DataDir,
    /// Ask the daemon at this address instead
    #[arg(long, value_name = "URL", conflicts_with = "data_dir")]
    url: Option<String>,
    /// The daemon's API key
    #[arg(long, value_name = "KEY", env = "SOUFFLEUR_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
}

impl Connect {
    /// The components, in catalogue order. Without a daemon nothing needs to be started for that.
    pub(crate) fn components(&self) -> Outcome<Vec<Value>> {
        match self.remote()? {
            Some(remote) => remote.components(),
            None => app::catalogue().iter().map(|entry| Ok(describe::listed(&describe::component(entry)?))).collect(),
        }
    }

    /// One component, in full.
    pub(crate) fn component(&self, name: &str) -> Outcome<Value> {
        if let Some(remote) = self.remote()? {
            return remote.component(name);
        }
        let entries = selection::pick(app::catalogue(), &[name.to_owned()])?;
        entries.first().map_or_else(|| Err(selection::unknown(name, std::iter::empty())), describe::component)
    }

    /// Where records go. Without a daemon only the store is opened.
    pub(crate) fn intake(&self, global: &Global) -> Outcome<Intake> {
        if let Some(remote) = self.remote()? {
            return Ok(Intake::Daemon(remote));
        }
        let settings = global.settings(&[self.data.setting()])?;
        logging::command(&settings.telemetry, global)?;
        Intake::store(&settings)
    }

    /// The daemon, if one was named.
    pub(crate) fn remote(&self) -> Outcome<Option<Remote>> {
        self.url.as_deref().map(|url| Remote::new(url, self.api_key.as_deref())).transpose()
    }

    /// Opens what was named. Settings are read for a runtime of one's own only.
    pub(crate) fn open(&self, global: &Global, interrupt: &Interrupt) -> Outcome<Box<dyn Backend>> {
        if let Some(remote) = self.remote()? {
            return Ok(Box::new(remote));
        }
        let settings = global.settings(&[self.data.setting()])?;
        logging::command(&settings.telemetry, global)?;
        let embedded = Embedded::open(&settings, interrupt)?;
        embedded.ready()?;
        Ok(Box::new(embedded))
    }
}
