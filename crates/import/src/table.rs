//! Tables: Parquet and Arrow IPC.

use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use souffleur_columnar::{ColumnarError, ColumnarFormat, SessionRows, TableReader, seal};
use souffleur_core::job::Job;

use crate::error::Fault;
use crate::record::Read;
use crate::source::{Opened, Source};

/// A table that could be opened. None of its rows has been read.
pub(crate) struct Table {
    reader: TableReader,
    rows_read: u64,
    /// Bytes read; reckoned from the rows, as columns are not read in order.
    pub(crate) bytes_read: Arc<AtomicU64>,
    pub(crate) bytes_total: Option<u64>,
}

impl Table {
    /// The table a file is by its first bytes, or an error if it should be one by its name; `None` for text and for streams.
    /// A file of ours is checked to its last byte.
    pub(crate) fn open(source: &Source, job: &Job) -> Result<Option<Self>, ColumnarError> {
        let Some(path) = source.file() else { return Ok(None) };
        let expected = source.format();
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            // A directory is refused, and a pipe read, by whoever reads text.
            return Ok(None);
        }
        let mut first = Vec::new();
        (&file).take(ColumnarFormat::MAGIC_BYTES as u64).read_to_end(&mut first)?;
        let Some(format) = ColumnarFormat::of_bytes(&first) else {
            if expected.is_table() {
                let problem = format!("it does not begin as {} does", expected.name());
                return Err(ColumnarError::Damaged(problem));
            }
            return Ok(None);
        };
        let bytes_total = metadata.len();
        seal::verify(&mut file, format, |bytes| job.tick(bytes, bytes_total))?;
        let reader = TableReader::file(file, format)?;
        let bytes_read = Arc::new(AtomicU64::new(0));
        Ok(Some(Self { reader, rows_read: 0, bytes_read, bytes_total: Some(bytes_total) }))
    }

    /// A stream of Arrow IPC. Reads its beginning.
    pub(crate) fn stream(opened: Opened) -> Result<Self, ColumnarError> {
        let (bytes_read, bytes_total) = (Arc::clone(&opened.bytes_read), opened.bytes_total);
        Ok(Self { reader: TableReader::stream(opened.raw())?, rows_read: 0, bytes_read, bytes_total })
    }

    /// The next rows; `None` at the end.
    pub(crate) fn rows(&mut self) -> Result<Option<SessionRows>, ColumnarError> {
        let Some(batch) = self.reader.piece()? else { return Ok(None) };
        let rows = SessionRows::of(&batch)?;
        self.rows_read += rows.len() as u64;
        if let (Some(all), Some(bytes)) = (self.reader.rows_total().filter(|all| *all > 0), self.bytes_total) {
            let share = self.rows_read.min(all) as f64 / all as f64;
            self.bytes_read.store((bytes as f64 * share) as u64, Ordering::Relaxed);
        }
        Ok(Some(rows))
    }
}

/// The session of row `i`, which is row `line` of the table.
pub(crate) fn read(rows: &SessionRows, line: u64, i: usize) -> Result<Read, Fault> {
    let decoded = rows.row(i).map_err(|e| Fault::at(line, e.to_string()))?;
    Read::checked(line, decoded.session, decoded.provenance)
}
