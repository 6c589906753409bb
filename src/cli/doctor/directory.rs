//! The data directory: there, writable, closed to others, with room, and whose it is.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use souffleur_store::backup::is_leftover;

use super::Diagnosis;
use crate::app;
use crate::cli::console::bytes;
use crate::cli::lock::DirectoryLock;

/// With less free space the next writes may fail.
const SPACE_MIN_BYTES: u64 = 64 << 20;
/// Below this free space is told as scarce, whatever the database's size.
const SPACE_SCARCE_BYTES: u64 = 512 << 20;

pub(super) fn look(directory: &Path) -> Vec<Diagnosis> {
    let shown = directory.display();
    match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => {
            let mut found = vec![writable(directory)];
            found.extend(closed_to_others(directory, &metadata));
            found.push(space(directory));
            found.push(holder(directory));
            found.extend(leftovers(directory));
            found
        }
        Ok(_) => {
            let says = format!("{shown} is a file");
            vec![Diagnosis::failed("directory", says, "name a directory with --data-dir or `data.dir`")]
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let says = format!("{shown} is not there");
            vec![Diagnosis::warning("directory", says, "it is made when the hub is first used")]
        }
        Err(error) => vec![Diagnosis::failed("directory", format!("{shown}: {error}"), "let this user reach it")],
    }
}

/// Tries it: permissions, read-only mounts and full disks all show that way.
fn writable(directory: &Path) -> Diagnosis {
    let path = directory.join(format!(".souffleur-doctor-{}", std::process::id()));
    let tried = OpenOptions::new().write(true).create_new(true).open(&path).and_then(|_| fs::remove_file(&path));
    match tried {
        Ok(()) => Diagnosis::ok("directory", format!("{} can be written", directory.display())),
        Err(error) => {
            let says = format!("{} cannot be written: {error}", directory.display());
            Diagnosis::failed("directory", says, "let this user write it")
        }
    }
}

#[cfg(unix)]
fn closed_to_others(directory: &Path, metadata: &fs::Metadata) -> Option<Diagnosis> {
    use std::os::unix::fs::PermissionsExt;
    let readable = |metadata: &fs::Metadata| metadata.permissions().mode() & 0o007 != 0;
    let database = fs::metadata(directory.join(app::DATABASE)).ok()?;
    if !(readable(metadata) && readable(&database)) {
        return Some(Diagnosis::ok("permissions", "other users cannot read the database"));
    }
    let says = "every user of this machine can read the database, and the prompts in it";
    Some(Diagnosis::warning("permissions", says, format!("`chmod o-rwx {}`", directory.display())))
}

#[cfg(not(unix))]
fn closed_to_others(_: &Path, _: &fs::Metadata) -> Option<Diagnosis> {
    None
}

#[cfg(unix)]
fn free_bytes(directory: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(directory)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> io::Result<u64> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

fn space(directory: &Path) -> Diagnosis {
    let taken = fs::metadata(directory.join(app::DATABASE)).map_or(0, |metadata| metadata.len());
    match free_bytes(directory) {
        Ok(free) if free < SPACE_MIN_BYTES => {
            let says = format!("{} are free", bytes(free));
            Diagnosis::failed("disk", says, "make room: writes will soon fail, and nothing of them is kept")
        }
        Ok(free) if free < SPACE_SCARCE_BYTES.max(taken) => {
            let says = format!("{} are free, the database takes {}", bytes(free), bytes(taken));
            Diagnosis::warning("disk", says, "make room: a backup on the same disk may not fit")
        }
        Ok(free) => Diagnosis::ok("disk", format!("{} are free, the database takes {}", bytes(free), bytes(taken))),
        Err(error) => Diagnosis::warning("disk", format!("free space is not known: {error}"), "look yourself"),
    }
}

fn holder(directory: &Path) -> Diagnosis {
    match DirectoryLock::holder(directory) {
        Ok(None) => Diagnosis::ok("lock", "nobody holds the directory"),
        Ok(Some(process)) => Diagnosis::ok("lock", format!("process {process} holds the directory; ask it with --url")),
        Err(failure) => Diagnosis::failed("lock", failure.to_string(), "let this user read the lock's file"),
    }
}

fn leftovers(directory: &Path) -> Option<Diagnosis> {
    let mut entries = fs::read_dir(directory).ok()?.filter_map(Result::ok);
    let left = entries.find(|entry| is_leftover(&entry.file_name()))?;
    let says = format!("a restore was ended in the middle: {} is half a database", left.path().display());
    Some(Diagnosis::warning("leftovers", says, "restore again, or remove it; the database itself is as it was"))
}
