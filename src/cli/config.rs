//! `souffleur config`: which settings there are, which are in force, and whether a file is right.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::connect::DataDir;
use super::console::Console;
use super::exit::{Failure, Outcome};
use super::global::{Global, load, overridden};
use crate::app;
use crate::settings::{Sources, effective, reference};

const EXAMPLES: &str = "\
From the weakest to the strongest: defaults, --config FILE, SOUFFLEUR__SECTION__KEY variables, --set and other options.

Examples:
  souffleur config show
  souffleur config show --set http.port=8080 --json
  souffleur config check souffleur.toml
  souffleur config reference > reference.toml";

/// Show the settings in force, check a file, or print the reference
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show every setting in force and where it was set; secrets are not shown
    #[command(after_help = "Example:\n  souffleur config show --config souffleur.toml")]
    Show(ShowArgs),
    /// Check a file of settings
    #[command(after_help = "Example:\n  souffleur config check souffleur.toml\n\nExit codes: 0 right, 2 wrong.")]
    Check(CheckArgs),
    /// Print every setting there is, with its meaning, its range and its default
    #[command(after_help = "Example:\n  souffleur config reference > reference.toml")]
    Reference,
}

#[derive(Args, Debug)]
struct ShowArgs {
    /// Print one JSON array of key, value, origin
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataDir,
}

#[derive(Args, Debug)]
struct CheckArgs {
    /// The file
    file: PathBuf,
}

impl ConfigArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console) -> Outcome {
        match &self.action {
            Action::Show(args) => args.run(global, console),
            Action::Check(args) => args.run(console),
            Action::Reference => {
                let text = reference(app::catalogue()).map_err(|error| Failure::failed(error.to_string()))?;
                console.bytes(text.as_bytes())
            }
        }
    }
}

impl ShowArgs {
    fn run(&self, global: &Global, console: &Console) -> Outcome {
        let sources = overridden(global.sources(), &[self.data.setting()]);
        let settings = effective(&sources, app::catalogue()).map_err(|refused| Failure::usage(refused.to_string()))?;
        if self.json {
            return console.json(&settings);
        }
        let mut table = console.columns(&["key", "value", "set by"]);
        for setting in &settings {
            table.add_row([setting.key.clone(), setting.value.to_string(), setting.origin.clone()]);
        }
        console.table(&table)
    }
}

impl CheckArgs {
    fn run(&self, console: &Console) -> Outcome {
        load(&Sources::new().file(&self.file))?;
        console.line(format_args!("{}: every setting is right", self.file.display()))
    }
}
