//! `souffleur erase`: sessions, and everything made from them, for good.

use clap::Args;
use serde_json::Value;

use super::connect::Connect;
use super::console::{Console, count, duration};
use super::exit::{Failure, Outcome};
use super::global::Global;
use super::interrupt::Interrupt;

const EXAMPLES: &str = "\
Goes: the sessions, what was applied in them, opinions on them; documents and reports that quote them; the models made from \
them, directly or through another model, and those models' reports. Components whose live model goes are trained anew \
(setting registry.retrain_erased). Exports and backups made before are not touched.

Examples:
  souffleur erase s-1 s-2 --dry-run
  souffleur erase s-1 --data-dir data
  souffleur erase s-1 --url http://127.0.0.1:7070 --json

Exit codes: 0 erased, 1 failed, 2 unknown session, 4 busy or out of time.";

/// Erase sessions and everything made from them, or show what that would touch
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EraseArgs {
    /// The sessions
    #[arg(value_name = "SESSION_ID", required = true)]
    sessions: Vec<String>,
    /// Only show what would be touched
    #[arg(long)]
    dry_run: bool,
    /// Leave the room they took in the file until it is used again: faster, but pieces can still be found in it
    #[arg(long)]
    no_compact: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

impl EraseArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        let backend = self.connect.open(global, interrupt)?;
        let report = match self.dry_run {
            true => backend.traces(&self.sessions),
            false => backend.erase(&self.sessions, !self.no_compact),
        };
        backend.close()?;
        let report = report?;
        if self.json {
            console.json(&report)?;
        } else {
            self.print(console, &report)?;
        }
        let unknown: Vec<&str> = report["unknown"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(Failure::usage(format!("there is no session {}", unknown.join(", "))))
    }

    fn print(&self, console: &Console, report: &Value) -> Outcome {
        let number = |key: &str| count(report[key].as_u64().unwrap_or(0));
        let many = |key: &str| count(report[key].as_array().map_or(0, Vec::len) as u64);
        let ms = |key: &str| duration(report[key].as_f64().unwrap_or(0.0));
        let verb = if self.dry_run { "would be erased" } else { "erased" };
        console.line(format_args!(
            "{verb}: {} sessions, {} rows, {} documents, {} reports, {} models, in {} ({} lineages and {} documents read)",
            number("sessions"),
            number("rows"),
            many("documents"),
            many("reports"),
            many("models"),
            ms("erase_ms"),
            number("lineages_read"),
            number("documents_read"),
        ))?;
        let mut table = console.columns(&["model", "component", "tie", "rows", "live"]);
        for model in report["models"].as_array().into_iter().flatten() {
            let text = |key: &str| model[key].as_str().map_or_else(|| model[key].to_string(), str::to_owned);
            table.add_row(["model_id", "component", "tie", "rows", "live"].map(text));
        }
        if report["models"].as_array().is_some_and(|models| !models.is_empty()) {
            console.table(&table)?;
        }
        if self.dry_run || report["erasure"].is_null() {
            return Ok(());
        }
        console.line(format_args!("nothing served holds them any more: {}", ms("forget_ms")))?;
        if let Some(why) = report["answers"].as_str() {
            console.line(format_args!("answers in Redis that quote them may stay until they are too old: {why}"))?;
        }
        match (report["compacted"] == true, report["remark"].as_str()) {
            (true, _) => console.line(format_args!("the database was rewritten in {}", ms("compact_ms")))?,
            (false, Some(remark)) => console.line(format_args!("the database was not rewritten: {remark}"))?,
            (false, None) => console.line("the database was not rewritten: pieces may be found in its file")?,
        }
        for trained in report["retrained"].as_array().into_iter().flatten() {
            let component = trained["component"].as_str().unwrap_or("-");
            match (trained["model_id"].as_str(), trained["error"].as_str()) {
                (Some(model), _) => console.line(format_args!("{component} trained anew: {model}"))?,
                (None, error) => {
                    console.line(format_args!("{component} could not be trained anew: {}", error.unwrap_or("-")))?;
                }
            }
        }
        Ok(())
    }
}
