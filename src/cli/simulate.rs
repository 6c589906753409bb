//! `souffleur simulate`: a prompt history whose truth is known, as a file to import.

use std::path::{Path, PathBuf};

use clap::Args;
use souffleur_simulator::{Simulation, SimulationSettings};

use super::console::{Console, count};
use super::exit::{Failure, Outcome};
use super::interrupt::Interrupt;
use super::sink::Sink;

/// Sessions between two looks at the clock, the signals and the progress bar.
const STRIDE: u64 = 1_000;

const EXAMPLES: &str = "\
The same sessions and seed give the same bytes. The truths (what every rule does, which failure mode is at work, when the \
world changes) go to a file beside the history: --out history.jsonl.gz writes history.truths.json as well.

Examples:
  souffleur simulate --sessions 5000 --out history.jsonl.gz
  souffleur simulate --sessions 100 --seed 7 | head -1
  souffleur simulate --sessions 1000 | souffleur import - --data-dir data";

/// Write a made-up prompt history whose truth is known
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SimulateArgs {
    /// How many sessions
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    sessions: u64,
    /// What all randomness is drawn from
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Where the sessions go, one JSON object per line; compressed if the name ends in .gz; `-` is stdout
    #[arg(long, value_name = "FILE|-", default_value = "-")]
    out: PathBuf,
    /// Where the truths go (default: beside the sessions; nowhere if they go to stdout)
    #[arg(long, value_name = "FILE")]
    truths: Option<PathBuf>,
}

impl SimulateArgs {
    pub(crate) fn run(&self, console: &Console, interrupt: &Interrupt) -> Outcome {
        let settings = SimulationSettings { sessions: self.sessions, seed: self.seed, ..SimulationSettings::default() };
        let mut simulation = Simulation::new(settings).map_err(|invalid| Failure::usage(invalid.to_string()))?;
        let truths_path = self.truths.clone().or_else(|| (!self.to_stdout()).then(|| beside(&self.out)));
        if truths_path.as_deref() == Some(self.out.as_path()) {
            return Err(Failure::usage(format!("{}: sessions and truths cannot share a file", self.out.display())));
        }
        let mut sessions = if self.to_stdout() { Sink::stdout() } else { Sink::create(&self.out)? };
        let mut truths = truths_path.as_deref().map(Sink::create).transpose()?;
        let bar = console.progress(self.sessions, "simulating");
        for n in 0..self.sessions {
            if n % STRIDE == 0 {
                interrupt.check()?;
                bar.set_position(n);
            }
            let Some(simulated) = simulation.next() else { break };
            sessions.json(&simulated.session)?;
            sessions.text("\n")?;
            if let Some(truths) = &mut truths {
                truths.text(if n == 0 { "{\"sessions\":[\n" } else { ",\n" })?;
                truths.json(&simulated.truth)?;
            }
        }
        bar.finish_and_clear();
        let written = sessions.finish()?;
        if let Some(mut truths) = truths {
            truths.text(if self.sessions == 0 { "{\"sessions\":[" } else { "" })?;
            truths.text("\n],\"history\":")?;
            truths.json(&simulation.truths())?;
            truths.text("}\n")?;
            truths.finish()?;
        }
        if let Some(path) = written {
            let beside = truths_path.map(|p| format!(", truths in {}", p.display())).unwrap_or_default();
            console.remark(format_args!("{} sessions in {}{beside}", count(self.sessions), path.display()));
        }
        Ok(())
    }

    fn to_stdout(&self) -> bool {
        self.out.as_os_str() == "-"
    }
}

/// The truths' file of a history: `a/history.jsonl.gz` has `a/history.truths.json`.
fn beside(history: &Path) -> PathBuf {
    let name = history.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".gz").unwrap_or(&name);
    let stem = stem.strip_suffix(".jsonl").unwrap_or(stem);
    history.with_file_name(format!("{stem}.truths.json"))
}
