//! The lengths an Arrow IPC file or stream states of its parts, checked before anybody makes room for them.
//!
//! The format is described in "Serialization and Interprocess Communication (IPC)" of the Arrow columnar format: a message
//! is a mark (`0xFFFFFFFF`), the length of its metadata, the metadata, and a body as long as the metadata says. A file has
//! a footer that says where its messages stand.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use arrow_ipc::reader::read_footer_length;

use crate::error::ColumnarError;

/// Metadata of a message in bytes: thousands of columns and far more than that.
const METADATA_BYTES_MAX: u64 = 16 << 20;
/// A message's body in bytes. Readers make room for all of it at once.
const BODY_BYTES_MAX: u64 = 1 << 30;
/// The footer's length and the magic bytes after it.
const TAIL_BYTES: usize = 10;
/// What stands before the length of a message.
const MARK: [u8; 4] = [0xff; 4];

/// A stream whose messages state lengths within the limits; an error of the kind `InvalidData` where one does not.
pub(crate) struct Frames<R> {
    stream: R,
    /// Lengths and metadata of a message, and how much of them was handed on.
    head: Vec<u8>,
    handed_on: usize,
    /// What is left of the message's body.
    body_bytes: u64,
}

impl<R: Read> Frames<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self { stream, head: Vec::new(), handed_on: 0, body_bytes: 0 }
    }

    /// Reads on to the body of the next message. At the end, or where the stream breaks off, there is less to hand on.
    fn next_message(&mut self) -> io::Result<()> {
        self.head.clear();
        self.handed_on = 0;
        if self.take_in(4)? && self.head == MARK {
            self.take_in(4)?;
        }
        let Some(length) = self.head.last_chunk::<4>().copied() else { return Ok(()) };
        let length = within(i32::from_le_bytes(length).into(), METADATA_BYTES_MAX, "metadata")?;
        let start = self.head.len();
        if length == 0 || !self.take_in(length)? {
            return Ok(());
        }
        let metadata = self.head.get(start..).unwrap_or_default();
        let message = arrow_ipc::root_as_message(metadata)
            .map_err(|error| damaged(format!("the metadata of a message cannot be read ({error})")))?;
        self.body_bytes = within(message.bodyLength(), BODY_BYTES_MAX, "a body")?;
        Ok(())
    }

    /// Takes so many bytes more into the head; `false` if there are fewer.
    fn take_in(&mut self, bytes: u64) -> io::Result<bool> {
        Ok(self.stream.by_ref().take(bytes).read_to_end(&mut self.head)? as u64 == bytes)
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.handed_on == self.head.len() && self.body_bytes == 0 {
            self.next_message()?;
        }
        let head = self.head.get(self.handed_on..).unwrap_or_default();
        if !head.is_empty() {
            let read = { head }.read(buffer)?;
            self.handed_on += read;
            return Ok(read);
        }
        let read = self.stream.by_ref().take(self.body_bytes).read(buffer)?;
        self.body_bytes -= read as u64;
        Ok(read)
    }
}

/// Checks that everything a file's footer points to stands in the file.
pub(crate) fn check_footer(file: &mut File) -> Result<(), ColumnarError> {
    let file_bytes = file.seek(SeekFrom::End(0))?;
    let breaks_off = || ColumnarError::damaged("it breaks off before its end");
    let tail_at = file_bytes.checked_sub(TAIL_BYTES as u64).ok_or_else(breaks_off)?;
    file.seek(SeekFrom::Start(tail_at))?;
    let mut tail = [0; TAIL_BYTES];
    file.read_exact(&mut tail)?;
    let footer_bytes = read_footer_length(tail)? as u64;
    let footer_at = tail_at.checked_sub(footer_bytes).ok_or_else(breaks_off)?;
    file.seek(SeekFrom::Start(footer_at))?;
    let mut footer = Vec::new();
    file.by_ref().take(footer_bytes).read_to_end(&mut footer)?;
    let footer = arrow_ipc::root_as_footer(&footer)
        .map_err(|error| ColumnarError::damaged(format!("its footer cannot be read ({error})")))?;
    let blocks = footer.dictionaries().into_iter().flatten().chain(footer.recordBatches().into_iter().flatten());
    for block in blocks {
        let parts = [block.offset(), block.metaDataLength().into(), block.bodyLength()];
        let end = parts.into_iter().try_fold(0, |end: u64, part| end.checked_add(u64::try_from(part).ok()?));
        if end.is_none_or(|end| end > footer_at) {
            return Err(ColumnarError::damaged("its footer points past its end"));
        }
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(())
}

/// A stated length, if it lies within a limit.
fn within(length: i64, limit: u64, what: &str) -> io::Result<u64> {
    u64::try_from(length).ok().filter(|length| *length <= limit).ok_or_else(|| {
        let limit_mib = limit >> 20;
        damaged(format!(
            "a message states {what} of {length} bytes; at most {limit_mib} MiB are read: write fewer rows at a time"
        ))
    })
}

fn damaged(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}
