//! One process per data directory.
//!
//! One writer numbers every row. A second process on the same directory would number them again, so it is refused. The
//! operating system takes the lock back when the process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::exit::{Failure, Outcome, about};
use crate::settings::Settings;

/// The lock's file inside the data directory.
pub(crate) const NAME: &str = "souffleur.lock";

/// The right to a data directory, for as long as it lives.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the right to the data directory, unless the data is on a server, which runtimes share.
    pub(crate) fn where_needed(settings: &Settings) -> Outcome<Option<Self>> {
        match settings.store.url.reveal() {
            Some(_) => Ok(None),
            None => Self::take(&settings.data.dir).map(Some),
        }
    }

    /// Who holds the right to `directory`, in its own words; `None` if nobody does. Makes nothing.
    pub(crate) fn holder(directory: &Path) -> Outcome<Option<String>> {
        let path = directory.join(NAME);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(about(&path)(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                Ok(Some(holder.trim().to_owned()))
            }
            Err(TryLockError::Error(error)) => Err(about(&path)(error)),
        }
    }

    /// Takes the right to `directory`; makes the directory if it is not there.
    pub(crate) fn take(directory: &Path) -> Outcome<Self> {
        std::fs::create_dir_all(directory).map_err(about(directory))?;
        let path = directory.join(NAME);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(about(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who holds it is said for convenience only.
                let _ = file.read_to_string(&mut holder);
                return Err(Failure::busy(format!(
                    "the data directory {} is in use by process {}; stop it, or ask it with --url",
                    directory.display(),
                    holder.trim()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(about(&path)(error)),
        }
        file.set_len(0).map_err(about(&path))?;
        file.seek(SeekFrom::Start(0)).map_err(about(&path))?;
        writeln!(file, "{}", std::process::id()).map_err(about(&path))?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    #[test]
    fn a_directory_belongs_to_one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let lock = DirectoryLock::take(dir.path()).unwrap();
        let refused = DirectoryLock::take(dir.path()).unwrap_err();
        assert_eq!(refused.exit, Exit::Busy);
        assert!(refused.message.contains(&format!("process {}", std::process::id())), "{refused}");
        assert_eq!(DirectoryLock::holder(dir.path()).unwrap(), Some(std::process::id().to_string()));
        drop(lock);
        assert_eq!(DirectoryLock::holder(dir.path()).unwrap(), None);
        assert!(DirectoryLock::take(dir.path()).is_ok());
    }
}
