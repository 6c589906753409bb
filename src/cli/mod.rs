//! The command line.
//!
//! Every subcommand is a file with its arguments and what it does. Those that can run against a daemon as well as on a
//! data directory speak to a `Backend`, so that each is written once.

mod backend;
mod backup;
mod batch;
mod certify;
mod completions;
mod components;
mod config;
mod connect;
mod console;
mod data;
mod demo;
mod describe;
mod doctor;
mod embedded;
mod erase;
mod exit;
mod export;
mod global;
mod graph;
mod health;
mod hub;
mod import;
mod intake;
mod interrupt;
mod lock;
mod logging;
mod models;
mod query;
mod remote;
mod restore;
mod retain;
mod selection;
mod serve;
mod simulate;
mod sink;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use console::Console;
use exit::Outcome;
use global::Global;
use interrupt::Interrupt;

const AFTER: &str = "\
Commands work on a data directory (--data-dir) or, where it makes sense, against a running daemon (--url).

Exit codes: 0 done, 1 failed, 2 refused input, 3 a bar or a health check missed, 4 busy or out of time, 130 interrupted.

Examples:
  souffleur demo                                 # simulate, learn, serve: everything once
  souffleur serve --data-dir data                # the daemon
  souffleur import history.jsonl.gz --data-dir data
  souffleur health --url http://127.0.0.1:7070";

/// Learns from every prompt a team improves
///
/// Souffleur hosts supervised machine-learning components around one hub of training data: record, learn, answer,
/// measure, and prove it.
#[derive(Debug, Parser)]
#[command(name = "souffleur", version, after_help = AFTER, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Demo(demo::DemoArgs),
    Simulate(simulate::SimulateArgs),
    Import(import::ImportArgs),
    Export(export::ExportArgs),
    Train(train::TrainArgs),
    Query(query::QueryArgs),
    Batch(batch::BatchArgs),
    Data(data::DataArgs),
    Health(health::HealthArgs),
    Components(components::ComponentsArgs),
    Models(models::ModelsArgs),
    Erase(erase::EraseArgs),
    Retain(retain::RetainArgs),
    Certify(certify::CertifyArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Doctor(doctor::DoctorArgs),
    Config(config::ConfigArgs),
    Completions(completions::CompletionsArgs),
}

/// Reads the command line of this process, does what it says and gives the exit code.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let console = Console::new(cli.global.color, cli.global.quiet);
    let outcome = dispatch(&cli, &console).and_then(|()| console.flush());
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // What was printed before the failure is part of the result.
            let _ = console.flush();
            if failure.speaks() {
                console.error(&failure);
            }
            failure.code()
        }
    }
}

fn dispatch(cli: &Cli, console: &Console) -> Outcome {
    let global = &cli.global;
    let interrupt = Interrupt::listen()?;
    match &cli.command {
        Command::Serve(args) => args.run(global, console, &interrupt),
        Command::Demo(args) => args.run(global, console, &interrupt),
        Command::Simulate(args) => args.run(console, &interrupt),
        Command::Import(args) => args.run(global, console, &interrupt),
        Command::Export(args) => args.run(global, console, &interrupt),
        Command::Train(args) => args.run(global, console, &interrupt),
        Command::Query(args) => args.run(global, console, &interrupt),
        Command::Batch(args) => args.run(global, console, &interrupt),
        Command::Data(args) => args.run(global, console, &interrupt),
        Command::Health(args) => args.run(global, console, &interrupt),
        Command::Components(args) => args.run(console),
        Command::Models(args) => args.run(global, console, &interrupt),
        Command::Erase(args) => args.run(global, console, &interrupt),
        Command::Retain(args) => args.run(global, console, &interrupt),
        Command::Certify(args) => args.run(console, &interrupt),
        Command::Backup(args) => args.run(global, console, &interrupt),
        Command::Restore(args) => args.run(global, console, &interrupt),
        Command::Doctor(args) => args.run(global, console),
        Command::Config(args) => args.run(global, console),
        Command::Completions(args) => args.run(console),
    }
}
