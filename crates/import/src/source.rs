//! Where the bytes come from: a file or a stream, compressed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use souffleur_columnar::ColumnarFormat;

/// How records are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values under a header.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// An Arrow IPC file or stream.
    Arrow,
    /// Spans of generative AI in OTLP/JSON, one request of an exporter a line or in all.
    Otlp,
}

impl Format {
    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "JSON lines",
            Self::Csv => "CSV",
            Self::Parquet => "Parquet",
            Self::Arrow => "Arrow IPC",
            Self::Otlp => "OTLP/JSON",
        }
    }

    /// Whether it is read column by column.
    pub(crate) fn is_table(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }
}

/// What is imported: a file or a stream. Gzip, also of several members, and the tables are recognised by their first bytes.
pub struct Source {
    name: Arc<str>,
    format: Format,
    origin: Origin,
}

enum Origin {
    Path(PathBuf),
    Stream(Box<dyn Read + Send>),
}

const BUFFER_BYTES: usize = 256 << 10;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

impl Source {
    /// A file. `.csv` and `.csv.gz` are read as CSV, `.parquet` as Parquet, `.arrow`, `.arrows` and `.feather` as Arrow
    /// IPC, `.otlp` and whatever begins as OTLP/JSON does as such, anything else as JSON lines.
    #[must_use]
    pub fn path(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let name = path.to_string_lossy();
        let lower = name.to_ascii_lowercase();
        let stem = lower.strip_suffix(".gz").unwrap_or(&lower);
        let format = match stem.rsplit_once('.').map(|(_, extension)| extension) {
            Some("csv") => Format::Csv,
            Some("parquet") => Format::Parquet,
            Some("arrow" | "arrows" | "feather") => Format::Arrow,
            Some("otlp") => Format::Otlp,
            _ => Format::Jsonl,
        };
        Self { name: Arc::from(&*name), format, origin: Origin::Path(path.to_owned()) }
    }

    /// A stream, read as JSON lines, named as errors are to name it.
    pub fn stream(name: impl Into<Arc<str>>, stream: impl Read + Send + 'static) -> Self {
        Self { name: name.into(), format: Format::Jsonl, origin: Origin::Stream(Box::new(stream)) }
    }

    /// The same source, read as `format`.
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// How it is read.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Its name in errors.
    #[must_use]
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// The same file once more; `None` for a stream, which can be read only once.
    pub(crate) fn again(&self) -> Option<Self> {
        match &self.origin {
            Origin::Path(path) => {
                Some(Self { name: self.name(), format: self.format, origin: Origin::Path(path.clone()) })
            }
            Origin::Stream(_) => None,
        }
    }

    /// The file it is; `None` for a stream.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Path(path) => Some(path),
            Origin::Stream(_) => None,
        }
    }

    pub(crate) fn open(self) -> io::Result<Opened> {
        let (raw, bytes_total): (Box<dyn Read + Send>, _) = match self.origin {
            Origin::Path(path) => {
                let file = File::open(path)?;
                let metadata = file.metadata()?;
                if metadata.is_dir() {
                    return Err(io::Error::other("it is a directory; name a file"));
                }
                let bytes_total = metadata.is_file().then_some(metadata.len());
                (Box::new(file), bytes_total)
            }
            Origin::Stream(stream) => (stream, None),
        };
        let bytes_read = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner: raw, bytes_read: Arc::clone(&bytes_read) };
        Ok(Opened { raw: BufReader::with_capacity(BUFFER_BYTES, counted), bytes_read, bytes_total })
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("name", &self.name).field("format", &self.format).finish_non_exhaustive()
    }
}

/// A source that could be opened. Nothing of it has been read.
pub(crate) struct Opened {
    raw: BufReader<Counted>,
    pub(crate) bytes_read: Arc<AtomicU64>,
    pub(crate) bytes_total: Option<u64>,
}

impl Opened {
    /// Whether it begins as a stream of Arrow IPC does. Reads the first few bytes.
    pub(crate) fn is_table(&mut self) -> io::Result<bool> {
        let format = ColumnarFormat::of_bytes(self.raw.fill_buf()?);
        Ok(format == Some(ColumnarFormat::ArrowStream))
    }

    /// The bytes as they are.
    pub(crate) fn raw(self) -> impl Read + Send + 'static {
        self.raw
    }

    /// The uncompressed bytes. Reads the first few to see whether they are compressed.
    pub(crate) fn decoded(mut self) -> io::Result<Box<dyn BufRead + Send>> {
        let compressed = self.raw.fill_buf()?.starts_with(&GZIP_MAGIC);
        Ok(if compressed {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(self.raw)))
        } else {
            Box::new(self.raw)
        })
    }
}

struct Counted {
    inner: Box<dyn Read + Send>,
    bytes_read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.bytes_read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
