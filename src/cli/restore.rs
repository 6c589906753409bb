//! `souffleur restore`: a backup in the hub's place.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::Args;
use souffleur_store::backup;

use super::backup::{described, refuse_server, stop_on, verdict};
use super::connect::DataDir;
use super::console::Console;
use super::exit::Outcome;
use super::global::Global;
use super::interrupt::Interrupt;
use super::lock::{self, DirectoryLock};
use super::logging;

const EXAMPLES: &str = "\
The backup is checked first: its manifest, its checksum, every page, every model. A damaged or unfinished one is refused. \
The copy takes the database's place in one step, when it is complete and on the disk: killed at any moment, the data \
directory holds either the old database or the new one. No daemon may be using the directory.

Examples:
  souffleur restore backups/2026-11-27 --verify
  souffleur restore backups/2026-11-27 --data-dir elsewhere
  souffleur restore backups/2026-11-27 --force

Exit codes: 0 done, 1 failed, 2 refused, 3 (with --verify) not sound, 4 the directory is in use, 130 interrupted.";

/// Put a backup in the hub's place, or only check it
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RestoreArgs {
    /// The backup's directory
    from: PathBuf,
    /// Replace the database of a directory that is not empty
    #[arg(long)]
    force: bool,
    /// Only check the backup, restore nothing
    #[arg(long, conflicts_with = "force")]
    verify: bool,
    /// Print the manifest as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataDir,
}

impl RestoreArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        let settings = global.settings(&[self.data.setting()])?;
        logging::command(&settings.telemetry, global)?;
        let stop = stop_on(interrupt);
        let (manifest, done) = if self.verify {
            (backup::verify(&self.from, &stop).map_err(verdict)?, "is sound")
        } else {
            refuse_server(&settings)?;
            let directory = &settings.data.dir;
            let _lock = DirectoryLock::take(directory)?;
            let ignored = OsStr::new(lock::NAME);
            (backup::restore(&self.from, directory, ignored, self.force, &stop)?, "restored")
        };
        if self.json {
            return console.json(&manifest);
        }
        console.line(format_args!("{} {done}: {}", self.from.display(), described(&manifest)))
    }
}
