//! The threads behind an import: one splits, several parse, and all results come back over one bounded queue.

use std::io::{self, BufRead, BufReader};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use souffleur_columnar::{ColumnarError, SessionRows};
use souffleur_core::store::{Append, Record};

use crate::error::{Fault, MappingError};
use crate::featurise::Featuriser;
use crate::mapping::Mapping;
use crate::parts::Parts;
use crate::record::{Read, Reader};
use crate::source::{Format, Opened};
use crate::split::{Chunk, Splitter, Stop};
use crate::table::Table;
use crate::{csv, error, otlp, table};

/// How often a waiting thread looks whether it is still wanted.
pub(crate) const LOOK_UP: Duration = Duration::from_millis(50);

/// What is wanted of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Records to be stored.
    Import,
    /// Only whether all lines are good.
    Verify,
}

/// What became of one chunk.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) appends: Vec<Append>,
    pub(crate) good: u64,
    /// Parts of records that are no sessions and need not be.
    pub(crate) passed_over: u64,
    /// In file order.
    pub(crate) faults: Vec<Fault>,
    /// Whether the stream broke off here.
    pub(crate) incomplete: bool,
}

/// A message to the caller's thread.
#[derive(Debug)]
pub(crate) enum Message {
    /// Chunk number so and so is done.
    Chunk(u64, Parsed),
    /// There are this many chunks.
    End(u64),
    /// The header or mapping does not fit.
    Mapping(MappingError),
    /// The file cannot be read at all.
    Unreadable(String),
    /// A thread died.
    Broken,
}

struct Work {
    index: u64,
    load: Load,
}

/// Some records, still to be read.
enum Load {
    /// Records of text.
    Text(Chunk, Arc<Reader>),
    /// Rows of a table, the first of which has this number.
    Rows(Box<SessionRows>, u64),
    /// Nothing but what is wrong with a table.
    Broken(Fault),
}

/// What is read.
pub(crate) enum Input {
    /// Bytes of text.
    Text { opened: Opened, format: Format, mapping: Option<Mapping> },
    /// A table.
    Table(Table),
}

/// Hands work on; an error if nobody wants it any more.
type HandOn<'s> = dyn FnMut(Load) -> Result<(), Option<Message>> + 's;

/// A running pipeline. Dropping it stops its threads.
pub(crate) struct Pipeline {
    pub(crate) messages: Receiver<Message>,
    permits: Receiver<()>,
    pub(crate) bytes_read: Arc<AtomicU64>,
    pub(crate) bytes_total: Option<u64>,
    stop: Arc<AtomicBool>,
    splitter: Option<JoinHandle<()>>,
    workers: Vec<JoinHandle<()>>,
}

/// What the splitting thread needs.
struct Splitting {
    input: Input,
    file: Arc<str>,
    permits: SyncSender<()>,
    work: SyncSender<Work>,
    messages: SyncSender<Message>,
    stop: Arc<AtomicBool>,
}

impl Pipeline {
    /// Starts `threads` parsing threads and one that splits.
    pub(crate) fn start(input: Input, file: Arc<str>, purpose: Purpose, threads: usize) -> std::io::Result<Self> {
        // Chunks between splitting and delivery: enough that no thread waits for another's slow chunk.
        let in_flight = 2 * threads + 2;
        let (permit_sender, permits) = sync_channel(in_flight);
        let (work_sender, work) = sync_channel::<Work>(in_flight);
        let (sender, messages) = sync_channel(in_flight + threads + 2);
        let stop = Arc::new(AtomicBool::new(false));
        let (bytes_read, bytes_total) = match &input {
            Input::Text { opened, .. } => (Arc::clone(&opened.bytes_read), opened.bytes_total),
            Input::Table(table) => (Arc::clone(&table.bytes_read), table.bytes_total),
        };
        let work = Arc::new(Mutex::new(work));
        let mut pipeline = Self {
            messages,
            permits,
            bytes_read,
            bytes_total,
            stop: Arc::clone(&stop),
            splitter: None,
            workers: Vec::new(),
        };
        for i in 0..threads {
            let (work, messages, stop) = (Arc::clone(&work), sender.clone(), Arc::clone(&stop));
            let worker = move || parse_chunks(&work, messages, &stop, purpose);
            pipeline.workers.push(Builder::new().name(format!("import-parse-{i}")).spawn(worker)?);
        }
        let splitting = Splitting { input, file, permits: permit_sender, work: work_sender, messages: sender, stop };
        pipeline.splitter = Some(Builder::new().name("import-split".to_owned()).spawn(move || splitting.run())?);
        Ok(pipeline)
    }

    /// The next message; `None` if there is none within [`LOOK_UP`].
    pub(crate) fn next(&self) -> Option<Message> {
        match self.messages.recv_timeout(LOOK_UP) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Message::Broken),
        }
    }

    /// Says that a chunk has been delivered: another may be read.
    pub(crate) fn delivered(&self) {
        // Its permit was sent before the chunk was, so it is there.
        let _ = self.permits.try_recv();
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers.drain(..) {
            // A panic was reported by the worker's alarm.
            let _ = worker.join();
        }
        // The splitter may be blocked in reading a stream, which nothing can interrupt: it ends with the next byte.
        if let Some(splitter) = self.splitter.take().filter(JoinHandle::is_finished) {
            let _ = splitter.join();
        }
    }
}

/// Tells the caller's thread if the thread that holds it panics.
struct Alarm(SyncSender<Message>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.try_send(Message::Broken);
        }
    }
}

impl Splitting {
    fn run(self) {
        let alarm = Alarm(self.messages.clone());
        let messages = self.messages.clone();
        // A failed send means that nobody listens any more.
        let _ = match self.split() {
            Ok(chunks) => messages.send(Message::End(chunks)),
            Err(Some(message)) => messages.send(message),
            Err(None) => Ok(()),
        };
        drop(alarm);
    }

    /// Splits all of it; `Err(None)` if nobody wants the rest.
    fn split(self) -> Result<u64, Option<Message>> {
        let mut index = 0;
        let (permits, work) = (self.permits, self.work);
        let mut send = |load: Load| {
            permits.send(()).map_err(|_| None)?;
            work.send(Work { index, load }).map_err(|_| None)?;
            index += 1;
            Ok::<(), Option<Message>>(())
        };
        match self.input {
            Input::Text { mut opened, format, mapping } => {
                let unreadable = |message: String| Some(Message::Unreadable(message));
                if mapping.is_none() && opened.is_table().map_err(|e| unreadable(e.to_string()))? {
                    let table = Table::stream(opened).map_err(|e| unreadable(e.to_string()))?;
                    split_table(table, &mut send)?;
                    return Ok(index);
                }
                if format.is_table() {
                    let name = format.name();
                    return Err(unreadable(format!(
                        "it does not begin as {name} does; of a stream only an Arrow IPC stream is read, so name a file"
                    )));
                }
                split_text(opened, format, mapping, &self.file, &self.stop, &mut send)?;
            }
            Input::Table(table) => split_table(table, &mut send)?,
        }
        Ok(index)
    }
}

fn split_text(
    opened: Opened,
    format: Format,
    mapping: Option<Mapping>,
    file: &Arc<str>,
    stop: &AtomicBool,
    send: &mut HandOn<'_>,
) -> Result<(), Option<Message>> {
    let unreadable = |e: std::io::Error| Some(Message::Unreadable(e.to_string()));
    let mut input = opened.decoded().map_err(unreadable)?;
    let is_otlp = format == Format::Jsonl && mapping.is_none() && peek(&mut input, otlp::begins);
    let format = if is_otlp { Format::Otlp } else { format };
    let mut splitter = Splitter::new(input, format, stop);
    let stopped = |stop: Stop| match stop {
        Stop::Unreadable(message) => Some(Message::Unreadable(message)),
        Stop::Cancelled => None,
    };
    let reader = if format == Format::Csv {
        let head = splitter.single().map_err(stopped)?;
        if let Some(fault) = head.faults.first() {
            return Err(Some(Message::Unreadable(format!("the header cannot be read: {}", fault.message))));
        }
        let Some(reader) = under_header(file, mapping, &head).map_err(|e| Some(Message::Mapping(e)))? else {
            return Ok(());
        };
        reader
    } else {
        let own = if format == Format::Otlp { Reader::Otlp } else { Reader::Own };
        mapping.map_or(own, Reader::Mapped)
    };
    let reader = Arc::new(reader);
    while let Some(chunk) = splitter.chunk().map_err(stopped)? {
        send(Load::Text(chunk, Arc::clone(&reader)))?;
    }
    Ok(())
}

/// Looks at the first bytes. An error is kept for whoever reads on.
fn peek(input: &mut Box<dyn BufRead + Send>, looks: impl FnOnce(&[u8]) -> bool) -> bool {
    match input.fill_buf().map(looks) {
        Ok(answer) => answer,
        Err(error) => {
            *input = Box::new(BufReader::new(Failed(Some(error))));
            false
        }
    }
}

/// What is left of an input that failed.
struct Failed(Option<io::Error>);

impl io::Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

fn split_table(mut table: Table, send: &mut HandOn<'_>) -> Result<(), Option<Message>> {
    let mut first = 1;
    loop {
        match table.rows() {
            Ok(Some(rows)) => {
                let next = first + rows.len() as u64;
                send(Load::Rows(Box::new(rows), first))?;
                first = next;
            }
            Ok(None) => return Ok(()),
            Err(ColumnarError::Damaged(problem)) => {
                let message = format!("the file is damaged from here on: {problem}; fetch or export it again");
                return send(Load::Broken(Fault::at(first, message)));
            }
            Err(error) => return Err(Some(Message::Unreadable(error.to_string()))),
        }
    }
}

/// The reader of the records under a header; `None` if there is no header.
fn under_header(file: &Arc<str>, mapping: Option<Mapping>, head: &Chunk) -> Result<Option<Reader>, MappingError> {
    let Some(record) = head.records.first() else { return Ok(None) };
    let refused = |message: String| MappingError {
        file: Arc::clone(file),
        line: usize::try_from(record.line).unwrap_or(usize::MAX),
        column: 1,
        message,
    };
    let bytes = head.bytes.get(record.span.clone()).unwrap_or_default();
    let text = std::str::from_utf8(bytes).map_err(|_| refused("the header is not UTF-8".to_owned()))?;
    let names: Vec<String> = csv::fields(text).iter().map(|name| name.trim().to_owned()).collect();
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            return Err(refused(format!("the column `{name}` occurs twice; give every column a name of its own")));
        }
    }
    let (mapping, parts) = match mapping {
        Some(mapping) => (mapping, Parts::default()),
        None => {
            let (parts, others) = Parts::of_header(&names);
            (Mapping::of_header(file, &others)?, parts)
        }
    };
    let columns = mapping.columns(&names)?;
    Ok(Some(Reader::Columns { mapping, columns, parts, width: names.len() }))
}

fn parse_chunks(work: &Mutex<Receiver<Work>>, messages: SyncSender<Message>, stop: &AtomicBool, purpose: Purpose) {
    let alarm = Alarm(messages);
    let mut featuriser = Featuriser::default();
    while !stop.load(Ordering::Relaxed) {
        // The queue is valid whatever happened to the thread that held it.
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(LOOK_UP);
        let work = match next {
            Ok(work) => work,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let parsed = parse(work.load, &mut featuriser, stop, purpose);
        if alarm.0.send(Message::Chunk(work.index, parsed)).is_err() {
            return;
        }
    }
}

fn parse(load: Load, featuriser: &mut Featuriser, stop: &AtomicBool, purpose: Purpose) -> Parsed {
    let mut parsed = Parsed::default();
    let mut take = |read: Result<Read, Fault>, parsed: &mut Parsed| match read {
        Err(fault) => parsed.faults.push(fault),
        Ok(read) => {
            parsed.good += 1;
            if purpose == Purpose::Import {
                let featured = featuriser.feature(read);
                parsed.appends.push(Append::from(Record::Session(Box::new(featured))));
            }
        }
    };
    match load {
        Load::Text(chunk, reader) => {
            (parsed.faults, parsed.incomplete) = (chunk.faults, chunk.incomplete);
            for record in chunk.records.iter().take_while(|_| !stop.load(Ordering::Relaxed)) {
                let bytes = chunk.bytes.get(record.span.clone()).unwrap_or_default();
                let passed_over = reader.each(record.line, bytes, |read| take(read, &mut parsed));
                parsed.passed_over += passed_over;
            }
        }
        Load::Rows(rows, first) => {
            let numbered = (first..).zip(0..rows.len());
            for (line, i) in numbered.take_while(|_| !stop.load(Ordering::Relaxed)) {
                take(table::read(&rows, line, i), &mut parsed);
            }
        }
        Load::Broken(fault) => (parsed.faults, parsed.incomplete) = (vec![fault], true),
    }
    parsed.faults.sort_by_key(|fault: &error::Fault| fault.line);
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panics_is_noticed() {
        let (sender, messages) = sync_channel(1);
        let thread = std::thread::spawn(move || {
            let _alarm = Alarm(sender);
            panic!("as a thread of an import might");
        });
        assert!(matches!(messages.recv_timeout(Duration::from_secs(10)), Ok(Message::Broken)));
        assert!(thread.join().is_err());
    }
}
