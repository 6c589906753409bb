//! `souffleur certify`: what every component claims, measured.

use std::num::NonZeroU64;

use clap::Args;
use souffleur_core::catalogue::Entry;
use souffleur_core::component::{Direction, Over};

use super::console::{Console, Tone, number};
use super::exit::{Failure, Outcome};
use super::interrupt::Interrupt;
use super::selection;
use crate::app;
use crate::certify::{DEFAULT_SEEDS, Stop, Verdict, certify};

const EXAMPLES: &str = "\
Every component plants a truth of its own, drawn from a seed, trains on what can be seen of it and compares. The figure of \
all seeds (their mean or the worst of them) is held against the bar. A run that fails counts as missed.

Examples:
  souffleur certify
  souffleur certify failure_analyzer --seeds 50
  souffleur certify --json | jq '.[] | select(.passed | not)'

Exit codes: 0 every bar cleared, 2 unknown component, 3 a bar was missed.";

/// Measure components on planted truth and hold them against their bars
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CertifyArgs {
    /// The components to certify; all if none is named
    #[arg(value_name = "COMPONENT")]
    components: Vec<String>,
    /// How many seeds to measure with: 0 to N-1
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEEDS.try_into().unwrap_or(NonZeroU64::MIN))]
    seeds: NonZeroU64,
    /// Print one JSON array: component, metric, value, bar, passed, seeds and more
    #[arg(long)]
    json: bool,
}

impl CertifyArgs {
    pub(crate) fn run(&self, console: &Console, interrupt: &Interrupt) -> Outcome {
        let entries = selection::pick(app::catalogue(), &self.components)?;
        let verdicts = self.measure(&entries, console, interrupt)?;
        if self.json {
            console.json(&verdicts)?;
        } else {
            print(console, &verdicts)?;
        }
        interrupt.check()?;
        let missed = verdicts.iter().filter(|v| !v.passed).count();
        let unproven = entries.iter().filter(|entry| entry.runner.bars().is_empty()).count();
        match (missed, unproven) {
            (0, 0) => Ok(()),
            (0, _) => {
                Err(Failure::missed(format!("{unproven} components declare no bar, so nothing is certified of them")))
            }
            _ => Err(Failure::missed(format!("{missed} of {} bars missed", verdicts.len()))),
        }
    }

    fn measure(&self, entries: &[Entry], console: &Console, interrupt: &Interrupt) -> Outcome<Vec<Verdict>> {
        let seeds = self.seeds.get();
        let bar = console.progress(seeds.saturating_mul(entries.len() as u64), "certifying");
        let stop = Stop::default();
        let on_signal = stop.clone();
        interrupt.on_first(move || on_signal.raise());
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        let clock = app::clock();
        let verdicts = certify(entries, seeds, threads, &clock, &stop, &|_, _| bar.inc(1));
        bar.finish_and_clear();
        Ok(verdicts)
    }
}

fn print(console: &Console, verdicts: &[Verdict]) -> Outcome {
    let mut table = console.columns(&["component", "metric", "mean", "worst", "bar", "over", "seeds", "verdict"]);
    for verdict in verdicts {
        let (word, tone) = if verdict.passed { ("passed", Tone::Good) } else { ("missed", Tone::Bad) };
        let sign = match verdict.direction {
            Direction::AtLeast => ">=",
            Direction::AtMost => "<=",
        };
        let over = match verdict.over {
            Over::Mean => "mean",
            Over::Worst => "worst",
        };
        let figure = |value: Option<f64>| number(value.unwrap_or(f64::NAN));
        table.add_row([
            console.cell(&verdict.component, Tone::Plain),
            console.cell(&verdict.metric, Tone::Plain),
            console.cell(figure(verdict.mean), Tone::Plain),
            console.cell(figure(verdict.worst), Tone::Plain),
            console.cell(format!("{sign} {}", number(verdict.bar)), Tone::Plain),
            console.cell(over, Tone::Plain),
            console.cell(verdict.seeds, Tone::Plain),
            console.cell(word, tone),
        ]);
    }
    console.table(&table)?;
    for verdict in verdicts {
        if let Some(reason) = &verdict.reason {
            console.line(format!("{} {}: {reason}", verdict.component, verdict.metric))?;
        }
    }
    Ok(())
}
