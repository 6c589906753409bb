//! `souffleur data check`: whether the recorded data keeps its contract.

use clap::{Args, ValueEnum};
use souffleur_contracts::{Report, Severity, Verdict};

use crate::cli::connect::Connect;
use crate::cli::console::{Console, Tone, count};
use crate::cli::exit::{Failure, Outcome};
use crate::cli::global::Global;
use crate::cli::hub::Hub;
use crate::cli::interrupt::Interrupt;

const EXAMPLES: &str = "\
Looked for: features of another schema, values out of range, unknown outcomes, drift (the newest fifth of sessions against \
the earlier ones: a population stability index at least .1 beyond chance, and a Kolmogorov-Smirnov test at a false \
discovery rate of 1 % over all columns), repeated sessions, contradicting outcomes of equal sessions, old data, and columns \
known before the outcome that determine it (area under the curve, or rank correlation, from .95). Every row is read once; \
memory does not depend on how many there are.

Examples:
  souffleur data check
  souffleur data check --fail-on warning
  souffleur data check --json | jq '.findings[] | {severity, at, problem}'
  souffleur data check --url http://127.0.0.1:7070

Exit codes: 0 nothing at or above --fail-on, 1 failed, 3 something is, 4 busy, 130 interrupted.";

/// Check whether the data keeps its contract: schema, ranges, drift, repetitions, noise, leaks
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// From which severity on the exit code is 3
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = FailOn::Error)]
    fail_on: FailOn,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Info,
    Warning,
    Error,
    Never,
}

impl FailOn {
    fn severity(self) -> Option<Severity> {
        match self {
            Self::Info => Some(Severity::Info),
            Self::Warning => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
            Self::Never => None,
        }
    }
}

impl CheckArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        let hub = Hub::open(&self.connect, global)?;
        let checked = hub.check(interrupt);
        hub.close();
        let checked = checked?;
        let report: Report = serde_json::from_value(checked.clone())?;
        if self.json {
            console.json(&checked)?;
        } else {
            print(console, &report)?;
        }
        let Some(from) = self.fail_on.severity() else { return Ok(()) };
        let bad = report.findings.iter().filter(|finding| finding.severity >= from).count();
        match bad {
            0 => Ok(()),
            1 => Err(Failure::missed(format!("one finding is of severity {} or worse", from.name()))),
            bad => Err(Failure::missed(format!("{bad} findings are of severity {} or worse", from.name()))),
        }
    }
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Info => Tone::Plain,
        Severity::Warning => Tone::Doubtful,
        Severity::Error => Tone::Bad,
    }
}

fn print(console: &Console, report: &Report) -> Outcome {
    console.line(format_args!(
        "{} sessions, {} made up, {} rule applications, {} opinions, up to place {}",
        count(report.sessions),
        count(report.synthetic),
        count(report.applications),
        count(report.feedback),
        report.watermark
    ))?;
    console.line("")?;
    let mut table = console.columns(&["check", "verdict", "on what"]);
    for standing in &report.checks {
        let (verdict, tone) = match standing.verdict {
            Verdict::Passed => ("passed", Tone::Good),
            Verdict::Found => ("found", Tone::Doubtful),
            Verdict::NotJudged => ("not judged", Tone::Plain),
        };
        table.add_row([
            console.cell(standing.check.name(), Tone::Plain),
            console.cell(verdict, tone),
            console.cell(&standing.basis, Tone::Plain),
        ]);
    }
    console.table(&table)?;
    for finding in &report.findings {
        console.line("")?;
        let severity = console.toned(finding.severity.name(), tone(finding.severity));
        let example = finding.example.map_or_else(String::new, |seq| format!(", first at place {seq}"));
        console.line(format_args!("{severity}: {}, {}{example}", finding.check.name(), finding.at))?;
        console.line(format_args!("  {}", finding.problem))?;
        console.line(format_args!("  right would be: {}", finding.expected))?;
    }
    Ok(())
}
