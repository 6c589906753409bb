//! The board everything is written to as it happens and read from without asking anyone.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use souffleur_core::batch::DataQuality;
use souffleur_core::catalogue::Entry;
use souffleur_core::error::ComponentError;
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::job::Progress;
use souffleur_core::runner::{ErasedModel, ErasedParams};
use souffleur_core::store::StoreError;
use souffleur_core::time::Timestamp;

use super::percentiles::Histogram;
use super::{ProbeResult, State};
use crate::guard::PartStatus;

/// A model that answers, with what belongs to it.
pub(crate) struct Published {
    pub(crate) model: ErasedModel,
    pub(crate) params: ErasedParams,
    pub(crate) model_id: Arc<str>,
    pub(crate) version: DataVersion,
    /// Names everything its answers depend on beside the question.
    pub(crate) scope: String,
}

/// The job a component is running.
pub(crate) struct RunningJob {
    pub(crate) progress: Arc<Progress>,
    /// When it last gave a sign of life, microseconds since the epoch.
    pub(crate) last_tick_us: AtomicI64,
}

/// What the last batch was like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchSeen {
    pub(crate) rows: usize,
    pub(crate) quality: DataQuality,
}

/// One component's part of the board.
pub(crate) struct ComponentBoard {
    state: AtomicU8,
    since_us: AtomicI64,
    reason: ArcSwap<String>,
    pub(crate) failures_in_window: AtomicU32,
    pub(crate) restarts: AtomicU64,
    pub(crate) published: ArcSwapOption<Published>,
    /// The runtime's count of rows when the data of its model was fetched.
    pub(crate) rows_trained: AtomicU64,
    pub(crate) job: ArcSwapOption<RunningJob>,
    pub(crate) batch: ArcSwapOption<BatchSeen>,
    /// What is wrong with its stored model, if anything.
    pub(crate) flaw: ArcSwapOption<String>,
    /// Why its last run came to nothing; absent if it succeeded.
    pub(crate) last_failure: ArcSwapOption<String>,
    pub(crate) probe: ArcSwapOption<ProbeResult>,
    pub(crate) probes_passed: AtomicU64,
    pub(crate) probes_failed: AtomicU64,
    pub(crate) runs_succeeded: AtomicU64,
    pub(crate) runs_failed: AtomicU64,
    pub(crate) runs_cancelled: AtomicU64,
    pub(crate) answers: AtomicU64,
    pub(crate) answer_errors: AtomicU64,
    pub(crate) answer_panics: AtomicU64,
    pub(crate) busy: AtomicU64,
    pub(crate) answer_latency: Histogram,
    pub(crate) train_latency: Histogram,
}

impl ComponentBoard {
    fn new(now: Timestamp) -> Self {
        Self {
            state: AtomicU8::new(0),
            since_us: AtomicI64::new(now.0),
            reason: ArcSwap::from_pointee("waits to be started".to_owned()),
            failures_in_window: AtomicU32::new(0),
            restarts: AtomicU64::new(0),
            published: ArcSwapOption::empty(),
            rows_trained: AtomicU64::new(0),
            job: ArcSwapOption::empty(),
            batch: ArcSwapOption::empty(),
            flaw: ArcSwapOption::empty(),
            last_failure: ArcSwapOption::empty(),
            probe: ArcSwapOption::empty(),
            probes_passed: AtomicU64::new(0),
            probes_failed: AtomicU64::new(0),
            runs_succeeded: AtomicU64::new(0),
            runs_failed: AtomicU64::new(0),
            runs_cancelled: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            answer_errors: AtomicU64::new(0),
            answer_panics: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            answer_latency: Histogram::default(),
            train_latency: Histogram::default(),
        }
    }

    pub(crate) fn state(&self) -> State {
        let code = usize::from(self.state.load(Ordering::Acquire));
        State::ALL.get(code).copied().unwrap_or(State::Stopped)
    }

    pub(crate) fn since(&self) -> Timestamp {
        Timestamp(self.since_us.load(Ordering::Acquire))
    }

    pub(crate) fn reason(&self) -> Arc<String> {
        self.reason.load_full()
    }

    /// Writes a state down; the state before, if it is another.
    pub(crate) fn set_state(&self, state: State, reason: String, now: Timestamp) -> Option<State> {
        let before = self.state();
        if **self.reason.load() != reason {
            self.reason.store(Arc::new(reason));
        }
        if before == state {
            return None;
        }
        let code = State::ALL.iter().position(|s| *s == state).unwrap_or(0);
        self.since_us.store(now.0, Ordering::Release);
        self.state.store(u8::try_from(code).unwrap_or(0), Ordering::Release);
        Some(before)
    }

    pub(crate) fn count_answer(&self, result: Result<(), &ComponentError>) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = result {
            self.answer_errors.fetch_add(1, Ordering::Relaxed);
            if matches!(error, ComponentError::Panicked(_)) {
                self.answer_panics.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// The whole board. Everything on it is an atomic or a published snapshot.
pub(crate) struct HealthBoard {
    pub(crate) started: Timestamp,
    pub(crate) components: Vec<ComponentBoard>,
    pub(crate) supervisor: Arc<PartStatus>,
    pub(crate) loader: Arc<PartStatus>,
    pub(crate) monitor: Arc<PartStatus>,
    store_error: ArcSwapOption<String>,
    watermark: AtomicI64,
    /// When the loader last answered, microseconds of monotonic time.
    pub(crate) loader_beat_us: AtomicU64,
    /// When the control thread last looked, microseconds of monotonic time.
    pub(crate) control_beat_us: AtomicU64,
    /// How late it was then.
    pub(crate) control_lag_us: AtomicU64,
    pub(crate) records_appended: AtomicU64,
    pub(crate) append_latency: Histogram,
    pub(crate) feedback_latency: Histogram,
}

impl HealthBoard {
    pub(crate) fn new(entries: &[Entry], now: Timestamp) -> Self {
        Self {
            started: now,
            components: entries.iter().map(|_| ComponentBoard::new(now)).collect(),
            supervisor: Arc::default(),
            loader: Arc::default(),
            monitor: Arc::default(),
            store_error: ArcSwapOption::empty(),
            watermark: AtomicI64::new(0),
            loader_beat_us: AtomicU64::new(0),
            control_beat_us: AtomicU64::new(0),
            control_lag_us: AtomicU64::new(0),
            records_appended: AtomicU64::new(0),
            append_latency: Histogram::default(),
            feedback_latency: Histogram::default(),
        }
    }

    pub(crate) fn watermark(&self) -> Seq {
        Seq(self.watermark.load(Ordering::Acquire))
    }

    pub(crate) fn raise_watermark(&self, watermark: Seq) {
        self.watermark.fetch_max(watermark.0, Ordering::AcqRel);
    }

    /// Notes how the store answered last. A refusal is not a failure of the store.
    pub(crate) fn store_answered(&self, error: Option<&StoreError>) {
        let broken = error.filter(|e| matches!(e, StoreError::Database(_) | StoreError::Closed));
        match broken {
            Some(error) => self.store_error.store(Some(Arc::new(error.to_string()))),
            None if self.store_error.load().is_some() => self.store_error.store(None),
            None => {}
        }
    }

    pub(crate) fn store_error(&self) -> Option<Arc<String>> {
        self.store_error.load_full()
    }
}
