//! `souffleur demo`: everything once, on a machine that has never seen us.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;
use souffleur_simulator::{Simulation, SimulationSettings};

use super::backend::Backend;
use super::connect::DataDir;
use super::console::{Console, count};
use super::embedded::Embedded;
use super::exit::{Failure, Outcome};
use super::global::Global;
use super::interrupt::Interrupt;
use super::serve::{Listen, serve};
use super::{health, logging, train};
use crate::app;

/// Sessions recorded at a time.
const CHUNK: usize = 500;

const EXAMPLES: &str = "\
Simulates a team's prompt history, starts every component, trains them on it, shows what was learnt and asks one question; \
then serves until Ctrl-C. Without --data-dir everything happens in a temporary directory that is removed at the end.

Examples:
  souffleur demo
  souffleur demo --sessions 20000 --seed 7 --data-dir demo-data
  souffleur demo --exit --port 0

Exit codes: 0 shown, 1 something failed, 2 refused input, 4 the data directory is in use.";

/// Simulate a history, learn from it, show what was learnt, and serve
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DemoArgs {
    /// How many sessions to simulate
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    sessions: u64,
    /// What the simulation is drawn from
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Stop after the demonstration instead of serving; without --port any free port will do
    #[arg(long)]
    exit: bool,
    #[command(flatten)]
    data: DataDir,
    #[command(flatten)]
    listen: Listen,
}

impl DemoArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        let temporary = if self.data.is_given() { None } else { Some(TemporaryDirectory::make()?) };
        let [bind, port] = self.listen.settings();
        let mut settings = global.settings(&[self.data.setting(), bind, port])?;
        if self.exit && !self.listen.names_a_port() {
            // Who only looks must not fail because a daemon runs beside.
            settings.http.port = 0;
        }
        if let Some(directory) = &temporary {
            settings.data.dir = directory.path().to_path_buf();
        }
        logging::command(&settings.telemetry, global)?;
        let embedded = Embedded::start(&settings, interrupt)?;
        let shown = self.show(&embedded, console, interrupt);
        if shown.is_err() {
            embedded.close()?;
            return shown;
        }
        console.line("\nThe API:")?;
        if self.exit {
            return serve(&embedded, &settings, console, std::future::ready(()));
        }
        serve(&embedded, &settings, console, interrupt.raised())
    }

    fn show(&self, embedded: &Embedded, console: &Console, interrupt: &Interrupt) -> Outcome {
        let clock = app::clock();
        let began = clock.monotonic();
        let added = self.record(embedded, console, interrupt)?;
        let took = clock.monotonic().saturating_sub(began);
        console.line(format_args!(
            "Recorded {} simulated sessions in {:.1} s ({} were there already).",
            count(added),
            took.as_secs_f64(),
            count(self.sessions - added)
        ))?;
        console.line("\nTraining every component, producers first:")?;
        console.flush()?;
        let trained = train::train(embedded, &[], console, interrupt)?;
        train::print(console, &trained)?;
        console.line("\nHealth, by questions whose answers are known:")?;
        health::print(console, &embedded.health()?)?;
        console.line("\nWhat was learnt:")?;
        for one in &trained {
            let Ok(outcome) = &one.outcome else { continue };
            for sentence in outcome["report"]["summary"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                console.line(format_args!("  {}: {sentence}", one.component))?;
            }
        }
        self.ask(embedded, console)?;
        interrupt.check()?;
        console.flush()?;
        train::verdict(trained)
    }

    /// Simulates and records; gives how many sessions are new.
    fn record(&self, embedded: &Embedded, console: &Console, interrupt: &Interrupt) -> Outcome<u64> {
        let settings = SimulationSettings { sessions: self.sessions, seed: self.seed, ..SimulationSettings::default() };
        let simulation = Simulation::new(settings).map_err(|invalid| Failure::usage(invalid.to_string()))?;
        let mut sessions = simulation.map(|simulated| simulated.session);
        let bar = console.progress(self.sessions, "recording");
        let mut added = 0;
        loop {
            interrupt.check()?;
            let chunk: Vec<_> = sessions.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                break;
            }
            bar.inc(chunk.len() as u64);
            let receipts = embedded.wait(embedded.runtime().ingest(chunk))?;
            added += receipts.iter().filter(|receipt| !receipt.duplicate).count() as u64;
        }
        bar.finish_and_clear();
        Ok(added)
    }

    /// Asks the first trained component its example question.
    fn ask(&self, embedded: &Embedded, console: &Console) -> Outcome {
        let runtime = embedded.runtime();
        let trained = |name: &str| runtime.component_health(name).is_some_and(|health| health.trained);
        let Some(entry) = runtime.components().iter().find(|entry| trained(&entry.name)) else { return Ok(()) };
        let (_, question) = entry.runner.example().map_err(|error| Failure::failed(error.to_string()))?;
        console.line(format_args!("\nA question to {}:", entry.name))?;
        console.line(format_args!("  souffleur query {} '{question}'", entry.name))?;
        let answer = embedded.query(&entry.name, question)?;
        for (name, value) in answer.as_object().into_iter().flatten() {
            match value.as_array() {
                Some(list) => {
                    let first = list.first().map(|first| format!(", the first: {first}")).unwrap_or_default();
                    console.line(format_args!("  {name}: {} of them{first}", list.len()))?;
                }
                None => console.line(format_args!("  {name}: {value}"))?,
            }
        }
        Ok(())
    }
}

/// A directory of one's own that is removed at the end.
struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    fn make() -> Outcome<Self> {
        let path = std::env::temp_dir().join(format!("souffleur-demo-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&path).map_err(super::exit::about(&path))?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        // It lies where temporary things lie; that it cannot be removed harms nobody.
        let _ = std::fs::remove_dir_all(self.path());
    }
}
