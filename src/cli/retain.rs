//! `souffleur retain`: the history kept within an age and a size, once.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::connect::DataDir;
use super::console::{Console, count, duration};
use super::embedded::Embedded;
use super::exit::{Failure, Outcome};
use super::global::Global;
use super::interrupt::Interrupt;
use super::logging;
use crate::retention::RetentionPolicy;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Sessions past the age are erased first, then the oldest ones until the database uses no more bytes than it may; with them goes what was made \
from them, as with `souffleur erase`. A running daemon does this by itself, by the settings of [retention].

Examples:
  souffleur retain --age-days 90 --dry-run
  souffleur retain --age-days 90 --data-dir data
  souffleur retain --used-bytes-max 1000000000 --json

Exit codes: 0 done, 1 failed, 2 there is nothing to keep to, 4 busy or out of time.";

/// Erase sessions that are older, or more, than is to be kept
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RetainArgs {
    /// Days for which sessions are kept (default: the setting `retention.age_days`)
    #[arg(long, value_name = "DAYS")]
    age_days: Option<u32>,
    /// Bytes the database may use (default: the setting `retention.used_bytes_max`)
    #[arg(long, value_name = "BYTES")]
    used_bytes_max: Option<u64>,
    /// Only say how many sessions are past the age
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataDir,
}

impl RetainArgs {
    pub(crate) fn run(&self, global: &Global, console: &Console, interrupt: &Interrupt) -> Outcome {
        let age = self.age_days.map(|days| days.to_string());
        let bytes = self.used_bytes_max.map(|bytes| bytes.to_string());
        let settings = global.settings(&[
            self.data.setting(),
            ("retention.age_days", age, "--age-days"),
            ("retention.used_bytes_max", bytes, "--used-bytes-max"),
        ])?;
        let policy = settings.retention();
        if policy.keeps_all() {
            return Err(Failure::usage("everything is kept; give --age-days or --used-bytes-max, or set [retention]"));
        }
        logging::command(&settings.telemetry, global)?;
        let embedded = Embedded::open(&settings, interrupt)?;
        let done = embedded.ready().and_then(|()| self.retain(&embedded, policy, &settings, console));
        embedded.shut_down();
        done
    }

    fn retain(&self, embedded: &Embedded, policy: RetentionPolicy, settings: &Settings, console: &Console) -> Outcome {
        if self.dry_run {
            let sessions = embedded.wait(embedded.runtime().sessions_too_old(policy))?;
            if self.json {
                return console.json(&json!({ "sessions_too_old": sessions }));
            }
            return console.line(format_args!("{} sessions are past the age", count(sessions)));
        }
        let train_within = Duration::from_millis(settings.http.train_timeout_ms);
        let report = embedded.wait(embedded.runtime().retain(policy, train_within))?;
        if self.json {
            return console.json(&serde_json::to_value(&report)?);
        }
        if report.erasure.is_none() {
            return console.line("nothing is past the age or the size");
        }
        console.line(format_args!(
            "erased: {} sessions, {} rows, {} documents, {} models, in {}",
            count(report.sessions as u64),
            count(report.rows as u64),
            count(report.documents.len() as u64),
            count(report.models.len() as u64),
            duration(report.erase_ms),
        ))?;
        match &report.remark {
            None => console.line(format_args!("the database was rewritten in {}", duration(report.compact_ms))),
            Some(remark) => console.line(format_args!("the database was not rewritten: {remark}")),
        }
    }
}
