//! `souffleur import`: somebody's prompt history becomes ours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use souffleur_core::job::Job;
use souffleur_import::{
    Format, ImportError, ImportProgress, ImportSettings, Importer, LineError, Mapping, OnError, Source,
};

use super::connect::Connect;
use super::console::{Console, count, duration};
use super::exit::{Failure, Outcome};
use super::global::Global;
use super::intake::{Intake, Taken};
use super::interrupt::Interrupt;
use crate::app;

/// Mappings that are part of the program, by name.
const SHIPPED: [(&str, &str); 1] =
    [("alpaca_thoughtsource", include_str!("../../config/mappings/alpaca_thoughtsource.toml"))];

/// Bad lines that are shown.
const ERRORS_SHOWN: usize = 10;

const EXAMPLES: &str = "\
Every session has a name; a file without names gets names that follow from its content. So the same file twice adds nothing. \
A mapping says how the fields of another history become ours; a NAME is looked up as mappings/NAME.toml in the data directory, then among those that come with the program (alpaca_thoughtsource).

Parquet and Arrow IPC files have the columns of `souffleur export`, all but original_prompt optional. A file that carries a checksum, or has one beside it (NAME.xxh128), is checked before anything of it is kept. Spans of OpenTelemetry (OTLP/JSON) that ask a model \
something (gen_ai.*) are sessions; all others are passed over and counted.

Examples:
  souffleur import history.jsonl.gz
  souffleur import history.parquet
  souffleur import traces.json --format otlp
  souffleur import traces.csv --mapping traces.toml --on-error abort
  souffleur import *.jsonl.gz --url http://127.0.0.1:7070 --json
  souffleur simulate --sessions 1000 | souffleur import -

Exit codes: 0 imported (bad lines are counted and shown), 1 a file broke off or the store failed, 2 a file or a mapping was \
refused, nothing in a file was right, a damaged file, or a bad line with --on-error abort, 4 busy.";

/// Import prompt histories: JSON lines, CSV, Parquet, Arrow IPC, OpenTelemetry spans
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImportArgs {
    /// The files, or `-` for stdin
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// How their fields become ours
    #[arg(long, value_name = "FILE|NAME")]
    mapping: Option<String>,
    /// What a bad line does: leave it out, or refuse the whole file
    #[arg(long, value_enum, default_value_t = OnErrorChoice::Skip)]
    on_error: OnErrorChoice,
    /// How the files are written; auto goes by the name, and by the first bytes of Parquet and Arrow IPC
    #[arg(long, value_enum, default_value_t = FormatChoice::Auto)]
    format: FormatChoice,
    /// Print one JSON object: what was read, added, already there and bad
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnErrorChoice {
    Skip,
    Abort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatChoice {
    Auto,
    Jsonl,
    Csv,
    Parquet,
    Arrow,
    Otlp,
}

/// What became of one file.
#[derive(Debug, Default)]
struct Imported {
    file: String,
    read: u64,
    taken: Taken,
    bad: u64,
    passed_over: u64,
    errors: Vec<LineError>,
    incomplete: bool,
}

impl ImportArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        let mapping = self.mapping(global)?;
        let intake = self.connect.intake(global)?;
        let clock = app::clock();
        let began = clock.monotonic();
        let mut imported = Vec::new();
        let mut outcome = Ok(());
        for file in &self.files {
            let job = Job::new(app::clock(), 0);
            let token = job.cancel_token();
            interrupt.on_first(move || token.cancel());
            outcome = self.import(file, mapping.clone(), &intake, &job, console, interrupt, &mut imported);
            if outcome.is_err() {
                break;
            }
        }
        intake.close();
        let took = clock.monotonic().saturating_sub(began);
        if self.json {
            console.json(&document(&imported, took))?;
        } else {
            print(console, &imported, took)?;
        }
        outcome?;
        if let Some(useless) = imported.iter().find(|imported| imported.read > 0 && imported.bad == imported.read) {
            return Err(Failure::usage(format!("{}: none of its {} records is right", useless.file, useless.read)));
        }
        match imported.iter().find(|imported| imported.incomplete) {
            Some(broken) => {
                Err(Failure::failed(format!("{}: breaks off before its end; what came before was kept", broken.file)))
            }
            None => Ok(()),
        }
    }

    /// Imports one file; what was kept is noted even if it ends badly.
    #[expect(clippy::too_many_arguments, reason = "one call, and each of them is something else")]
    fn import(
        &self,
        file: &Path,
        mapping: Option<Mapping>,
        intake: &Intake,
        job: &Job,
        console: &Console,
        interrupt: &Interrupt,
        imported: &mut Vec<Imported>,
    ) -> Outcome {
        let mut entry = Imported { file: file.display().to_string(), ..Imported::default() };
        let on_error = match self.on_error {
            OnErrorChoice::Skip => OnError::Skip,
            OnErrorChoice::Abort => OnError::Abort,
        };
        let settings = ImportSettings { on_error, ..ImportSettings::default() };
        let bar = console.progress(0, &entry.file);
        let taken = &mut entry.taken;
        let sink = |batch| {
            let Taken { added, already_there } = intake.take(batch, interrupt)?;
            taken.added += added;
            taken.already_there += already_there;
            Ok::<(), Failure>(())
        };
        let mut seen = ImportProgress::default();
        let report = |progress: &ImportProgress| {
            seen = *progress;
            bar.set_position(progress.records);
        };
        let result = Importer::new(self.source(file), mapping, settings).run(job, sink, report);
        bar.finish_and_clear();
        (entry.read, entry.bad, entry.passed_over) = (seen.records, seen.errors, seen.passed_over);
        let outcome = result.map(|summary| {
            (entry.read, entry.bad) = (summary.progress.records, summary.progress.errors);
            entry.passed_over = summary.progress.passed_over;
            entry.errors = summary.errors;
            entry.incomplete = summary.incomplete;
        });
        imported.push(entry);
        outcome.map_err(Failure::from)
    }

    fn source(&self, file: &Path) -> Source {
        let source =
            if file.as_os_str() == "-" { Source::stream("stdin", std::io::stdin()) } else { Source::path(file) };
        match self.format {
            FormatChoice::Auto => source,
            FormatChoice::Jsonl => source.with_format(Format::Jsonl),
            FormatChoice::Csv => source.with_format(Format::Csv),
            FormatChoice::Parquet => source.with_format(Format::Parquet),
            FormatChoice::Arrow => source.with_format(Format::Arrow),
            FormatChoice::Otlp => source.with_format(Format::Otlp),
        }
    }

    fn mapping(&self, global: &Global) -> Outcome<Option<Mapping>> {
        let Some(given) = &self.mapping else { return Ok(None) };
        let mut path = PathBuf::from(given);
        let is_name = given.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if is_name && !path.exists() {
            let settings = global.settings(&[self.connect.data.setting()])?;
            path = settings.data.dir.join("mappings").join(format!("{given}.toml"));
            if let Some((_, text)) = SHIPPED.iter().find(|(name, _)| name == given && !path.exists()) {
                return Mapping::parse(given.as_str(), text).map(Some).map_err(|e| Failure::usage(e.to_string()));
            }
        }
        Mapping::read(path).map(Some).map_err(|error| Failure::usage(error.to_string()))
    }
}

impl From<ImportError<Failure>> for Failure {
    fn from(error: ImportError<Failure>) -> Self {
        match error {
            ImportError::Sink(failure) => failure,
            ImportError::Interrupted(_) => Self::interrupted(),
            ImportError::Broken(_) => Self::failed(error.to_string()),
            ImportError::Unreadable { .. }
            | ImportError::Damaged { .. }
            | ImportError::BadLine(_)
            | ImportError::Mapping(_) => Self::usage(error.to_string()),
        }
    }
}

fn per_second(n: u64, took: Duration) -> f64 {
    n as f64 / took.as_secs_f64().max(1e-6)
}

fn totals(imported: &[Imported]) -> (u64, Taken, u64) {
    imported.iter().fold((0, Taken::default(), 0), |(read, taken, bad), one| {
        let added = taken.added + one.taken.added;
        let already_there = taken.already_there + one.taken.already_there;
        (read + one.read, Taken { added, already_there }, bad + one.bad)
    })
}

fn document(imported: &[Imported], took: Duration) -> Value {
    let file = |one: &Imported| {
        json!({
            "file": one.file, "read": one.read, "added": one.taken.added, "already_there": one.taken.already_there,
            "bad": one.bad, "passed_over": one.passed_over, "incomplete": one.incomplete, "errors": one.errors,
        })
    };
    let (read, taken, bad) = totals(imported);
    json!({
        "read": read, "added": taken.added, "already_there": taken.already_there, "bad": bad,
        "duration_ms": took.as_millis() as u64, "per_s": per_second(read, took).round(),
        "files": imported.iter().map(file).collect::<Vec<_>>(),
    })
}

fn print(console: &Console, imported: &[Imported], took: Duration) -> Outcome {
    for error in imported.iter().flat_map(|one| &one.errors).take(ERRORS_SHOWN) {
        console.remark(format_args!("{error}"));
    }
    let passed_over: u64 = imported.iter().map(|one| one.passed_over).sum();
    if passed_over > 0 {
        console.remark(format_args!(
            "passed over {} spans that ask no model anything, or do not tell what",
            count(passed_over)
        ));
    }
    let (read, taken, bad) = totals(imported);
    console.line(format_args!(
        "read {}, added {}, already there {}, bad {} ({}, {} per second)",
        count(read),
        count(taken.added),
        count(taken.already_there),
        count(bad),
        duration(took.as_secs_f64() * 1000.0),
        count(per_second(read, took) as u64),
    ))
}
