//! What every command takes: settings, their overrides, how much is said.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::console::ColorChoice;
use super::exit::{Failure, Outcome};
use crate::app;
use crate::settings::{Settings, Sources};

/// The options every command has.
#[derive(Args, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Read settings from this TOML file
    #[arg(long, value_name = "FILE", global = true, env = "SOUFFLEUR_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Override one setting, for example `--set http.port=8080`
    #[arg(long, value_name = "KEY=VALUE", global = true, value_parser = key_value)]
    set: Vec<(String, String)>,
    /// Log more: -v info, -vv debug, -vvv trace
    #[arg(short, long, action = ArgAction::Count, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// Say nothing but results and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// When to colour: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value_t, hide_possible_values = true)]
    pub(crate) color: ColorChoice,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, for example http.port=8080".to_owned()),
    }
}

impl Global {
    /// Where settings come from: the defaults, the file, the environment, `--set`.
    pub(crate) fn sources(&self) -> Sources {
        let mut sources = Sources::new().environment(std::env::vars_os());
        if let Some(path) = &self.config {
            sources = sources.file(path);
        }
        for (key, value) in &self.set {
            sources = sources.set(key, value, "--set");
        }
        sources
    }

    /// The settings, with the command's own overrides on top.
    pub(crate) fn settings(&self, overrides: &[Override]) -> Outcome<Settings> {
        load(&overridden(self.sources(), overrides))
    }
}

/// One setting a command's own option stands for: key, value, the option.
pub(crate) type Override = (&'static str, Option<String>, &'static str);

/// Lays a command's own options over the other sources.
pub(crate) fn overridden(sources: Sources, overrides: &[Override]) -> Sources {
    overrides.iter().fold(sources, |sources, (key, value, option)| match value {
        Some(value) => sources.set(*key, value, *option),
        None => sources,
    })
}

/// Reads and checks settings.
pub(crate) fn load(sources: &Sources) -> Outcome<Settings> {
    Settings::load(sources, app::catalogue()).map_err(|refused| Failure::usage(refused.to_string()))
}
