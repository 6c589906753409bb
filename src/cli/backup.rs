//! `souffleur backup`: a copy of the hub while it is at work.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use souffleur_store::backup::{self, BackupError, Manifest};

use super::connect::DataDir;
use super::console::{Console, bytes};
use super::exit::{Failure, Outcome};
use super::global::Global;
use super::interrupt::Interrupt;
use super::logging;
use crate::app;
use crate::settings::Settings;

const EXAMPLES: &str = "\
The backup is a directory with the database, packed, of one consistent moment, and a manifest with checksums. It appears \
under its name only when it is complete and on the disk. A daemon may be at work meanwhile: it is not disturbed, and does \
not need to be asked.

Where the hub is in PostgreSQL this is refused: use `pg_dump --format=custom --file=FILE URL`, which takes one \
consistent snapshot while runtimes write, and `pg_restore`.

Examples:
  souffleur backup backups/2026-11-27
  souffleur backup backups/2026-11-27 --verify --data-dir data
  souffleur restore backups/2026-11-27 --data-dir elsewhere

Exit codes: 0 taken, 1 failed, 2 refused, 3 taken and not sound, 130 interrupted.";

/// Take a backup of the hub, also while it is at work
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BackupArgs {
    /// The new directory the backup becomes
    to: PathBuf,
    /// Check it once it is taken: checksums, every page, every model
    #[arg(long)]
    verify: bool,
    /// Print the manifest as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataDir,
}

impl BackupArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        let settings = global.settings(&[self.data.setting()])?;
        logging::command(&settings.telemetry, global)?;
        refuse_server(&settings)?;
        let stop = stop_on(interrupt);
        let database = settings.data.dir.join(app::DATABASE);
        let manifest = backup::back_up(&database, &self.to, app::clock().now(), &stop)?;
        if self.verify {
            backup::verify(&self.to, &stop).map_err(verdict)?;
        }
        if self.json {
            return console.json(&manifest);
        }
        let checked = if self.verify { ", checked" } else { "" };
        console.line(format_args!("{}: {}{checked}", self.to.display(), described(&manifest)))
    }
}

/// A manifest in a line.
pub(crate) fn described(manifest: &Manifest) -> String {
    format!(
        "rows up to place {}, {}, layout {}, taken {} by version {}",
        manifest.watermark,
        bytes(manifest.bytes),
        manifest.layout,
        manifest.created,
        manifest.program
    )
}

/// A flag that a signal raises.
pub(crate) fn stop_on(interrupt: &Interrupt) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    interrupt.on_first(move || raised.store(true, Ordering::Release));
    stop
}

/// What a server's own tools do better is left to them.
pub(crate) fn refuse_server(settings: &Settings) -> Outcome {
    match settings.store.url.reveal() {
        None => Ok(()),
        Some(_) => Err(Failure::usage(
            "`store.url` names a PostgreSQL database, which its own tools copy better: use `pg_dump --format=custom \
             --file=FILE URL` (one consistent snapshot, while runtimes write) and `pg_restore --dbname=URL FILE`",
        )),
    }
}

/// What a check of a backup found is an answer, not a refusal.
pub(crate) fn verdict(error: BackupError) -> Failure {
    match error {
        BackupError::Damaged { .. } | BackupError::NotABackup { .. } => Failure::missed(error.to_string()),
        other => other.into(),
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Exists { .. } | BackupError::NotABackup { .. } | BackupError::Damaged { .. } => {
                Self::usage(error.to_string())
            }
            BackupError::Stopped => Self::interrupted(),
            BackupError::Store(error) => error.into(),
            BackupError::Io { .. } => Self::failed(error.to_string()),
        }
    }
}
