//! Tables of sessions, written piece by piece.

use std::io::Write;

use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use souffleur_core::store::StoredSession;

use crate::encode;
use crate::error::ColumnarError;
use crate::format::ColumnarFormat;
use crate::schema::session_schema;
use crate::seal;

/// A row group is closed once it has about this many bytes: what a writer holds in memory.
const GROUP_BYTES: usize = 32 << 20;

/// Rows of a row group at most.
const GROUP_ROWS: usize = 1 << 18;

/// How the files name who wrote them.
const CREATED_BY: &str = concat!("souffleur version ", env!("CARGO_PKG_VERSION"));

enum Writer<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    ArrowFile(Box<FileWriter<W>>),
    ArrowStream(Box<StreamWriter<W>>),
}

/// Writes sessions as a table. What it holds in memory does not grow with their number.
pub struct TableWriter<W: Write + Send> {
    schema: SchemaRef,
    writer: Writer<W>,
}

impl<W: Write + Send> std::fmt::Debug for TableWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableWriter").finish_non_exhaustive()
    }
}

impl<W: Write + Send> TableWriter<W> {
    /// Begins a table. With `sealed` it has a place for the checksum that [`seal::SealedFile`] puts there in the end.
    ///
    /// # Errors
    /// [`ColumnarError::Io`] if `out` cannot be written to.
    pub fn new(format: ColumnarFormat, out: W, sealed: bool) -> Result<Self, ColumnarError> {
        let schema = session_schema();
        let place = sealed.then(|| (seal::KEY.to_owned(), seal::unset()));
        let writer = match format {
            ColumnarFormat::Parquet => {
                let options = ArrowWriterOptions::new().with_skip_arrow_metadata(true).with_properties(properties());
                let mut writer = ArrowWriter::try_new_with_options(out, SchemaRef::clone(&schema), options)?;
                if let Some((key, value)) = place {
                    writer.append_key_value_metadata(KeyValue::new(key, value));
                }
                Writer::Parquet(Box::new(writer))
            }
            ColumnarFormat::ArrowFile => {
                let mut writer = FileWriter::try_new(out, &schema)?;
                if let Some((key, value)) = place {
                    writer.write_metadata(key, value);
                }
                Writer::ArrowFile(Box::new(writer))
            }
            ColumnarFormat::ArrowStream => {
                let described = Schema::clone(&schema).with_metadata(place.into_iter().collect());
                Writer::ArrowStream(Box::new(StreamWriter::try_new(out, &described)?))
            }
        };
        Ok(Self { schema, writer })
    }

    /// Writes sessions.
    ///
    /// # Errors
    /// [`ColumnarError::Io`] if they cannot be written.
    pub fn write(&mut self, sessions: &[StoredSession]) -> Result<(), ColumnarError> {
        if sessions.is_empty() {
            return Ok(());
        }
        let batch = encode::sessions(&self.schema, sessions)?;
        match &mut self.writer {
            Writer::Parquet(writer) => {
                writer.write(&batch)?;
                if writer.memory_size().max(writer.in_progress_size()) > GROUP_BYTES {
                    writer.flush()?;
                }
            }
            Writer::ArrowFile(writer) => writer.write(&batch)?,
            Writer::ArrowStream(writer) => writer.write(&batch)?,
        }
        Ok(())
    }

    /// Completes the table and gives back what it was written to.
    ///
    /// # Errors
    /// [`ColumnarError::Io`] if the rest cannot be written.
    pub fn finish(self) -> Result<W, ColumnarError> {
        Ok(match self.writer {
            Writer::Parquet(writer) => writer.into_inner()?,
            Writer::ArrowFile(writer) => writer.into_inner()?,
            Writer::ArrowStream(writer) => writer.into_inner()?,
        })
    }
}

/// Snappy, and for each row group the least and the greatest of what people filter by.
fn properties() -> WriterProperties {
    let path = |name: &str| ColumnPath::from(name);
    WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_column_statistics_enabled(path("event_time"), EnabledStatistics::Chunk)
        .set_column_statistics_enabled(path("quality_score"), EnabledStatistics::Chunk)
        // Names are distinct: a dictionary of them is given up halfway.
        .set_column_dictionary_enabled(path("session_id"), false)
        .set_offset_index_disabled(true)
        .build()
}
