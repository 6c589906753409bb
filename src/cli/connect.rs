//! Which runtime a command works with: one of its own on a data directory, or a daemon's.

use std::path::PathBuf;

use clap::Args;

use super::backend::Backend;
use super::embedded::Embedded;
use super::exit::Outcome;
use super::global::{Global, Override};
use super::interrupt::Interrupt;
use super::logging;
use super::remote::Remote;

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
    /// Opens what was named. Settings are read for a runtime of one's own only.
    pub(crate) fn open(&self, global: &Global, interrupt: &Interrupt) -> Outcome<Box<dyn Backend>> {
        if let Some(url) = &self.url {
            return Ok(Box::new(Remote::new(url, self.api_key.as_deref())?));
        }
        let settings = global.settings(&[self.data.setting()])?;
        logging::command(&settings.telemetry, global)?;
        Ok(Box::new(Embedded::open(&settings, interrupt)?))
    }
}
