//! `souffleur export`: the hub's sessions as a file other programs read.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use souffleur_core::job::Job;
use souffleur_core::store::StoreError;
use souffleur_export::{Export, ExportError, ExportFormat, ExportProgress, Shape, StorePages, Written};

use super::connect::DataDir;
use super::console::{Console, count, duration};
use super::exit::{Failure, Outcome, about};
use super::global::Global;
use super::interrupt::Interrupt;
use super::lock::DirectoryLock;
use super::logging;
use crate::app;

const EXAMPLES: &str = "\
Every session is a row, real ones and made-up ones, with its rules, its feedback and its tags; `souffleur import` reads the file back to equal \
sessions. It is of the moment the command starts, and appears under its name only when it is complete. A table carries a checksum; that \
of CSV and JSON lines stands beside the file, under its name with .xxh128 behind it. An import checks it first.

Examples:
  souffleur export history.parquet
  souffleur export history.jsonl.gz --data-dir data
  souffleur export history.data --format arrow --json
  souffleur export - --format csv | head -3
  duckdb -c \"SELECT domain, avg(quality_score) FROM 'history.parquet' GROUP BY domain\"

Exit codes: 0 exported, 1 the store or the disk failed, 2 the name does not say how to write it, 4 busy.";

/// Export all sessions to Parquet, Arrow IPC, CSV or JSON lines
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExportArgs {
    /// The file; `-` is stdout
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// How it is written; auto goes by the name: .parquet, .arrow, .arrows, .csv, .jsonl, the last two also with .gz
    #[arg(long, value_enum, default_value_t = FormatChoice::Auto)]
    format: FormatChoice,
    /// Print one JSON object: how many sessions and bytes were written
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataDir,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatChoice {
    Auto,
    Parquet,
    Arrow,
    ArrowStream,
    Csv,
    Jsonl,
}

impl ExportArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        let format = self.format()?;
        let settings = global.settings(&[self.data.setting()])?;
        logging::command(&settings.telemetry, global)?;
        let lock = DirectoryLock::where_needed(&settings)?;
        let store = app::open_store(&settings)?;
        let counts = store.counts()?;
        let sessions = counts.sessions + counts.training_prompts;
        let export = Export::new(StorePages::now(store.clone())?, format, Some(sessions));
        let job = Job::new(app::clock(), 0);
        let token = job.cancel_token();
        interrupt.on_first(move || token.cancel());
        let clock = app::clock();
        let began = clock.monotonic();
        let bar = console.progress(sessions, "exporting");
        let report = |progress: &ExportProgress| bar.set_position(progress.sessions);
        let written = if self.to_stdout() {
            to_stdout(export, &job, report)
        } else {
            export.to_path(&self.path, &job, report).map(Some).map_err(|error| refused(error, &self.path))
        };
        bar.finish_and_clear();
        store.close();
        drop(lock);
        let Some(Written { sessions, bytes }) = written? else { return Ok(()) };
        let took = clock.monotonic().saturating_sub(began);
        let per_s = sessions as f64 / took.as_secs_f64().max(1e-6);
        if self.json {
            return console.json(&json!({
                "path": self.path.display().to_string(), "sessions": sessions, "bytes": bytes,
                "duration_ms": took.as_millis() as u64, "per_s": per_s.round(),
            }));
        }
        console.line(format_args!(
            "exported {} sessions to {}, {} bytes ({}, {} per second)",
            count(sessions),
            self.path.display(),
            count(bytes),
            duration(took.as_secs_f64() * 1000.0),
            count(per_s as u64),
        ))
    }

    fn to_stdout(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    fn format(&self) -> Outcome<ExportFormat> {
        let named = ExportFormat::of_path(&self.path);
        let shape = match self.format {
            FormatChoice::Auto => {
                let unknown = || {
                    Failure::usage(format!(
                        "{}: the name does not say how to write it; call it .parquet, .arrow, .csv or .jsonl, or give --format",
                        self.path.display()
                    ))
                };
                return named.ok_or_else(unknown);
            }
            FormatChoice::Parquet => Shape::Parquet,
            FormatChoice::Arrow => Shape::Arrow,
            FormatChoice::ArrowStream => Shape::ArrowStream,
            FormatChoice::Csv => Shape::Csv,
            FormatChoice::Jsonl => Shape::Jsonl,
        };
        let gzip = shape.columnar().is_none() && self.path.extension().is_some_and(|extension| extension == "gz");
        Ok(ExportFormat { shape, gzip })
    }
}

/// Writes to stdout; nothing else is said there.
fn to_stdout(export: Export<StorePages>, job: &Job, report: impl FnMut(&ExportProgress)) -> Outcome<Option<Written>> {
    let out = BufWriter::new(std::io::stdout());
    let (mut out, _) = export.to_stream(out, job, report).map_err(|error| refused(error, Path::new("stdout")))?;
    out.flush()?;
    Ok(None)
}

fn refused(error: ExportError<StoreError>, path: &Path) -> Failure {
    match error {
        ExportError::Source(error) => error.into(),
        ExportError::Io(error) => about(path)(error),
        ExportError::Interrupted(_) => Failure::interrupted(),
        ExportError::Table(error) => Failure::failed(error.to_string()).at(path.display()),
    }
}
