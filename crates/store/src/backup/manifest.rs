//! What a backup must be, written beside it.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use souffleur_core::ids::Seq;
use souffleur_core::time::Timestamp;
use xxhash_rust::xxh3::xxh3_128;

use super::{BackupError, MANIFEST, about, checksum};
use crate::sqlite::SqliteStore;

/// The version of a backup's own layout.
pub const FORMAT: u32 = 1;

/// Longest manifest that is read.
const LIMIT_BYTES: u64 = 1 << 20;

/// What a backup holds and must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the backup's own layout.
    pub format: u32,
    /// The version of the program that took it.
    pub program: String,
    /// When.
    pub created: Timestamp,
    /// The database's layout.
    pub layout: String,
    /// The newest row's place in the global order.
    pub watermark: Seq,
    /// Bytes of the database file.
    pub bytes: u64,
    /// XXH3 of 128 bits of the database file, in hexadecimal.
    pub checksum: String,
}

/// The manifest as a file, with a checksum of its own.
#[derive(Serialize, Deserialize)]
struct Written {
    manifest: Manifest,
    manifest_checksum: String,
}

impl Manifest {
    /// Describes the database file at `copy`.
    pub(super) fn of(copy: &Path, created: Timestamp, stop: &AtomicBool) -> Result<Self, BackupError> {
        let (layout, watermark) = SqliteStore::layout_and_watermark(copy)?;
        Ok(Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            created,
            layout,
            watermark,
            bytes: fs::metadata(copy).map_err(about(copy))?.len(),
            checksum: checksum(copy, stop)?,
        })
    }

    fn own_checksum(&self) -> String {
        // A structure of strings and numbers is always written, and always the same way.
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("{:032x}", xxh3_128(text.as_bytes()))
    }

    /// The bytes of its file.
    pub(super) fn written(&self) -> Vec<u8> {
        let written = Written { manifest: self.clone(), manifest_checksum: self.own_checksum() };
        let mut bytes = serde_json::to_vec_pretty(&written).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads the manifest of a backup and checks it against itself.
    ///
    /// # Errors
    /// [`BackupError::NotABackup`] where there is none, or one of a newer program; [`BackupError::Damaged`].
    pub fn read(backup: &Path) -> Result<Self, BackupError> {
        let path = backup.join(MANIFEST);
        let not_a_backup = |what: String| BackupError::NotABackup { path: path.clone(), what };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                let what = "there is no such file: this is no backup, or one that was not finished".to_owned();
                return Err(not_a_backup(what));
            }
            Err(error) => return Err(about(&path)(error)),
        };
        let mut bytes = Vec::new();
        file.take(LIMIT_BYTES).read_to_end(&mut bytes).map_err(about(&path))?;
        let damaged = |what: String| BackupError::Damaged { path: path.clone(), what };
        let read: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| damaged(format!("its manifest cannot be read: {error}")))?;
        let format = read["manifest"]["format"].as_u64();
        if let Some(newer) = format.filter(|format| *format > u64::from(FORMAT)) {
            return Err(not_a_backup(format!(
                "it has format {newer}, which a newer version of souffleur wrote; use that"
            )));
        }
        let written: Written =
            serde_json::from_value(read).map_err(|error| damaged(format!("its manifest cannot be read: {error}")))?;
        let checksum = written.manifest.own_checksum();
        if checksum != written.manifest_checksum {
            return Err(damaged(format!(
                "its manifest's checksum is {checksum} instead of {}",
                written.manifest_checksum
            )));
        }
        Ok(written.manifest)
    }
}
