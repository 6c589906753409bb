//! `souffleur serve`: the daemon.

use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use futures_util::future::select;

use super::connect::DataDir;
use super::console::Console;
use super::embedded::Embedded;
use super::exit::{Failure, Outcome};
use super::global::{Global, Override};
use super::interrupt::Interrupt;
use super::logging;
use crate::http;
use crate::runtime::Runtime;
use crate::settings::Settings;

const EXAMPLES: &str = "\
SIGTERM or Ctrl-C drains: no new work is taken, what runs is finished or cancelled, everything is committed. A second signal \
ends the process at once; what was acknowledged is kept even then.

Examples:
  souffleur serve
  souffleur serve --data-dir /var/lib/souffleur --port 8080
  souffleur serve --config souffleur.toml --set telemetry.format=json

Exit codes: 0 stopped in order, 1 could not start or did not stop in time, 2 refused settings, 4 the data directory is in use, \
130 a second signal.";

/// Run the daemon: all components and the HTTP interface
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    data: DataDir,
    #[command(flatten)]
    listen: Listen,
}

/// Where the HTTP interface listens.
#[derive(Args, Debug)]
pub(crate) struct Listen {
    /// Listen on this address (default: the setting `http.bind`)
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<IpAddr>,
    /// Listen on this port; 0 lets the system choose (default: the setting `http.port`)
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
}

impl Listen {
    /// Whether a port was asked for.
    pub(crate) fn names_a_port(&self) -> bool {
        self.port.is_some()
    }

    /// The settings these options stand for.
    pub(crate) fn settings(&self) -> [Override; 2] {
        [
            ("http.bind", self.bind.map(|bind| bind.to_string()), "--bind"),
            ("http.port", self.port.map(|port| port.to_string()), "--port"),
        ]
    }
}

/// Keeps the history within its age and size, for ever.
async fn keep_within(runtime: &Runtime, settings: &Settings) {
    let policy = settings.retention();
    if policy.keeps_all() {
        return std::future::pending().await;
    }
    let train_within = Duration::from_millis(settings.http.train_timeout_ms);
    loop {
        tokio::time::sleep(Duration::from_millis(settings.retention.check_ms)).await;
        match runtime.retain(policy, train_within).await {
            Ok(report) if report.erasure.is_none() => {}
            Ok(report) => tracing::info!(
                sessions = report.sessions,
                rows = report.rows,
                models = report.models.len(),
                "erased what is past the age or the size"
            ),
            Err(error) => tracing::warn!(%error, "the history could not be kept within its age and size"),
        }
    }
}

impl ServeArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        let [bind, port] = self.listen.settings();
        let settings = global.settings(&[self.data.setting(), bind, port])?;
        logging::daemon(&settings.telemetry, global)?;
        let embedded = Embedded::start(&settings, interrupt)?;
        serve(&embedded, &settings, console, interrupt.raised())
    }
}

/// Serves a running runtime until `until` is done, then drains it.
pub(crate) fn serve(
    embedded: &Embedded,
    settings: &Settings,
    console: &Console,
    until: impl Future<Output = ()>,
) -> Outcome {
    let listening = |address| {
        tracing::info!(%address, data_dir = %settings.data.dir.display(), "listening");
        // Whoever started the daemon may have stopped reading; it serves all the same.
        let _ = console.line(format_args!("listening on http://{address}")).and_then(|()| console.flush());
    };
    let runtime = embedded.runtime();
    // Whatever is being erased when it is time to stop is in the store's hands, which finishes it.
    let until = async {
        select(pin!(until), pin!(keep_within(runtime, settings))).await;
    };
    let served = http::serve(runtime.clone(), &settings.http, listening, until);
    if served.is_ok() {
        tracing::info!("draining");
    }
    let report = embedded.shut_down();
    served.map_err(|error| Failure::from(error).at(format!("cannot listen on {}", settings.http.address())))?;
    if report.clean {
        tracing::info!(duration_ms = report.duration_ms, "stopped in order");
        return Ok(());
    }
    let late: Vec<&str> = report.steps.iter().filter(|s| !s.completed).map(|s| s.step.as_str()).collect();
    Err(Failure::failed(format!(
        "not everything stopped in time: {} ({} jobs cancelled, {} given up)",
        late.join(", "),
        report.cancelled,
        report.abandoned
    )))
}
