//! An export from its pages to its file.

use std::fmt::Display;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Builder;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use souffleur_columnar::seal::SealedFile;
use souffleur_columnar::{ColumnarFormat, TableWriter};
use souffleur_core::job::Job;
use souffleur_core::store::StoredSession;
use xxhash_rust::xxh3::Xxh3;

use crate::error::ExportError;
use crate::format::{ExportFormat, Shape};
use crate::place::Place;
use crate::text::TextWriter;

/// Pages read ahead while others are being written.
const PAGES_AHEAD: usize = 2;

/// How far an export has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExportProgress {
    /// Sessions written.
    pub sessions: u64,
    /// Sessions there are, if known.
    pub sessions_total: Option<u64>,
}

/// What an export wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Sessions.
    pub sessions: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// An export that has not begun.
#[derive(Debug)]
pub struct Export<P> {
    pages: P,
    format: ExportFormat,
    sessions_total: Option<u64>,
}

impl<P, E> Export<P>
where
    P: Iterator<Item = Result<Vec<StoredSession>, E>> + Send,
    E: Display + Send,
{
    /// An export of the sessions in `pages`, of which there are about `sessions_total`.
    pub fn new(pages: P, format: ExportFormat, sessions_total: Option<u64>) -> Self {
        Self { pages, format, sessions_total }
    }

    /// Writes the file. Until it is complete it has another name, and the file that had its name stays.
    ///
    /// A table is sealed with a checksum inside it; the checksum of CSV and JSON lines stands beside the file, under
    /// its name with `.xxh128` behind it. `report` is called after every page.
    ///
    /// # Errors
    /// The sessions cannot be read, the file cannot be written, or the job was interrupted.
    pub fn to_path(
        self,
        path: &Path,
        job: &Job,
        report: impl FnMut(&ExportProgress),
    ) -> Result<Written, ExportError<E>> {
        let (place, file) = Place::create(path)?;
        if let Some(format) = self.format.shape.columnar() {
            let out = BufWriter::new(SealedFile::new(file));
            let (out, sessions) = self.table(format, out, true, job, report)?;
            let out = out.into_inner().map_err(|error| error.into_error())?;
            let (file, bytes) = out.seal(format)?;
            place.settle(&file, None)?;
            return Ok(Written { sessions, bytes });
        }
        let (out, sessions) = self.text(BufWriter::new(Hashed::new(file)), job, report)?;
        let out = out.into_inner().map_err(|error| error.into_error())?;
        place.settle(&out.inner, Some(out.state.digest128()))?;
        Ok(Written { sessions, bytes: out.bytes })
    }

    /// Writes to a stream, without a checksum. Gives back the stream.
    ///
    /// # Errors
    /// As for [`to_path`](Self::to_path).
    pub fn to_stream<W: Write + Send>(
        self,
        out: W,
        job: &Job,
        report: impl FnMut(&ExportProgress),
    ) -> Result<(W, u64), ExportError<E>> {
        match self.format.shape.columnar() {
            Some(format) => self.table(format, out, false, job, report),
            None => self.text(out, job, report),
        }
    }

    fn table<W: Write + Send>(
        self,
        format: ColumnarFormat,
        out: W,
        sealed: bool,
        job: &Job,
        report: impl FnMut(&ExportProgress),
    ) -> Result<(W, u64), ExportError<E>> {
        let mut writer = TableWriter::new(format, out, sealed)?;
        let sessions = self.each_page(job, report, |page| Ok(writer.write(page)?))?;
        Ok((writer.finish()?, sessions))
    }

    fn text<W: Write>(
        self,
        out: W,
        job: &Job,
        report: impl FnMut(&ExportProgress),
    ) -> Result<(W, u64), ExportError<E>> {
        if !self.format.gzip {
            return self.lines(out, job, report);
        }
        let (encoder, sessions) = self.lines(GzEncoder::new(out, Compression::default()), job, report)?;
        Ok((encoder.finish()?, sessions))
    }

    fn lines<W: Write>(
        self,
        out: W,
        job: &Job,
        report: impl FnMut(&ExportProgress),
    ) -> Result<(W, u64), ExportError<E>> {
        let mut writer = match self.format.shape {
            Shape::Csv => TextWriter::csv(out)?,
            _ => TextWriter::jsonl(out),
        };
        let sessions = self.each_page(job, report, |page| Ok(writer.write(page)?))?;
        Ok((writer.finish()?, sessions))
    }

    /// Hands every page to `write` while the next ones are being read. Gives the number of sessions.
    fn each_page(
        self,
        job: &Job,
        mut report: impl FnMut(&ExportProgress),
        mut write: impl FnMut(&[StoredSession]) -> Result<(), ExportError<E>>,
    ) -> Result<u64, ExportError<E>> {
        let mut progress = ExportProgress { sessions: 0, sessions_total: self.sessions_total };
        let (sender, pages) = sync_channel(PAGES_AHEAD);
        let source = self.pages;
        std::thread::scope(|scope| {
            Builder::new().name("export-read".to_owned()).spawn_scoped(scope, move || read(source, &sender))?;
            // Owned here, so that the reader's next page finds nobody once this ends early.
            let pages: Receiver<_> = pages;
            for page in &pages {
                job.tick(progress.sessions, progress.sessions_total.unwrap_or(0))?;
                let page = page.map_err(ExportError::Source)?;
                write(&page)?;
                progress.sessions += page.len() as u64;
                report(&progress);
            }
            Ok(progress.sessions)
        })
    }
}

/// Reads pages until nobody wants them.
fn read<P: Iterator>(pages: P, sender: &SyncSender<P::Item>) {
    for page in pages {
        if sender.send(page).is_err() {
            return;
        }
    }
}

/// Counts and hashes what is written.
struct Hashed<W> {
    inner: W,
    state: Xxh3,
    bytes: u64,
}

impl<W> Hashed<W> {
    fn new(inner: W) -> Self {
        Self { inner, state: Xxh3::new(), bytes: 0 }
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.state.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
