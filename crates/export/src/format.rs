//! How an export is written.

use std::path::Path;

use serde::{Deserialize, Serialize};
use souffleur_columnar::ColumnarFormat;

/// What the bytes of an export are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Apache Parquet.
    Parquet,
    /// An Arrow IPC file.
    Arrow,
    /// An Arrow IPC stream.
    ArrowStream,
    /// CSV (RFC 4180) under a header; rules, feedback and tags are JSON in their columns.
    Csv,
    /// One JSON object a line, in the shape sessions are recorded in.
    Jsonl,
}

impl Shape {
    /// The table it is, if it is one.
    #[must_use]
    pub fn columnar(self) -> Option<ColumnarFormat> {
        match self {
            Self::Parquet => Some(ColumnarFormat::Parquet),
            Self::Arrow => Some(ColumnarFormat::ArrowFile),
            Self::ArrowStream => Some(ColumnarFormat::ArrowStream),
            Self::Csv | Self::Jsonl => None,
        }
    }
}

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportFormat {
    /// What the bytes are.
    pub shape: Shape,
    /// Whether they are gzip-compressed; of CSV and JSON lines only.
    pub gzip: bool,
}

impl ExportFormat {
    /// The format a name asks for by its extension: `.parquet`, `.arrow`, `.feather`, `.arrows`, `.csv`, `.jsonl`,
    /// `.ndjson`, the last three also with `.gz`. `None` for any other name.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
        let (stem, gzip) = name.strip_suffix(".gz").map_or((name.as_str(), false), |stem| (stem, true));
        let shape = match stem.rsplit_once('.')?.1 {
            "parquet" => Shape::Parquet,
            "arrow" | "feather" => Shape::Arrow,
            "arrows" => Shape::ArrowStream,
            "csv" => Shape::Csv,
            "jsonl" | "ndjson" => Shape::Jsonl,
            _ => return None,
        };
        (!gzip || shape.columnar().is_none()).then_some(Self { shape, gzip })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_how_it_is_written() {
        let of = |name: &str| ExportFormat::of_path(Path::new(name)).map(|format| (format.shape, format.gzip));
        assert_eq!(of("a/b.parquet"), Some((Shape::Parquet, false)));
        assert_eq!(of("b.Feather"), Some((Shape::Arrow, false)));
        assert_eq!(of("b.arrows"), Some((Shape::ArrowStream, false)));
        assert_eq!(of("b.csv.gz"), Some((Shape::Csv, true)));
        assert_eq!(of("b.jsonl.gz"), Some((Shape::Jsonl, true)));
        for name in ["b", "b.xlsx", "b.parquet.gz", ".gz", "csv"] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
