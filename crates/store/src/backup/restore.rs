//! Putting a backup in a hub's place, in one step.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::{BackupError, DATABASE, Manifest, Unfinished, about, flush, read_through, stopped, verify};
use crate::sqlite::settle;

/// What the database's name is continued with while it is copied in.
const RESTORING: &str = ".restoring";
/// What the log of a database that could not be opened is set aside under.
const SET_ASIDE: &str = ".set-aside";

/// Whether a file of a data directory was left by a restore that was killed: safe to remove.
#[must_use]
pub fn is_leftover(name: &OsStr) -> bool {
    name == OsStr::new(&format!("{DATABASE}{RESTORING}"))
}

/// Checks a backup and makes it the database of the directory `to`, which nobody else may be using. A directory in which
/// anything is but `ignored` is refused, unless `replace`; of one that is replaced only the database changes.
///
/// The copy is complete and on the disk before it takes the database's name: killed at any moment the directory holds
/// either the old database or the new one.
///
/// # Errors
/// [`BackupError`]; the old database is in place then.
pub fn restore(
    backup: &Path,
    to: &Path,
    ignored: &OsStr,
    replace: bool,
    stop: &AtomicBool,
) -> Result<Manifest, BackupError> {
    let database = to.join(DATABASE);
    if !replace {
        refuse_occupied(to, ignored)?;
    }
    let manifest = verify(backup, stop)?;
    fs::create_dir_all(to).map_err(about(to))?;
    let incoming = beside(&database, RESTORING);
    let mut unfinished = Unfinished(Some(&incoming));
    copy(&backup.join(DATABASE), &incoming, &manifest, stop)?;
    if stopped(stop) {
        return Err(BackupError::Stopped);
    }
    clear_log(&database)?;
    fs::rename(&incoming, &database).map_err(about(&database))?;
    unfinished.0 = None;
    flush(to)?;
    Ok(manifest)
}

fn beside(database: &Path, end: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn refuse_occupied(to: &Path, ignored: &OsStr) -> Result<(), BackupError> {
    let entries = match fs::read_dir(to) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(about(to)(error)),
    };
    for entry in entries {
        let name = entry.map_err(about(to))?.file_name();
        if name != ignored && !is_leftover(&name) {
            let what = format!("the directory is not empty ({}); use --force to replace its database", name.display());
            return Err(BackupError::Exists { path: to.to_owned(), what });
        }
    }
    Ok(())
}

/// Copies the backup's database, and makes sure that what arrived is what was checked.
fn copy(from: &Path, incoming: &Path, manifest: &Manifest, stop: &AtomicBool) -> Result<(), BackupError> {
    let mut file = File::create(incoming).map_err(about(incoming))?;
    let checksum = read_through(from, stop, |piece| file.write_all(piece).map_err(about(incoming)))?;
    file.sync_all().map_err(about(incoming))?;
    if checksum != manifest.checksum {
        let what = "it changed while it was copied".to_owned();
        return Err(BackupError::Damaged { path: from.to_owned(), what });
    }
    Ok(())
}

/// Moves what the old database's log holds into the old database, so that the new one does not find a log that is not its
/// own. The log of a database that cannot be opened is set aside.
fn clear_log(database: &Path) -> Result<(), BackupError> {
    let log = beside(database, "-wal");
    if database.exists() && log.exists() && settle(database).is_err() {
        tracing::warn!(database = %database.display(), "the old database cannot be opened: its log is set aside");
    }
    if log.exists() {
        fs::rename(&log, beside(&log, SET_ASIDE)).map_err(about(&log))?;
    }
    let index = beside(database, "-shm");
    if index.exists() {
        fs::remove_file(&index).map_err(about(&index))?;
    }
    Ok(())
}
