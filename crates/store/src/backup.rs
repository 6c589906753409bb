//! Copies of a hub in a file: taken while others write, recognised when damaged, put back in one step.
//!
//! A backup is a directory of two files: the database, and a manifest that says what it must be. It is written under another
//! name, flushed to the disk and renamed: a directory that has the right name is whole.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use souffleur_core::store::StoreError;
use souffleur_core::time::Timestamp;
use xxhash_rust::xxh3::Xxh3;

use crate::inspect::Inspection;
use crate::sqlite::{SqliteStore, copy_into};

mod manifest;
mod restore;

pub use manifest::{FORMAT, Manifest};
pub use restore::{is_leftover, restore};

/// The database's name in a backup.
pub const DATABASE: &str = "souffleur.db";
/// The manifest's name in a backup.
pub const MANIFEST: &str = "manifest.json";

/// Bytes read at a time; between two of them the work can be stopped.
const CHUNK_BYTES: usize = 1 << 20;

/// Why a backup was not taken, or not put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something is there already.
    #[error("{}: {what}", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
        /// What is there, and what would be right.
        what: String,
    },
    /// It is no backup, or not one this program can read.
    #[error("{}: {what}", path.display())]
    NotABackup {
        /// Where.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// It is a backup, and something of it was lost or changed.
    #[error("{}: the backup is damaged: {what}; use another one", path.display())]
    Damaged {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody asked for it.
    #[error("stopped; nothing was changed")]
    Stopped,
}

fn about(path: &Path) -> impl Fn(io::Error) -> BackupError + '_ {
    move |error| BackupError::Io { path: path.to_owned(), error }
}

/// Removes what was begun, unless it was finished.
struct Unfinished<'p>(Option<&'p Path>);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(path) = self.0 {
            // That it cannot be removed changes nothing: it has no backup's name.
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
}

/// Takes a backup of the database file at `database` into the new directory `to`, of one consistent moment, while others
/// read and write. `stop` ends it early: nothing is left then.
///
/// Writers are not kept waiting, but what they write meanwhile stays in the write-ahead log until the copy is done.
///
/// # Errors
/// [`BackupError`]; `to` is as it was.
pub fn back_up(database: &Path, to: &Path, now: Timestamp, stop: &AtomicBool) -> Result<Manifest, BackupError> {
    if !database.is_file() {
        let what = "there is no database to back up; name its data directory".to_owned();
        return Err(BackupError::Exists { path: database.to_owned(), what });
    }
    refuse_taken(to)?;
    let name = to.file_name().ok_or_else(|| BackupError::Exists {
        path: to.to_owned(),
        what: "it has no name; name a new directory".to_owned(),
    })?;
    let parent = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(about(parent))?;
    let mut partial = name.to_owned();
    partial.push(format!(".partial-{}", std::process::id()));
    let partial = parent.join(partial);
    fs::create_dir(&partial).map_err(about(&partial))?;
    let mut unfinished = Unfinished(Some(&partial));
    let copy = partial.join(DATABASE);
    copy_into(database, &copy, stop)
        .map_err(|error| if stopped(stop) { BackupError::Stopped } else { error.into() })?;
    flush(&copy)?;
    let manifest = Manifest::of(&copy, now, stop)?;
    let path = partial.join(MANIFEST);
    let mut file = File::create(&path).map_err(about(&path))?;
    file.write_all(&manifest.written()).and_then(|()| file.sync_all()).map_err(about(&path))?;
    flush(&partial)?;
    if stopped(stop) {
        return Err(BackupError::Stopped);
    }
    fs::rename(&partial, to).map_err(about(to))?;
    unfinished.0 = None;
    flush(parent)?;
    Ok(manifest)
}

/// Refuses a place where something is.
fn refuse_taken(to: &Path) -> Result<(), BackupError> {
    match fs::read_dir(to) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => {
                let what = "the directory is not empty; name a new one".to_owned();
                Err(BackupError::Exists { path: to.to_owned(), what })
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(about(to)(error)),
    }
}

/// Checks a backup: the manifest against itself, the file against the manifest, the database against its own rules, every
/// model against its name.
///
/// # Errors
/// [`BackupError::Damaged`], [`BackupError::NotABackup`], or what went wrong on the way.
pub fn verify(backup: &Path, stop: &AtomicBool) -> Result<Manifest, BackupError> {
    let manifest = Manifest::read(backup)?;
    let database = backup.join(DATABASE);
    let damaged = |what: String| BackupError::Damaged { path: database.clone(), what };
    let bytes = match fs::metadata(&database) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(damaged("the database is missing".into())),
        Err(error) => return Err(about(&database)(error)),
    };
    if bytes != manifest.bytes {
        return Err(damaged(format!("the database has {bytes} bytes instead of {}", manifest.bytes)));
    }
    let checksum = checksum(&database, stop)?;
    if checksum != manifest.checksum {
        return Err(damaged(format!("the database's checksum is {checksum} instead of {}", manifest.checksum)));
    }
    let Inspection { flaws, layouts, watermark, damaged_models, .. } = SqliteStore::inspect(&database, |_| None)?;
    if let Some(layout) = layouts.unknown.first() {
        let what = format!("it has layout {layout}, which this version of souffleur does not know; use a newer one");
        return Err(BackupError::NotABackup { path: database, what });
    }
    if let Some(flaw) = flaws.first() {
        return Err(damaged(format!("its database was not sound when it was copied: {flaw}")));
    }
    if watermark != manifest.watermark {
        return Err(damaged(format!("its newest row is {watermark} instead of {}", manifest.watermark)));
    }
    if let Some(model) = damaged_models.first() {
        return Err(damaged(format!("model {}: {}", model.model_id, model.reason)));
    }
    Ok(manifest)
}

fn stopped(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Acquire)
}

/// Has the disk hold what was written to a file, or the names in a directory.
fn flush(path: &Path) -> Result<(), BackupError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(about(path))
}

/// The checksum of a file: XXH3 of 128 bits, which tells damage, not forgery.
fn checksum(path: &Path, stop: &AtomicBool) -> Result<String, BackupError> {
    read_through(path, stop, |_| Ok(()))
}

/// Reads a file through, hands its pieces on, and gives its checksum.
fn read_through(
    path: &Path,
    stop: &AtomicBool,
    mut take: impl FnMut(&[u8]) -> Result<(), BackupError>,
) -> Result<String, BackupError> {
    let mut file = File::open(path).map_err(about(path))?;
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut hash = Xxh3::new();
    loop {
        if stopped(stop) {
            return Err(BackupError::Stopped);
        }
        match file.read(&mut buffer) {
            Ok(0) => return Ok(format!("{:032x}", hash.digest128())),
            Ok(read) => {
                hash.update(&buffer[..read]);
                take(&buffer[..read])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(about(path)(error)),
        }
    }
}
