//! The program's log. An embedding application brings its own subscriber and never calls this.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::settings::{LogFormat, Telemetry};

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("`telemetry.filter` is `{filter}`: {source}; write a level, or `info,souffleur=debug`")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// There is a log already.
    #[error("the log is set up already")]
    Installed,
}

/// Sends the log to standard error, for the whole process. A `RUST_LOG` in the environment is stronger than the
/// settings' filter: pass it as `environment`.
///
/// # Errors
/// A filter that cannot be read, or a log that is set up already.
pub fn install(settings: &Telemetry, environment: Option<&str>) -> Result<(), TelemetryError> {
    let filter = environment.unwrap_or(&settings.filter);
    let parsed = EnvFilter::builder()
        .parse(filter)
        .map_err(|source| TelemetryError::Filter { filter: filter.to_owned(), source })?;
    let colour = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(parsed).with_writer(std::io::stderr).with_ansi(colour);
    let installed = match settings.format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    installed.map_err(|_| TelemetryError::Installed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_filter_is_told_apart_from_a_second_log() {
        let bad = Telemetry { format: LogFormat::Text, filter: "info,=".to_owned() };
        assert!(matches!(install(&bad, None), Err(TelemetryError::Filter { .. })));
        let good = Telemetry { filter: "off".to_owned(), ..bad };
        let first = install(&good, None);
        let second = install(&good, Some("warn"));
        assert!(first.is_ok(), "{first:?}");
        assert!(matches!(second, Err(TelemetryError::Installed)));
    }
}
