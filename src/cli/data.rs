//! `souffleur data`: what there is, and whether it keeps its contract.

use clap::{Args, Subcommand};

use super::console::Console;
use super::exit::Outcome;
use super::global::Global;
use super::interrupt::Interrupt;

mod check;
mod stats;

const EXAMPLES: &str = "\
Examples:
  souffleur data stats
  souffleur data check --fail-on warning
  souffleur data stats --url http://127.0.0.1:7070 --json | jq '.tables[] | {name, rows}'";

/// Look at the data itself: what there is, and whether it keeps its contract
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Stats(stats::StatsArgs),
    Check(check::CheckArgs),
}

impl DataArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        match &self.action {
            Action::Stats(args) => args.run(global, console),
            Action::Check(args) => args.run(global, console, interrupt),
        }
    }
}
