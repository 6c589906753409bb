//! `souffleur batch`: the data as a component would get it.

use clap::{Args, ValueEnum};
use souffleur_core::document::DocumentKind;
use souffleur_core::query::{Query, View};

use super::backend::BatchFormat;
use super::connect::Connect;
use super::console::Console;
use super::exit::{Failure, Outcome};
use super::global::Global;
use super::interrupt::Interrupt;
use super::selection;
use crate::app;

const EXAMPLES: &str = "\
The question to the data is the component's own, under the settings given here; --view asks for other rows instead. \
--size takes the newest rows. A value that is not known is null in JSON and empty in CSV. The rules that --rules asks for \
are a list at the end of each row, in CSV their names joined by `+`. Arrow is an Arrow IPC stream.

Examples:
  souffleur batch failure_analyzer --size 100
  souffleur batch failure_analyzer --size 1000 --format csv > rows.csv
  souffleur batch failure_analyzer --size 1000 --format arrow > rows.arrows
  souffleur batch failure_analyzer --view sessions --rules --format csv
  souffleur batch failure_analyzer --view applications --url http://127.0.0.1:7070 | jq .quality

Exit codes: 0 written, 1 failed, 2 unknown component or refused question, 4 busy or out of time.";

/// Print the data a component would be trained on
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BatchArgs {
    /// The component
    component: String,
    /// At most this many rows, the newest
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    size: usize,
    /// What one row is: sessions, applications, metrics, or a kind of documents (results, patterns, insights ...)
    #[arg(long, value_name = "VIEW", value_parser = view)]
    view: Option<View>,
    /// With each session the rules that were applied in it
    #[arg(long)]
    rules: bool,
    /// How it is written
    #[arg(long, value_enum, default_value_t = FormatChoice::Json)]
    format: FormatChoice,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatChoice {
    Json,
    Csv,
    Arrow,
}

/// The view of this name.
fn view(name: &str) -> Result<View, String> {
    let documents = DocumentKind::ALL.into_iter().map(|kind| (kind.table(), View::Documents(kind)));
    let named = [("sessions", View::Sessions), ("applications", View::Applications), ("metrics", View::Metrics)];
    let all: Vec<(&str, View)> = named.into_iter().chain(documents).collect();
    match all.iter().find(|(known, _)| *known == name) {
        Some((_, view)) => Ok(*view),
        None => Err(format!("write one of {}", all.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", "))),
    }
}

impl BatchArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        let query = self.query(global)?;
        let format = match self.format {
            FormatChoice::Json => BatchFormat::Json,
            FormatChoice::Csv => BatchFormat::Csv,
            FormatChoice::Arrow => BatchFormat::Arrow,
        };
        let backend = self.connect.open(global, interrupt)?;
        let written = backend.batch(&query, format);
        backend.close()?;
        console.bytes(&written?)?;
        if format == BatchFormat::Json { console.line("") } else { Ok(()) }
    }

    /// The component's own question, with the size, view and rules asked for.
    fn query(&self, global: &Global) -> Outcome<Query> {
        let settings = global.settings(&[self.connect.data.setting()])?;
        let entries = selection::pick(app::catalogue(), std::slice::from_ref(&self.component))?;
        let mut query = Query::default();
        for entry in &entries {
            let section = settings.components.get(entry.name.as_ref()).cloned().unwrap_or_default();
            let own = entry.runner.params(&section).and_then(|params| entry.runner.query(&params));
            query = own.map_err(|error| Failure::failed(error.to_string()))?;
        }
        query.limit = Some(self.size);
        if let Some(view) = self.view {
            query.view = view;
            // What the component asks of sessions is no question to other rows.
            query.session_rules &= view == View::Sessions;
        }
        query.session_rules |= self.rules;
        query.validate().map_err(|invalid| Failure::usage(invalid.to_string()))?;
        Ok(query)
    }
}
