//! An import from its source to its sink.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use souffleur_columnar::ColumnarError;
use souffleur_core::job::Job;
use souffleur_core::store::Append;

use crate::checksum;
use crate::error::{Fault, ImportError, LineError};
use crate::mapping::Mapping;
use crate::pipeline::{Input, Message, Parsed, Pipeline, Purpose};
use crate::source::Source;
use crate::table::Table;

/// What a bad line does to the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// It is reported and left out.
    #[default]
    Skip,
    /// The import fails. A file is checked to its end before anything is handed on, so that nothing of a bad one is
    /// kept; of a stream, which can be read only once, the batches before the bad line have been handed on.
    Abort,
}

/// How to import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportSettings {
    /// What a bad line does to the rest.
    pub on_error: OnError,
    /// How many bad lines are kept verbatim; all are counted.
    pub errors_kept: usize,
    /// How many threads parse; at least 1, at most 64 are used.
    pub threads: usize,
}

impl Default for ImportSettings {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self { on_error: OnError::default(), errors_kept: 100, threads }
    }
}

/// How far an import has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportProgress {
    /// Bytes read, as they are stored: compressed ones for a compressed file.
    pub bytes_read: u64,
    /// Bytes there are, if known.
    pub bytes_total: Option<u64>,
    /// Records seen.
    pub records: u64,
    /// Sessions handed to the sink.
    pub sessions: u64,
    /// Records that were bad.
    pub errors: u64,
    /// Spans that are no sessions: of something else than a question to a model, or without its text.
    pub passed_over: u64,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportSummary {
    /// How much of everything there was.
    pub progress: ImportProgress,
    /// The first bad lines, in file order.
    pub errors: Vec<LineError>,
    /// Whether the file broke off before its end.
    pub incomplete: bool,
}

/// An import that has not begun.
#[derive(Debug)]
pub struct Importer {
    source: Source,
    mapping: Option<Mapping>,
    settings: ImportSettings,
}

impl Importer {
    /// Imports `source` through `mapping`; without one every record is a session in our own shape.
    ///
    /// A session without a `session_id` is given one that follows from its content under the mapping: the same file
    /// twice adds nothing, and equal records without a name count once. Another mapping may give other names.
    #[must_use]
    pub fn new(source: Source, mapping: Option<Mapping>, settings: ImportSettings) -> Self {
        let source = match mapping.as_ref().and_then(Mapping::format) {
            Some(format) => source.with_format(format),
            None => source,
        };
        Self { source, mapping, settings }
    }

    /// Runs the import on this thread and its own. `sink` is called with batches of at most 1,000 sessions in file
    /// order, while others are being parsed: a slow sink slows the import and no more. `report` is called after
    /// every batch and at least every 100 ms.
    ///
    /// # Errors
    /// The file cannot be read, the mapping does not fit, the sink refused, the job was interrupted, or, where that
    /// is wanted, the first bad line.
    pub fn run<E>(
        self,
        job: &Job,
        mut sink: impl FnMut(Vec<Append>) -> Result<(), E>,
        mut report: impl FnMut(&ImportProgress),
    ) -> Result<ImportSummary, ImportError<E>> {
        if self.settings.on_error == OnError::Abort
            && let Some(source) = self.source.again()
        {
            let check = Self { source, mapping: self.mapping.clone(), settings: self.settings };
            check.pass(job, Purpose::Verify, &mut |_| Ok(()), &mut |_| ())?;
        }
        self.pass(job, Purpose::Import, &mut sink, &mut report)
    }

    fn pass<E>(
        self,
        job: &Job,
        purpose: Purpose,
        sink: &mut dyn FnMut(Vec<Append>) -> Result<(), E>,
        report: &mut dyn FnMut(&ImportProgress),
    ) -> Result<ImportSummary, ImportError<E>> {
        job.check()?;
        let file = self.source.name();
        let unreadable = |message: String| ImportError::Unreadable { file: Arc::clone(&file), message };
        let input = open(self.source, self.mapping, job)?;
        let threads = self.settings.threads.clamp(1, 64);
        let pipeline = Pipeline::start(input, Arc::clone(&file), purpose, threads)
            .map_err(|e| ImportError::Broken(e.to_string()))?;
        let mut delivery = Delivery::new(Arc::clone(&file), self.settings, pipeline.bytes_total);
        let mut early: BTreeMap<u64, Parsed> = BTreeMap::new();
        let (mut next, mut chunks) = (0, None);
        while chunks != Some(next) {
            match pipeline.next() {
                None => {}
                Some(Message::Chunk(index, parsed)) => {
                    early.insert(index, parsed);
                }
                Some(Message::End(count)) => chunks = Some(count),
                Some(Message::Mapping(error)) => return Err(error.into()),
                Some(Message::Unreadable(message)) => return Err(unreadable(message)),
                Some(Message::Broken) => return Err(ImportError::Broken("a thread of it died".to_owned())),
            }
            delivery.note_bytes(job, &pipeline)?;
            while let Some(parsed) = early.remove(&next) {
                next += 1;
                delivery.deliver(parsed, sink)?;
                pipeline.delivered();
                delivery.note_bytes(job, &pipeline)?;
            }
            report(&delivery.summary.progress);
        }
        Ok(delivery.summary)
    }
}

/// Opens a source. A file whose checksum is known is read once to see that it is right.
fn open<E>(source: Source, mapping: Option<Mapping>, job: &Job) -> Result<Input, ImportError<E>> {
    let file = source.name();
    let unreadable = |message: String| ImportError::Unreadable { file: Arc::clone(&file), message };
    let refused = |error: ColumnarError| match error {
        ColumnarError::Interrupted(interrupted) => ImportError::Interrupted(interrupted),
        ColumnarError::Damaged(_) => ImportError::Damaged { file: Arc::clone(&file), message: error.to_string() },
        other => unreadable(other.to_string()),
    };
    if let Some(path) = source.file() {
        checksum::verify(path, job).map_err(refused)?;
    }
    match Table::open(&source, job).map_err(refused)? {
        Some(_) if mapping.is_some() => Err(unreadable(
            "is a table, which needs no mapping; leave the mapping out, or convert it to CSV".to_owned(),
        )),
        Some(table) => Ok(Input::Table(table)),
        None => {
            let format = source.format();
            let opened = source.open().map_err(|e| unreadable(e.to_string()))?;
            Ok(Input::Text { opened, format, mapping })
        }
    }
}

/// The side of the pipeline that hands on.
struct Delivery {
    file: Arc<str>,
    settings: ImportSettings,
    summary: ImportSummary,
}

impl Delivery {
    fn new(file: Arc<str>, settings: ImportSettings, bytes_total: Option<u64>) -> Self {
        let progress = ImportProgress { bytes_total, ..ImportProgress::default() };
        Self { file, settings, summary: ImportSummary { progress, errors: Vec::new(), incomplete: false } }
    }

    fn note_bytes<E>(&mut self, job: &Job, pipeline: &Pipeline) -> Result<(), ImportError<E>> {
        let progress = &mut self.summary.progress;
        progress.bytes_read = pipeline.bytes_read.load(Ordering::Relaxed);
        Ok(job.tick(progress.bytes_read, progress.bytes_total.unwrap_or(0))?)
    }

    fn deliver<E>(
        &mut self,
        parsed: Parsed,
        sink: &mut dyn FnMut(Vec<Append>) -> Result<(), E>,
    ) -> Result<(), ImportError<E>> {
        let progress = &mut self.summary.progress;
        progress.records += parsed.good + parsed.faults.len() as u64;
        progress.errors += parsed.faults.len() as u64;
        progress.passed_over += parsed.passed_over;
        self.summary.incomplete |= parsed.incomplete;
        for fault in parsed.faults {
            let Fault { line, column, message } = fault;
            let error = LineError { file: Arc::clone(&self.file), line, column, message };
            if self.settings.on_error == OnError::Abort {
                return Err(ImportError::BadLine(error));
            }
            if self.summary.errors.len() < self.settings.errors_kept {
                self.summary.errors.push(error);
            }
        }
        progress.sessions += parsed.good;
        if parsed.appends.is_empty() { Ok(()) } else { sink(parsed.appends).map_err(ImportError::Sink) }
    }
}
