//! What the actor writes on the board and tells listeners.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use souffleur_core::error::ComponentError;
use souffleur_core::job::Interrupted;
use souffleur_core::store::StoreError;

use super::{ComponentActor, Standing};
use crate::environment::Environment;
use crate::error::CallError;
use crate::events::RuntimeEvent;
use crate::health::board::ComponentBoard;
use crate::health::{ProbeResult, State};
use crate::messages::Report;
use crate::policy::signals::{Failure, JobKind, Status};

/// Writes down what a probe said.
pub(super) fn note_probe(board: &ComponentBoard, result: ProbeResult) {
    let counter = if result.passed { &board.probes_passed } else { &board.probes_failed };
    counter.fetch_add(1, Ordering::Relaxed);
    board.probe.store(Some(Arc::new(result)));
}

/// Whether a run came to nothing because another runtime did it, or is doing it: that is no failure.
pub(super) fn is_elsewhere(error: &CallError) -> bool {
    matches!(error, CallError::Store(StoreError::Held { .. } | StoreError::NotDue { .. }))
}

/// Writes down that a job came to nothing.
pub(super) fn note_failure(env: &Environment, board: &ComponentBoard, kind: JobKind, error: &CallError) {
    let cancelled = *error == CallError::Component(ComponentError::Interrupted(Interrupted::Cancelled));
    match kind {
        JobKind::Start => {}
        JobKind::Train if is_elsewhere(error) => {}
        JobKind::Train if cancelled => {
            board.runs_cancelled.fetch_add(1, Ordering::Relaxed);
        }
        JobKind::Train => {
            board.runs_failed.fetch_add(1, Ordering::Relaxed);
            board.last_failure.store(Some(Arc::new(error.to_string())));
        }
        // A probe that was put off says nothing about the component.
        JobKind::Probe if cancelled => {}
        JobKind::Probe => {
            let reason = Some(error.to_string());
            note_probe(board, ProbeResult { passed: false, reason, at: env.clock.now(), duration_ms: 0.0 });
        }
    }
}

impl ComponentActor {
    pub(super) fn report_down(&mut self, failure: Failure) {
        if self.last_failure.is_empty() {
            let words = match failure {
                Failure::Start => "it could not start",
                Failure::Crash => "a job crashed",
                Failure::Hang => "a job hung",
            };
            words.clone_into(&mut self.last_failure);
        }
        tracing::warn!(component = %self.identity.name, why = self.last_failure, "a component failed");
        self.tell_supervisor(Report::Down);
    }

    pub(super) fn note_failures(&self, failures: u32, restart: bool) {
        self.board().failures_in_window.store(failures, Ordering::Relaxed);
        self.board().restarts.fetch_add(u64::from(restart), Ordering::Relaxed);
    }

    pub(super) fn emit_progress(&self, (done, total): (u64, u64)) {
        let component = Arc::clone(&self.identity.name);
        self.env.emit(RuntimeEvent::JobProgress { component, done, total });
    }

    /// Shows the component's state on the board; tells listeners if it is a new one.
    pub(super) fn show(&self) {
        let (state, reason) = self.state();
        let at = self.env.clock.now();
        if let Some(from) = self.board().set_state(state, reason.clone(), at) {
            let component = Arc::clone(&self.identity.name);
            self.env.emit(RuntimeEvent::StateChanged { component, from, to: state, reason, at });
        }
    }

    fn state(&self) -> (State, String) {
        let in_flight = self.cell.in_flight().is_some_and(|(_, kind)| kind == JobKind::Train);
        // Until it has its data and a slot, a run is work to come.
        let training = in_flight && self.board().job.load().is_some();
        match (self.cell.status(), &self.standing) {
            (Status::Stopped, _) => (State::Stopped, "stopped".to_owned()),
            (Status::Draining, _) if in_flight => (State::Training, "finishes its run before it stops".to_owned()),
            (Status::Draining, _) => (State::Stopped, "stopping".to_owned()),
            (Status::Quarantined, Standing::Quarantined { why }) => {
                (State::Quarantined, format!("failed too often, last: {why}"))
            }
            (Status::Quarantined, _) => (State::Quarantined, "failed too often".to_owned()),
            (Status::Starting, _) => (State::Starting, "reads its parameters and its last model".to_owned()),
            (_, Standing::Restarting { why, pause_ms }) => {
                (State::Restarting, format!("{why}; starts again after a pause of {pause_ms} ms"))
            }
            (Status::Down, Standing::Held) => (State::Paused, "waits for a producer to come back".to_owned()),
            (Status::Down, Standing::New) => (State::Starting, "waits to be started".to_owned()),
            (Status::Down, _) => (State::Restarting, self.last_failure.clone()),
            (Status::Up, _) if training => (State::Training, "training".to_owned()),
            (Status::Up, _) if self.cell.is_paused() => (State::Paused, "paused by an operator".to_owned()),
            (Status::Up, _) => match self.degraded() {
                Some(reason) => (State::Degraded, reason),
                None if in_flight => (State::Ready, "its run waits for data or for a slot".to_owned()),
                None => (State::Ready, "ready".to_owned()),
            },
        }
    }

    /// What is wrong with a component that works.
    fn degraded(&self) -> Option<String> {
        let board = self.board();
        if let Some(flaw) = board.flaw.load().as_deref() {
            return Some(flaw.clone());
        }
        let probe = board.probe.load();
        let probe = probe.as_ref().filter(|probe| !probe.passed)?;
        Some(format!("its probe failed: {}", probe.reason.as_deref().unwrap_or("no reason given")))
    }
}
