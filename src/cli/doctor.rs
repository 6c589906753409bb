//! `souffleur doctor`: what stands in the way of a hub, before it does.

use clap::Args;
use serde::Serialize;

use super::connect::DataDir;
use super::console::{Console, Tone};
use super::exit::{Failure, Outcome};
use super::global::Global;

mod database;
mod directory;

const EXAMPLES: &str = "\
Looked at: settings, versions, the data directory and its permissions, free space, who holds the directory, leftovers of \
a restore that was killed, the database's layout, every page of it, and every model: one whose content is not what its name \
says, or that its component cannot read, is told by name. On PostgreSQL: whether the server answers, its version, layout and \
models. Nothing is made, migrated or written but an empty file that is removed at once; a daemon may be at work.

Examples:
  souffleur doctor
  souffleur doctor --data-dir data --json | jq '.[] | select(.state != \"ok\")'

Exit codes: 0 nothing failed (warnings included), 1 it could not be looked, 3 something failed.";

/// Look for what stands in the way: settings, disk, permissions, versions, locks, damage
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataDir,
}

/// How one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warning,
    Failed,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Diagnosis {
    check: &'static str,
    state: State,
    /// What is so.
    says: String,
    /// What to do about it.
    advice: Option<String>,
}

impl Diagnosis {
    fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, state: State::Ok, says: says.into(), advice: None }
    }

    fn warning(check: &'static str, says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Warning, says: says.into(), advice: Some(advice.into()) }
    }

    fn failed(check: &'static str, says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Failed, says: says.into(), advice: Some(advice.into()) }
    }
}

impl DoctorArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console) -> Outcome {
        let found = self.look(global);
        if self.json {
            console.json(&found)?;
        } else {
            print(console, &found)?;
        }
        match found.iter().filter(|diagnosis| diagnosis.state == State::Failed).count() {
            0 => Ok(()),
            1 => Err(Failure::missed("one check failed")),
            failed => Err(Failure::missed(format!("{failed} checks failed"))),
        }
    }

    fn look(&self, global: &Global) -> Vec<Diagnosis> {
        let version = format!("souffleur {}", env!("CARGO_PKG_VERSION"));
        let mut found = vec![Diagnosis::ok("program", version)];
        let settings = match global.settings(&[self.data.setting()]) {
            Ok(settings) => settings,
            Err(refused) => {
                found.push(Diagnosis::failed(
                    "settings",
                    refused.to_string(),
                    "correct them; see `souffleur config check`",
                ));
                return found;
            }
        };
        found.push(Diagnosis::ok("settings", "read and in range"));
        match settings.store.url.reveal() {
            Some(url) => found.extend(database::server(url, &settings)),
            None => {
                found.extend(directory::look(&settings.data.dir));
                found.extend(database::file(&settings.data.dir));
            }
        }
        found
    }
}

fn print(console: &Console, found: &[Diagnosis]) -> Outcome {
    let mut table = console.columns(&["check", "state", "what"]);
    for diagnosis in found {
        let (state, tone) = match diagnosis.state {
            State::Ok => ("ok", Tone::Good),
            State::Warning => ("warning", Tone::Doubtful),
            State::Failed => ("failed", Tone::Bad),
        };
        let says = match &diagnosis.advice {
            Some(advice) => format!("{}; {advice}", diagnosis.says),
            None => diagnosis.says.clone(),
        };
        table.add_row([
            console.cell(diagnosis.check, Tone::Plain),
            console.cell(state, tone),
            console.cell(says, Tone::Plain),
        ]);
    }
    console.table(&table)
}
