//! Cuts a stream of bytes into chunks of whole records.

use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::csv::{Position, advance};
use crate::error::Fault;
use crate::source::Format;

/// Most bytes a record may have; a longer one is refused and skipped without being held.
pub const RECORD_BYTES: usize = 8 << 20;

/// A chunk is closed once it has this many bytes or records.
const CHUNK_BYTES: usize = 1 << 20;
const CHUNK_RECORDS: usize = 1000;

/// Some records in file order, and what was wrong between them.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) bytes: Vec<u8>,
    pub(crate) records: Vec<Record>,
    pub(crate) faults: Vec<Fault>,
    /// Whether the stream broke off here.
    pub(crate) incomplete: bool,
}

/// Where a record stands: in its chunk, and on which line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) line: u64,
    pub(crate) span: Range<usize>,
}

/// Why splitting stopped for good.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The file is no text of ours at all.
    Unreadable(String),
    /// Asked to.
    Cancelled,
}

/// The splitter of one file.
pub(crate) struct Splitter<'a> {
    input: Box<dyn BufRead + Send>,
    format: Format,
    stop: &'a AtomicBool,
    /// Bytes to be read again, before more input.
    pending: Vec<u8>,
    pending_from: usize,
    line: u64,
    ended: bool,
}

/// How reading one physical line ended.
enum Line {
    Whole,
    TooLong,
    End,
    Broken(io::Error),
}

/// How deep in a JSON text a reader of bytes stands.
#[derive(Debug, Default)]
struct Nesting {
    depth: u32,
    in_text: bool,
    escaped: bool,
}

impl Nesting {
    fn advance(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match (self.in_text, byte) {
                (true, _) if self.escaped => self.escaped = false,
                (true, b'\\') => self.escaped = true,
                (_, b'"') => self.in_text = !self.in_text,
                (false, b'{' | b'[') => self.depth += 1,
                (false, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// Whether a record can end here.
    fn may_end(&self) -> bool {
        self.depth == 0 && !self.in_text
    }
}

impl<'a> Splitter<'a> {
    pub(crate) fn new(input: Box<dyn BufRead + Send>, format: Format, stop: &'a AtomicBool) -> Self {
        Self { input, format, stop, pending: Vec::new(), pending_from: 0, line: 0, ended: false }
    }

    /// The next record alone: a CSV's header.
    pub(crate) fn single(&mut self) -> Result<Chunk, Stop> {
        self.fill(1)
    }

    /// The next records; `None` at the end.
    pub(crate) fn chunk(&mut self) -> Result<Option<Chunk>, Stop> {
        let chunk = self.fill(CHUNK_RECORDS)?;
        Ok(if chunk.records.is_empty() && chunk.faults.is_empty() && self.ended { None } else { Some(chunk) })
    }

    fn fill(&mut self, most: usize) -> Result<Chunk, Stop> {
        let mut chunk = Chunk::default();
        while !self.ended
            && chunk.records.len() < most
            && chunk.faults.len() < CHUNK_RECORDS
            && chunk.bytes.len() < CHUNK_BYTES
        {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Stop::Cancelled);
            }
            self.record(&mut chunk)?;
        }
        Ok(chunk)
    }

    /// Reads one record, or finds a fault, or the end.
    fn record(&mut self, chunk: &mut Chunk) -> Result<(), Stop> {
        let start = chunk.bytes.len();
        let line = self.line + 1;
        let mut first_line_end = start;
        let mut position = Position::FieldStart;
        let mut nesting = Nesting::default();
        loop {
            let scanned = chunk.bytes.len();
            let read = self.line(&mut chunk.bytes, RECORD_BYTES.saturating_sub(scanned - start));
            if line == 1 && scanned == start {
                self.check_encoding(&mut chunk.bytes, start)?;
            }
            let unclosed = scanned > start;
            match read {
                Line::Whole => {}
                Line::TooLong | Line::End | Line::Broken(_) if unclosed => {
                    self.never_closed(chunk, start, first_line_end, line);
                    return Ok(());
                }
                Line::TooLong => {
                    chunk.bytes.truncate(start);
                    let message = format!("the line is longer than {RECORD_BYTES} bytes; split it or leave it out");
                    chunk.faults.push(Fault::at(line, message));
                    return self.skip_line(chunk);
                }
                Line::End => {
                    self.ended = true;
                    return Ok(());
                }
                Line::Broken(error) => {
                    chunk.bytes.truncate(start);
                    self.broken(chunk, &error);
                    return Ok(());
                }
            }
            if !unclosed {
                first_line_end = chunk.bytes.len();
            }
            if self.format == Format::Csv {
                position = advance(position, &chunk.bytes[scanned..]);
                if !position.may_end() {
                    continue;
                }
            }
            if self.format == Format::Otlp {
                nesting.advance(&chunk.bytes[scanned..]);
                if !nesting.may_end() {
                    continue;
                }
            }
            let end = start + without_line_end(&chunk.bytes[start..]);
            if chunk.bytes[start..end].iter().any(|b| !b.is_ascii_whitespace()) {
                chunk.records.push(Record { line, span: start..end });
            } else {
                chunk.bytes.truncate(start);
            }
            return Ok(());
        }
    }

    /// A record of several lines that began on `line` never ends.
    fn never_closed(&mut self, chunk: &mut Chunk, start: usize, first_line_end: usize, line: u64) {
        if self.format == Format::Csv {
            let message = "a quoted field that begins here is never closed; close it with `\"`";
            chunk.faults.push(Fault::at(line, message));
            self.read_again(&mut chunk.bytes, start, first_line_end);
            self.line = line;
            return;
        }
        chunk.bytes.truncate(start);
        let message = format!(
            "the JSON object that begins here does not end within {RECORD_BYTES} bytes; write one request of the exporter a line"
        );
        chunk.faults.push(Fault::at(line, message));
        (chunk.incomplete, self.ended) = (true, true);
    }

    /// Appends one physical line with its end, at most `most` bytes of it.
    fn line(&mut self, bytes: &mut Vec<u8>, most: usize) -> Line {
        let before = bytes.len();
        let limit = most as u64 + 1;
        let mut read = Ok(0);
        if self.pending_from < self.pending.len() {
            let mut pending = &self.pending[self.pending_from..];
            read = (&mut pending).take(limit).read_until(b'\n', bytes);
            self.pending_from += bytes.len() - before;
        }
        if bytes.last() != Some(&b'\n') || bytes.len() == before {
            let left = limit.saturating_sub((bytes.len() - before) as u64);
            read = read.and_then(|_| (&mut self.input).take(left).read_until(b'\n', bytes));
        }
        let whole = bytes.len() > before && bytes.last() == Some(&b'\n');
        match read {
            Err(error) => Line::Broken(error),
            Ok(_) if bytes.len() == before => Line::End,
            Ok(_) if !whole && bytes.len() - before > most => Line::TooLong,
            Ok(_) => {
                self.line += 1;
                Line::Whole
            }
        }
    }

    /// Puts everything after the first line of a record back.
    fn read_again(&mut self, bytes: &mut Vec<u8>, start: usize, first_line_end: usize) {
        let mut again = bytes.split_off(first_line_end);
        bytes.truncate(start);
        again.extend_from_slice(&self.pending[self.pending_from..]);
        self.pending = again;
        self.pending_from = 0;
    }

    /// Skips to the next line without holding anything.
    fn skip_line(&mut self, chunk: &mut Chunk) -> Result<(), Stop> {
        self.line += 1;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Stop::Cancelled);
            }
            let from_pending = self.pending_from < self.pending.len();
            let available = if from_pending { Ok(&self.pending[self.pending_from..]) } else { self.input.fill_buf() };
            let (n, found) = match available {
                Ok([]) => {
                    self.ended = true;
                    return Ok(());
                }
                Ok(part) => match part.iter().position(|&b| b == b'\n') {
                    Some(i) => (i + 1, true),
                    None => (part.len(), false),
                },
                Err(error) => {
                    self.broken(chunk, &error);
                    return Ok(());
                }
            };
            if from_pending {
                self.pending_from += n;
            } else {
                self.input.consume(n);
            }
            if found {
                return Ok(());
            }
        }
    }

    /// The stream ends early: what came before is kept.
    fn broken(&mut self, chunk: &mut Chunk, error: &io::Error) {
        self.ended = true;
        chunk.incomplete = true;
        let message = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                "the compressed stream ends early; the file is incomplete, fetch it again".to_owned()
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                format!("the compressed stream is damaged ({error}); compress the file again")
            }
            _ => format!("reading failed: {error}; what follows is missing"),
        };
        chunk.faults.push(Fault::at(self.line + 1, message));
    }

    /// Drops a byte order mark of UTF-8, refuses UTF-16.
    fn check_encoding(&self, bytes: &mut Vec<u8>, start: usize) -> Result<(), Stop> {
        let first = &bytes[start..];
        if first.starts_with(&[0xff, 0xfe]) || first.starts_with(&[0xfe, 0xff]) {
            return Err(Stop::Unreadable("it is written in UTF-16; convert it to UTF-8".to_owned()));
        }
        if first.starts_with(&[0xef, 0xbb, 0xbf]) {
            bytes.drain(start..start + 3);
        }
        Ok(())
    }
}

fn without_line_end(bytes: &[u8]) -> usize {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes).len()
}
