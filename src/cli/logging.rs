//! The log: to stderr, as people or machines read it.

use std::io;

use tracing_subscriber::EnvFilter;

use super::exit::{Failure, Outcome};
use super::global::Global;
use crate::settings::{LogFormat, Telemetry};

/// Logs a daemon: what the settings say, more with `-v`, errors only with `-q`.
pub(crate) fn daemon(telemetry: &Telemetry, global: &Global) -> Outcome {
    start(filter(global).unwrap_or(&telemetry.filter), telemetry.format)
}

/// Logs a command: warnings, more with `-v`, errors only with `-q`.
pub(crate) fn command(telemetry: &Telemetry, global: &Global) -> Outcome {
    start(filter(global).unwrap_or("warn"), telemetry.format)
}

fn filter(global: &Global) -> Option<&'static str> {
    match (global.quiet, global.verbose) {
        (true, _) => Some("error"),
        (false, 0) => None,
        (false, 1) => Some("info"),
        (false, 2) => Some("debug"),
        (false, _) => Some("trace"),
    }
}

fn start(filter: &str, format: LogFormat) -> Outcome {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::usage(format!("`telemetry.filter` is `{filter}`: {error}; write a level such as info"))
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
    let started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| Failure::failed(format!("the log cannot be started: {error}")))
}
