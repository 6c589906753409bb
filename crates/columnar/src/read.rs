//! Tables of sessions, read piece by piece.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::ArrowError;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use crate::error::ColumnarError;
use crate::format::ColumnarFormat;
use crate::frames::{self, Frames};

/// Rows of a piece at most.
const PIECE_ROWS: usize = 1_000;

/// Bytes of a piece, roughly, where rows are large.
const PIECE_BYTES: i64 = 8 << 20;

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Reads a table in pieces of at most 1,000 rows. What it holds in memory does not grow with the number of rows.
pub struct TableReader {
    batches: Option<Batches>,
    /// The rest of a batch that was larger than a piece.
    rest: Option<RecordBatch>,
    rows_total: Option<u64>,
}

impl std::fmt::Debug for TableReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableReader").field("rows_total", &self.rows_total).finish_non_exhaustive()
    }
}

impl TableReader {
    /// Reads a file from its beginning. Whether it is whole is for [`seal::verify`](crate::seal::verify) to say.
    ///
    /// # Errors
    /// [`ColumnarError::Damaged`] if its metadata cannot be read, [`ColumnarError::Unsupported`] if this program cannot
    /// read such a file.
    pub fn file(mut file: File, format: ColumnarFormat) -> Result<Self, ColumnarError> {
        file.seek(SeekFrom::Start(0))?;
        fenced(move || {
            let (batches, rows_total) = match format {
                ColumnarFormat::Parquet => parquet(file)?,
                ColumnarFormat::ArrowFile => {
                    frames::check_footer(&mut file)?;
                    (Box::new(FileReader::try_new(BufReader::new(file), None)?) as Batches, None)
                }
                ColumnarFormat::ArrowStream => return Self::arrow_stream(file),
            };
            Ok(Self { batches: Some(batches), rest: None, rows_total })
        })
    }

    /// Reads an Arrow IPC stream as it comes. One of its record batches may have 1 GiB at most.
    ///
    /// # Errors
    /// As for [`file`](Self::file).
    pub fn stream(stream: impl Read + Send + 'static) -> Result<Self, ColumnarError> {
        fenced(move || Self::arrow_stream(stream))
    }

    fn arrow_stream(stream: impl Read + Send + 'static) -> Result<Self, ColumnarError> {
        let batches: Batches = Box::new(StreamReader::try_new(Frames::new(BufReader::new(stream)), None)?);
        Ok(Self { batches: Some(batches), rest: None, rows_total: None })
    }

    /// How many rows there are, if the file says so before it is read.
    #[must_use]
    pub fn rows_total(&self) -> Option<u64> {
        self.rows_total
    }

    /// The next piece; `None` at the end, and after an error.
    ///
    /// # Errors
    /// [`ColumnarError::Damaged`] where the bytes are no table, [`ColumnarError::Io`] if they cannot be read.
    pub fn piece(&mut self) -> Result<Option<RecordBatch>, ColumnarError> {
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => {
                let Some(mut batches) = self.batches.take() else { return Ok(None) };
                let next = fenced(|| Ok(batches.next().transpose()?));
                let Some(batch) = next? else { return Ok(None) };
                self.batches = Some(batches);
                batch
            }
        };
        let rows = batch.num_rows();
        if rows > PIECE_ROWS {
            self.rest = Some(batch.slice(PIECE_ROWS, rows - PIECE_ROWS));
            return Ok(Some(batch.slice(0, PIECE_ROWS)));
        }
        Ok(Some(batch))
    }
}

fn parquet(file: File) -> Result<(Batches, Option<u64>), ColumnarError> {
    // The types follow from the columns alone: what another program noted of its own types is not needed.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?;
    let groups = builder.metadata().row_groups();
    let rows: i64 = groups.iter().map(|group| group.num_rows().max(0)).fold(0, i64::saturating_add);
    let bytes: i64 = groups.iter().map(|group| group.total_byte_size().max(0)).fold(0, i64::saturating_add);
    let row_bytes = bytes.checked_div(rows).unwrap_or(0).max(1);
    let at_once = usize::try_from(PIECE_BYTES / row_bytes).unwrap_or(PIECE_ROWS).clamp(1, PIECE_ROWS);
    Ok((Box::new(builder.with_batch_size(at_once).build()?), u64::try_from(rows).ok()))
}

/// Calls a decoder. Some decoders of bytes nobody vouches for panic where they should refuse; that is damage as well.
fn fenced<T>(decode: impl FnOnce() -> Result<T, ColumnarError>) -> Result<T, ColumnarError> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err(ColumnarError::damaged("its bytes contradict each other")))
}
