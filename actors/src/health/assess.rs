//! Judging what the board says: the three checks, the score, the word for the whole.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use souffleur_core::catalogue::Entry;
use souffleur_core::component::{Cadence, ComponentSpec};
use souffleur_core::job::Progress;
use souffleur_core::time::Timestamp;

use super::board::{ComponentBoard, HealthBoard};
use super::{Check, ComponentHealth, Health, HealthStatus, JobProgress, PartHealth, RunCounts, State};
use crate::environment::Environment;

/// A component that trains unasked is behind when so many times its cadence has come in since.
const LAG_FACTOR: u64 = 10;
/// A batch with a lower quality score is not fit to learn from.
const QUALITY_AT_LEAST: f64 = 0.5;
/// More than one answer in so many that panics is a failed check.
const PANICS_PER: u64 = 100;
/// A probe counts for so many intervals.
const PROBE_COUNTS_INTERVALS: u64 = 3;
/// Below this score the whole is unhealthy.
const UNHEALTHY_BELOW: f64 = 0.5;
/// A thread of mailboxes not seen for this long stands still.
const MAILBOX_STALL: Duration = Duration::from_secs(2);

fn check(passed: bool, reason: impl Into<String>) -> Check {
    Check { passed, reason: reason.into() }
}

/// What all components share: where their data comes from.
pub(crate) struct Hub {
    loader: PartHealth,
    store: PartHealth,
}

impl Hub {
    pub(crate) fn look(env: &Environment) -> Self {
        Self { loader: loader(env), store: store(&env.board) }
    }
}

/// One component's health. Reads atomics and snapshots only.
pub(crate) fn component(env: &Environment, hub: &Hub, entry: &Entry, index: usize, depth: usize) -> ComponentHealth {
    let board = &env.board.components[index];
    let (spec, state, now) = (entry.spec(), board.state(), env.clock.now());
    let rows = env.learnable_rows.load(Ordering::Acquire);
    let lag_rows = rows.saturating_sub(board.rows_trained.load(Ordering::Acquire));
    let published = board.published.load();
    let latency = board.answer_latency.percentiles();
    let progress = board.job.load().as_ref().map(|job| {
        let (done, total) = Progress::position(&job.progress);
        JobProgress { done, total, last_tick: Timestamp(job.last_tick_us.load(Ordering::Relaxed)) }
    });
    let data_flow = data_flow(hub, board, spec, lag_rows);
    let performance = performance(env, board, spec, state, progress, latency.p99_ms, now);
    let quality = quality(board);
    let overall = data_flow.passed && performance.passed && quality.passed;
    ComponentHealth {
        name: entry.name.to_string(),
        tier: spec.tier,
        state,
        overall,
        data_flow,
        performance,
        quality,
        reason: board.reason().as_ref().clone(),
        since: board.since(),
        restarts_in_window: board.failures_in_window.load(Ordering::Relaxed),
        restarts: board.restarts.load(Ordering::Relaxed),
        mailbox_depth: depth,
        progress,
        data_version: published.as_ref().map(|published| published.version),
        lag_rows,
        probe: board.probe.load().as_ref().map(|probe| probe.as_ref().clone()),
        answer_latency: latency,
        trained: published.is_some(),
        model_id: published.as_ref().map(|published| published.model_id.to_string()),
        runs: runs(board),
    }
}

pub(crate) fn runs(board: &ComponentBoard) -> RunCounts {
    RunCounts {
        succeeded: board.runs_succeeded.load(Ordering::Relaxed),
        failed: board.runs_failed.load(Ordering::Relaxed),
        cancelled: board.runs_cancelled.load(Ordering::Relaxed),
    }
}

fn data_flow(hub: &Hub, board: &ComponentBoard, spec: &ComponentSpec, lag_rows: u64) -> Check {
    if !hub.loader.up {
        return check(false, format!("the loader: {}", hub.loader.reason));
    }
    if !hub.store.up {
        return check(false, format!("the store fails: {}", hub.store.reason));
    }
    if let Cadence::NewRows(rows) = spec.cadence
        && lag_rows > u64::from(rows).saturating_mul(LAG_FACTOR)
    {
        return check(false, format!("{lag_rows} rows came since its model's data; it trains every {rows}"));
    }
    let Some(batch) = board.batch.load_full() else {
        return match board.published.load().as_ref() {
            Some(published) => check(true, format!("serves a stored model of data version {}", published.version)),
            None => check(false, "no data has reached it yet"),
        };
    };
    let (rows, score) = (batch.rows, batch.quality.score);
    if rows < spec.minimum_rows {
        return check(false, format!("{rows} rows are too few: at least {} are needed", spec.minimum_rows));
    }
    let passed = score >= QUALITY_AT_LEAST;
    check(passed, format!("{rows} rows of quality {score:.2} in its last batch; {lag_rows} came since"))
}

fn performance(
    env: &Environment,
    board: &ComponentBoard,
    spec: &ComponentSpec,
    state: State,
    progress: Option<JobProgress>,
    p99_ms: f64,
    now: Timestamp,
) -> Check {
    if matches!(state, State::Restarting | State::Quarantined | State::Stopped) {
        return check(false, board.reason().as_ref().clone());
    }
    let still_ms = progress.map_or(0, |job| now.0.saturating_sub(job.last_tick.0) / 1_000);
    if u64::try_from(still_ms).unwrap_or(0) > env.settings.stall_ms {
        return check(false, format!("its job has shown no progress for {still_ms} ms"));
    }
    let budget_ms = spec.budgets.answer_ms;
    if p99_ms > budget_ms as f64 {
        return check(false, format!("99 of 100 answers take up to {p99_ms:.1} ms; {budget_ms} ms are allowed"));
    }
    check(true, format!("99 of 100 answers take at most {p99_ms:.1} ms; {budget_ms} ms are allowed"))
}

fn quality(board: &ComponentBoard) -> Check {
    if let Some(flaw) = board.flaw.load().as_deref() {
        return check(false, flaw.clone());
    }
    let (answers, panics) = (board.answers.load(Ordering::Relaxed), board.answer_panics.load(Ordering::Relaxed));
    if panics.saturating_mul(PANICS_PER) > answers {
        return check(false, format!("{panics} of {answers} answers panicked"));
    }
    let probe = board.probe.load();
    let Some(probe) = probe.as_ref() else { return check(false, "not probed yet") };
    if let Some(reason) = probe.reason.as_ref().filter(|_| !probe.passed) {
        return check(false, format!("its probe failed: {reason}"));
    }
    if let Some(failure) = board.last_failure.load().as_deref() {
        return check(false, format!("its last run failed: {failure}"));
    }
    check(probe.passed, format!("it answered its known case rightly at {}", probe.at))
}

/// Weighted share of components whose last probe passed and still counts.
pub(crate) fn score(env: &Environment, entries: &[Entry]) -> f64 {
    let counts_ms = env.settings.probe_interval_ms * PROBE_COUNTS_INTERVALS + env.settings.probe_deadline_ms;
    let now = env.clock.now();
    let (mut passed, mut due) = (0.0, 0.0);
    for (entry, board) in entries.iter().zip(&env.board.components) {
        let weight = entry.spec().tier.weight();
        due += weight;
        let lost = matches!(board.state(), State::Quarantined | State::Stopped);
        let counts = |at: Timestamp| u64::try_from(now.0.saturating_sub(at.0) / 1_000).unwrap_or(0) <= counts_ms;
        if !lost && board.probe.load().as_ref().is_some_and(|probe| probe.passed && counts(probe.at)) {
            passed += weight;
        }
    }
    if due > 0.0 { passed / due } else { 1.0 }
}

/// How long ago a beat was; nothing before the first.
fn still(env: &Environment, beat_us: &AtomicU64) -> Option<Duration> {
    let beat = Duration::from_micros(beat_us.load(Ordering::Relaxed));
    let still = env.clock.monotonic().saturating_sub(beat);
    (beat > Duration::ZERO && still > MAILBOX_STALL).then_some(still)
}

/// The supervisor's health; it shares its thread with the components, so a thread that stands still shows here.
fn supervisor(env: &Environment) -> PartHealth {
    let part = env.board.supervisor.health();
    match still(env, &env.board.control_beat_us) {
        Some(still) if part.up => {
            let reason = format!("the control thread has not been seen for {} ms", still.as_millis());
            PartHealth { up: false, reason, ..part }
        }
        _ => part,
    }
}

fn loader(env: &Environment) -> PartHealth {
    let part = env.board.loader.health();
    // While the control thread stands still nobody asks the loader: its silence means nothing.
    let silent = still(env, &env.board.loader_beat_us).filter(|_| still(env, &env.board.control_beat_us).is_none());
    match (silent, env.batches.trouble()) {
        (Some(still), _) if part.up => {
            PartHealth { up: false, reason: format!("it has not answered for {} ms", still.as_millis()), ..part }
        }
        (_, Some(reason)) if part.up => PartHealth { reason, ..part },
        _ => part,
    }
}

fn store(board: &HealthBoard) -> PartHealth {
    match board.store_error() {
        Some(error) => PartHealth { up: false, reason: error.as_ref().clone(), restarts: 0 },
        None => PartHealth { up: true, reason: "answers".to_owned(), restarts: 0 },
    }
}

/// The word for the whole.
pub(crate) fn status(env: &Environment, score: f64, stopping: bool) -> HealthStatus {
    let parts_up = supervisor(env).up && loader(env).up && store(&env.board).up;
    let unprobed = env.board.components.iter().any(|board| board.probe.load().is_none());
    let uptime_us = env.clock.now().0.saturating_sub(env.board.started.0);
    let young = u64::try_from(uptime_us / 1_000).unwrap_or(0) < env.settings.probe_interval_ms;
    let bad = |board: &ComponentBoard| !matches!(board.state(), State::Ready | State::Training | State::Starting);
    if stopping {
        HealthStatus::Stopped
    } else if !parts_up {
        HealthStatus::Unhealthy
    } else if unprobed && young {
        HealthStatus::Starting
    } else if score < UNHEALTHY_BELOW {
        HealthStatus::Unhealthy
    } else if score < 1.0 || env.board.components.iter().any(bad) {
        HealthStatus::Degraded
    } else {
        HealthStatus::Healthy
    }
}

/// The health of the whole. Reads atomics and snapshots only; O(components).
pub(crate) fn whole(env: &Environment, entries: &[Entry], depth: impl Fn(usize) -> usize, stopping: bool) -> Health {
    let score = score(env, entries);
    let hub = Hub::look(env);
    let components = entries.iter().enumerate().map(|(i, entry)| component(env, &hub, entry, i, depth(i))).collect();
    Health {
        score,
        status: status(env, score, stopping),
        since: env.board.started,
        monitor: env.board.monitor.health(),
        supervisor: supervisor(env),
        loader: hub.loader,
        store: hub.store,
        cache: env.cache.as_ref().map(|cache| cache.status()),
        components,
        watermark: env.board.watermark(),
        feedback_latency: env.board.feedback_latency.percentiles(),
    }
}
