//! The three ways a table is written down.

/// How a table is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnarFormat {
    /// Apache Parquet.
    Parquet,
    /// The Arrow IPC file format, also called Feather version 2.
    ArrowFile,
    /// The Arrow IPC streaming format.
    ArrowStream,
}

impl ColumnarFormat {
    /// The media type of an Arrow IPC stream.
    pub const ARROW_STREAM_TYPE: &'static str = "application/vnd.apache.arrow.stream";

    /// Bytes that are enough to tell.
    pub const MAGIC_BYTES: usize = 6;

    /// Tells by the first bytes of a file; `None` if it is none of them.
    #[must_use]
    pub fn of_bytes(first: &[u8]) -> Option<Self> {
        if first.starts_with(b"PAR1") {
            Some(Self::Parquet)
        } else if first.starts_with(b"ARROW1") {
            Some(Self::ArrowFile)
        } else if first.starts_with(&[0xff; 4]) {
            // What every encapsulated message begins with.
            Some(Self::ArrowStream)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        assert_eq!(ColumnarFormat::of_bytes(b"PAR1\x15\x04"), Some(ColumnarFormat::Parquet));
        assert_eq!(ColumnarFormat::of_bytes(b"ARROW1\0\0"), Some(ColumnarFormat::ArrowFile));
        assert_eq!(ColumnarFormat::of_bytes(&[0xff, 0xff, 0xff, 0xff, 1]), Some(ColumnarFormat::ArrowStream));
        for text in [&b"{\"a\":1}"[..], b"\xff\xfe{", b"PAR", b""] {
            assert_eq!(ColumnarFormat::of_bytes(text), None);
        }
    }
}
