//! A file that appears under its name only when it is complete.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The name a file is to have, and the one it has until it is complete.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    partial: PathBuf,
    settled: bool,
}

/// Where the checksum of a text file stands: beside it, in the form the program `xxh128sum` reads.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".xxh128");
    PathBuf::from(name)
}

impl Place {
    /// Makes the partial file.
    pub(crate) fn create(path: &Path) -> io::Result<(Self, File)> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        // Readable as well: a seal is put in its place in the end.
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&partial)?;
        Ok((Self { path: path.to_path_buf(), partial, settled: false }, file))
    }

    /// Gives the file, once it is on the disk, its name, and the checksum that is to stand beside it.
    ///
    /// Whatever moment this ends at, no file stands beside another's checksum.
    pub(crate) fn settle(mut self, file: &File, checksum: Option<u128>) -> io::Result<()> {
        file.sync_all()?;
        let beside = beside(&self.path);
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::fs::rename(&self.partial, &self.path)?;
        self.settled = true;
        if let Some(checksum) = checksum {
            let name = self.path.file_name().unwrap_or_default().to_string_lossy();
            std::fs::write(beside, format!("{checksum:032x}  {name}\n"))?;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.settled {
            // Incomplete: it never gets its name. That it cannot be removed changes nothing.
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}
