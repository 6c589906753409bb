//! How much is logged: as the settings say, more with `-v`, errors only with `-q`.

use super::exit::{Failure, Outcome};
use super::global::Global;
use crate::settings::Telemetry;
use crate::telemetry;

/// Logs a daemon: what the settings or `RUST_LOG` say unless an option says otherwise.
pub(crate) fn daemon(settings: &Telemetry, global: &Global) -> Outcome {
    install(settings, asked(global).map(str::to_owned))
}

/// Logs a command: warnings unless an option or `RUST_LOG` says otherwise.
pub(crate) fn command(settings: &Telemetry, global: &Global) -> Outcome {
    let quiet = Telemetry { filter: "warn".to_owned(), ..settings.clone() };
    install(&quiet, asked(global).map(str::to_owned))
}

fn asked(global: &Global) -> Option<&'static str> {
    match (global.quiet, global.verbose) {
        (true, _) => Some("error"),
        (false, 0) => None,
        (false, 1) => Some("info"),
        (false, 2) => Some("debug"),
        (false, _) => Some("trace"),
    }
}

fn install(settings: &Telemetry, asked: Option<String>) -> Outcome {
    let filter = asked.or_else(|| std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty()));
    telemetry::install(settings, filter.as_deref()).map_err(|error| Failure::usage(error.to_string()))
}
