//! Certificates: every component measured on planted truth, seed after seed, and held against its bars.
//!
//! A component counts as certified when every bar is cleared by the figure its bar asks for (the mean or the worst
//! over the seeds). A run that fails, panics or is interrupted is a failed certificate, with the reason.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use souffleur_core::catalogue::Entry;
use souffleur_core::clock::Clock;
use souffleur_core::component::{Bar, Direction, Measurement, Over};
use souffleur_core::error::ComponentError;
use souffleur_core::job::{CancelToken, Job};

/// Seeds a certificate is drawn from unless asked otherwise.
pub const DEFAULT_SEEDS: u64 = 20;

/// One bar of one component, and whether it was cleared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The component.
    pub component: String,
    /// The metric, unit last.
    pub metric: String,
    /// The figure held against the bar; absent if there is none.
    pub value: Option<f64>,
    /// The bar.
    pub bar: f64,
    /// Whether it was cleared.
    pub passed: bool,
    /// Seeds that gave a figure.
    pub seeds: u64,
    /// Mean over the seeds.
    pub mean: Option<f64>,
    /// Worst over the seeds, seen from the bar.
    pub worst: Option<f64>,
    /// Whether the figure must be at least or at most the bar.
    pub direction: Direction,
    /// Which figure counts.
    pub over: Over,
    /// Why there is no figure, or not one for every seed.
    pub reason: Option<String>,
}

/// What one seed gave.
pub type SeedRun = Result<Vec<Measurement>, ComponentError>;

/// Holds the runs of one component, in order of seeds, against its bars.
#[must_use]
pub fn evaluate(component: &str, bars: &[Bar], runs: &[SeedRun]) -> Vec<Verdict> {
    bars.iter().map(|bar| hold_against(component, bar, runs)).collect()
}

fn hold_against(component: &str, bar: &Bar, runs: &[SeedRun]) -> Verdict {
    let mut values = Vec::with_capacity(runs.len());
    let mut reason = None;
    for (seed, run) in runs.iter().enumerate() {
        let measured = match run {
            Ok(measurements) => match measurements.iter().find(|m| m.metric == bar.metric) {
                Some(m) if m.value.is_finite() => Ok(m.value),
                Some(m) => Err(format!("seed {seed}: {} is {}, not a number", bar.metric, m.value)),
                None => Err(format!("seed {seed}: {} was not measured", bar.metric)),
            },
            Err(error) => Err(format!("seed {seed}: {error}")),
        };
        match measured {
            Ok(value) => values.push(value),
            Err(why) => reason = reason.or(Some(why)),
        }
    }
    if runs.is_empty() {
        reason = Some("no seed was run".to_owned());
    }
    let figure = bar.figure(&values);
    let some = |value: f64| value.is_finite().then_some(value);
    Verdict {
        component: component.to_owned(),
        metric: bar.metric.to_owned(),
        value: some(figure),
        bar: bar.value,
        passed: reason.is_none() && bar.cleared_by(figure),
        seeds: values.len() as u64,
        mean: some(Bar { over: Over::Mean, ..*bar }.figure(&values)),
        worst: some(Bar { over: Over::Worst, ..*bar }.figure(&values)),
        direction: bar.direction,
        over: bar.over,
        reason,
    }
}

/// Stops a certification from another thread.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<StopState>);

#[derive(Debug, Default)]
struct StopState {
    raised: AtomicBool,
    running: Mutex<Vec<CancelToken>>,
}

impl Stop {
    /// Cancels the running measurements and lets no new one start.
    pub fn raise(&self) {
        self.0.raised.store(true, Ordering::SeqCst);
        for token in locked(&self.0.running).iter() {
            token.cancel();
        }
    }

    fn watch(&self, job: &Job) {
        let mut running = locked(&self.0.running);
        running.push(job.cancel_token());
        if self.0.raised.load(Ordering::SeqCst) {
            job.cancel_token().cancel();
        }
    }
}

/// Measures `entries` with the seeds `0..seeds` on `threads` threads and gives every verdict, in order of entries and
/// bars. `done` is called after each (component, seed).
///
/// A component without a bar gets no verdict: nothing is claimed of it.
pub fn certify(
    entries: &[Entry],
    seeds: u64,
    threads: usize,
    clock: &Arc<dyn Clock>,
    stop: &Stop,
    done: &(dyn Fn(&str, u64) + Sync),
) -> Vec<Verdict> {
    let tasks: Vec<(usize, u64)> =
        (0..entries.len()).flat_map(|component| (0..seeds).map(move |seed| (component, seed))).collect();
    let next = AtomicUsize::new(0);
    let results: Mutex<BTreeMap<(usize, u64), SeedRun>> = Mutex::default();
    let work = || {
        while let Some(&(component, seed)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(entry) = entries.get(component) else { break };
            let job = Job::new(Arc::clone(clock), seed);
            stop.watch(&job);
            // A job that was cancelled before it began is not begun at all.
            let run = match job.check() {
                Ok(()) => entry.runner.certify(seed, &job),
                Err(interrupted) => Err(interrupted.into()),
            };
            locked(&results).insert((component, seed), run);
            done(&entry.name, seed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(tasks.len()) {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut verdicts = Vec::new();
    for (component, entry) in entries.iter().enumerate() {
        let runs: Vec<SeedRun> = (0..seeds).filter_map(|seed| results.remove(&(component, seed))).collect();
        verdicts.extend(evaluate(&entry.name, entry.runner.bars(), &runs));
    }
    verdicts
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use souffleur_core::job::Interrupted;

    const AUROC: Bar = Bar { metric: "auroc", direction: Direction::AtLeast, value: 0.8, over: Over::Worst };
    const ERROR: Bar = Bar { metric: "error", direction: Direction::AtMost, value: 0.1, over: Over::Mean };

    fn run(auroc: f64, error: f64) -> SeedRun {
        Ok(vec![Measurement::new("auroc", auroc), Measurement::new("error", error)])
    }

    #[test]
    fn the_worst_counts_where_the_bar_says_so_and_the_mean_where_it_does_not() {
        let verdicts = evaluate("c", &[AUROC, ERROR], &[run(0.9, 0.05), run(0.79, 0.14)]);
        assert!(!verdicts[0].passed);
        assert_eq!((verdicts[0].value, verdicts[0].worst), (Some(0.79), Some(0.79)));
        assert!(verdicts[1].passed, "{:?}", verdicts[1]);
        assert!((verdicts[1].value.unwrap() - 0.095).abs() < 1e-12);
        assert_eq!(verdicts[1].worst, Some(0.14));
    }

    #[test]
    fn a_failed_seed_fails_the_certificate_with_its_reason() {
        let interrupted = Err(ComponentError::Interrupted(Interrupted::Cancelled));
        let verdicts = evaluate("c", &[AUROC], &[run(0.9, 0.0), interrupted]);
        assert!(!verdicts[0].passed);
        assert_eq!(verdicts[0].seeds, 1);
        assert_eq!(verdicts[0].reason.as_deref(), Some("seed 1: cancelled"));
    }

    #[test]
    fn a_metric_nobody_measured_or_no_number_fails() {
        let verdicts = evaluate("c", &[AUROC], &[Ok(Vec::new())]);
        assert_eq!(verdicts[0].reason.as_deref(), Some("seed 0: auroc was not measured"));
        assert!(!evaluate("c", &[AUROC], &[run(f64::NAN, 0.0)])[0].passed);
        assert!(!evaluate("c", &[AUROC], &[])[0].passed);
    }
}
