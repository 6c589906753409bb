//! The decisions for one component: its queue, the one job in flight, deadlines, hangs, requeues.

use std::collections::VecDeque;
use std::time::Duration;

use super::signals::{CallId, CellAction, CellEvent, CellRules, Failure, JobId, JobKind, Status, Verdict};
use super::{End, Time};

/// Why a job was asked to stop. The first reason stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Deadline,
    Stalled,
    Operator,
    Unwanted,
    Held,
    Shutdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Fetches its data or waits for a slot: no limit but its callers'.
    Preparing,
    Computing {
        since: Time,
        ticks: u64,
        alive: Time,
    },
    Recording {
        end: End,
    },
}

#[derive(Debug)]
struct Job {
    kind: JobKind,
    callers: Vec<(CallId, Time)>,
    /// Wanted by the runtime, whether or not anybody waits.
    demanded: bool,
    attempts: u32,
}

impl Job {
    fn new(kind: JobKind) -> Self {
        Self { kind, callers: Vec::new(), demanded: false, attempts: 0 }
    }
}

#[derive(Debug)]
struct Flight {
    /// Names this launch: a job tried again flies under a new name, so a late word of the first try means nothing.
    id: JobId,
    job: Job,
    phase: Phase,
    /// Why it was asked to stop, and until when it may take to do so.
    stopping: Option<(Reason, Time)>,
}

/// The state of one component, as its actor sees it.
#[derive(Debug)]
pub struct Cell {
    rules: CellRules,
    status: Status,
    paused: bool,
    queue: VecDeque<Job>,
    flight: Option<Flight>,
    /// A start that waits for the job in flight to end.
    start_pending: bool,
    next_flight: u64,
}

impl Cell {
    /// A cell that waits to be started.
    #[must_use]
    pub fn new(rules: CellRules) -> Self {
        let (queue, flight) = (VecDeque::new(), None);
        Self { rules, status: Status::Down, paused: false, queue, flight, start_pending: false, next_flight: 0 }
    }

    /// What it is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether an operator paused it.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// The job in flight.
    #[must_use]
    pub fn in_flight(&self) -> Option<(JobId, JobKind)> {
        self.flight.as_ref().map(|flight| (flight.id, flight.job.kind))
    }

    /// Whether somebody waits for the job in flight.
    #[must_use]
    pub fn is_asked_for(&self) -> bool {
        self.flight.as_ref().is_some_and(|flight| !flight.job.callers.is_empty())
    }

    /// Whether a training run waits in the queue.
    #[must_use]
    pub fn has_training_queued(&self) -> bool {
        self.queue.iter().any(|job| job.kind == JobKind::Train)
    }

    /// Takes in what happened and says what to do, in this order.
    pub fn on(&mut self, event: CellEvent, now: Time) -> Vec<CellAction> {
        let mut actions = Vec::new();
        let out = &mut actions;
        match event {
            CellEvent::Start => self.start(now, out),
            CellEvent::Hold => self.hold(now, out),
            CellEvent::Quarantine => self.quarantine(now, out),
            CellEvent::Pause => {
                self.paused = true;
                self.ask_work_to_stop(Reason::Held, now, out);
            }
            CellEvent::Resume => self.paused = false,
            CellEvent::Submit(call, kind, deadline) => self.submit(call, kind, deadline, out),
            CellEvent::Demand => self.demand(),
            CellEvent::Cancel => self.ask_work_to_stop(Reason::Operator, now, out),
            CellEvent::Computing(job) => self.computing(job, now),
            CellEvent::Progress(job, ticks) => self.progress(job, ticks, now),
            CellEvent::Computed(job, end) => self.computed(job, end, out),
            CellEvent::Recorded(job, recorded) => self.recorded(job, recorded, out),
            CellEvent::Wake => self.wake(now, out),
            CellEvent::Drain => self.drain(now, out),
            CellEvent::Stop => self.ask_to_stop(Reason::Shutdown, now, out),
        }
        self.go_on(out);
        actions
    }

    /// When to call [`on`](Self::on) with [`CellEvent::Wake`] at the latest.
    #[must_use]
    pub fn next_wake(&self) -> Option<Time> {
        let calls = self.queue.iter().chain(self.flight.as_ref().map(|flight| &flight.job));
        let calls = calls.flat_map(|job| job.callers.iter().map(|(_, deadline)| *deadline)).min();
        let flight = self.flight.as_ref().and_then(|flight| match (flight.stopping, flight.phase) {
            (_, Phase::Recording { .. }) => None,
            (Some((_, until)), _) => Some(until),
            (None, Phase::Computing { since, alive, .. }) => {
                Some(since.saturating_add(self.budget(flight.job.kind)).min(alive.saturating_add(self.rules.stall)))
            }
            (None, Phase::Preparing) => None,
        });
        calls.into_iter().chain(flight).min()
    }

    fn budget(&self, kind: JobKind) -> Duration {
        match kind {
            JobKind::Start => self.rules.start,
            JobKind::Train => self.rules.train,
            JobKind::Probe => self.rules.probe,
        }
    }

    fn start(&mut self, now: Time, out: &mut Vec<CellAction>) {
        if matches!(self.status, Status::Draining | Status::Stopped) {
            return;
        }
        self.status = Status::Starting;
        self.start_pending = true;
        self.ask_to_stop(Reason::Held, now, out);
    }

    fn hold(&mut self, now: Time, out: &mut Vec<CellAction>) {
        if matches!(self.status, Status::Starting | Status::Up) {
            self.status = Status::Down;
            self.start_pending = false;
            self.ask_to_stop(Reason::Held, now, out);
        }
    }

    fn quarantine(&mut self, now: Time, out: &mut Vec<CellAction>) {
        if matches!(self.status, Status::Draining | Status::Stopped) {
            return;
        }
        self.status = Status::Quarantined;
        self.start_pending = false;
        self.refuse_queue(Verdict::Quarantined, out);
        self.ask_to_stop(Reason::Operator, now, out);
    }

    fn refuse_queue(&mut self, verdict: Verdict, out: &mut Vec<CellAction>) {
        for job in self.queue.drain(..) {
            reply_all(&job, verdict, out);
        }
    }

    fn submit(&mut self, call: CallId, kind: JobKind, deadline: Time, out: &mut Vec<CellAction>) {
        let refused = match self.status {
            Status::Quarantined => Some(Verdict::Quarantined),
            Status::Draining | Status::Stopped => Some(Verdict::ShuttingDown),
            _ if self.paused => Some(Verdict::Paused),
            _ => None,
        };
        if let Some(verdict) = refused {
            out.push(CellAction::Reply(call, verdict));
            return;
        }
        // The last one queued: a crashed run before it may have to be tried again first, and order is kept.
        if kind == JobKind::Train
            && let Some(queued) = self.queue.iter_mut().rfind(|job| job.kind == JobKind::Train)
        {
            queued.callers.push((call, deadline));
            return;
        }
        let mut job = Job::new(kind);
        job.callers.push((call, deadline));
        self.queue.push_back(job);
    }

    fn demand(&mut self) {
        if matches!(self.status, Status::Quarantined | Status::Draining | Status::Stopped) {
            return;
        }
        if let Some(queued) = self.queue.iter_mut().rfind(|job| job.kind == JobKind::Train) {
            queued.demanded = true;
            return;
        }
        let mut job = Job::new(JobKind::Train);
        job.demanded = true;
        self.queue.push_back(job);
    }

    /// The flight, if `job` is the one in it: anything else is a late word of a job that was given up.
    fn flight_of(&mut self, job: JobId) -> Option<&mut Flight> {
        self.flight.as_mut().filter(|flight| flight.id == job)
    }

    fn computing(&mut self, job: JobId, now: Time) {
        if let Some(flight) = self.flight_of(job)
            && flight.phase == Phase::Preparing
        {
            flight.phase = Phase::Computing { since: now, ticks: 0, alive: now };
        }
    }

    fn progress(&mut self, job: JobId, seen: u64, now: Time) {
        if let Some(flight) = self.flight_of(job)
            && let Phase::Computing { ticks, alive, .. } = &mut flight.phase
            && *ticks != seen
        {
            (*ticks, *alive) = (seen, now);
        }
    }

    fn computed(&mut self, job: JobId, end: End, out: &mut Vec<CellAction>) {
        let Some(flight) = self.flight_of(job) else { return };
        if matches!(flight.phase, Phase::Recording { .. }) {
            return;
        }
        flight.phase = Phase::Recording { end };
        // A job that was told to stop has not succeeded, however close it came.
        let keep = end == End::Succeeded && flight.stopping.is_none();
        out.push(CellAction::Record(job, keep));
    }

    fn recorded(&mut self, job: JobId, recorded: bool, out: &mut Vec<CellAction>) {
        if self.flight_of(job).is_none() {
            return;
        }
        let Some(flight) = self.flight.take() else { return };
        let end = match flight.phase {
            Phase::Recording { end: End::Succeeded } if !recorded => End::Failed,
            Phase::Recording { end } => end,
            // Its driver died without a word.
            Phase::Preparing | Phase::Computing { .. } => End::Crashed,
        };
        let reason = flight.stopping.map(|(reason, _)| reason);
        match end {
            End::Crashed => self.crashed(flight.job, Failure::Crash, reason, out),
            end => self.ended(flight.job, end, reason, out),
        }
    }

    /// A job ended without breaking anything.
    fn ended(&mut self, job: Job, end: End, reason: Option<Reason>, out: &mut Vec<CellAction>) {
        let verdict = match (reason, end) {
            (Some(Reason::Held), _) if job.kind != JobKind::Start => {
                self.queue.push_front(job);
                return;
            }
            (Some(Reason::Deadline | Reason::Stalled), _) | (None, End::OutOfTime) => Verdict::DeadlineExceeded,
            (Some(Reason::Operator), _) => self.refusal(),
            (Some(Reason::Shutdown), _) => Verdict::ShuttingDown,
            (Some(Reason::Unwanted | Reason::Held), _) | (None, _) => Verdict::Outcome,
        };
        reply_all(&job, verdict, out);
        let superseded = reason == Some(Reason::Held) || self.start_pending;
        if job.kind == JobKind::Start && !superseded && self.status == Status::Starting {
            if end == End::Succeeded && reason.is_none() {
                self.status = Status::Up;
                out.push(CellAction::ReportUp);
            } else {
                self.status = Status::Down;
                out.push(CellAction::ReportDown(Failure::Start));
            }
        }
    }

    fn refusal(&self) -> Verdict {
        if self.status == Status::Quarantined { Verdict::Quarantined } else { Verdict::Cancelled }
    }

    /// A job broke its component: try it again once the component is back, or give it up.
    fn crashed(&mut self, mut job: Job, failure: Failure, reason: Option<Reason>, out: &mut Vec<CellAction>) {
        job.attempts += 1;
        let attempts = job.attempts;
        match (job.kind, reason) {
            (JobKind::Start, _) => {}
            (_, Some(Reason::Shutdown)) => reply_all(&job, Verdict::ShuttingDown, out),
            (_, Some(Reason::Operator)) => reply_all(&job, self.refusal(), out),
            (_, Some(Reason::Deadline | Reason::Stalled)) => reply_all(&job, Verdict::DeadlineExceeded, out),
            (_, Some(Reason::Unwanted)) => {}
            (JobKind::Probe, _) => reply_all(&job, Verdict::Outcome, out),
            (JobKind::Train, _) if attempts >= self.rules.max_attempts => {
                reply_all(&job, Verdict::Poisoned(attempts), out);
            }
            (JobKind::Train, _) => self.queue.push_front(job),
        }
        if matches!(self.status, Status::Starting | Status::Up | Status::Down) {
            self.status = Status::Down;
            self.start_pending = false;
            out.push(CellAction::ReportDown(failure));
        }
    }

    /// Asks the job in flight to stop, unless it was asked already or is past stopping.
    fn ask_to_stop(&mut self, reason: Reason, now: Time, out: &mut Vec<CellAction>) {
        let grace = self.rules.grace;
        let Some(flight) = self.flight.as_mut() else { return };
        if matches!(flight.phase, Phase::Recording { .. }) {
            return;
        }
        match &mut flight.stopping {
            // A job held back is put into the queue again; a stronger wish overrules that.
            Some((held @ Reason::Held, _)) => *held = reason,
            Some(_) => {}
            stopping @ None => {
                *stopping = Some((reason, now.saturating_add(grace)));
                out.push(CellAction::Cancel(flight.id));
            }
        }
    }

    /// As [`ask_to_stop`](Self::ask_to_stop), but lets a start go on: it is the supervisor's.
    fn ask_work_to_stop(&mut self, reason: Reason, now: Time, out: &mut Vec<CellAction>) {
        if self.in_flight().is_some_and(|(_, kind)| kind != JobKind::Start) {
            self.ask_to_stop(reason, now, out);
        }
    }

    fn wake(&mut self, now: Time, out: &mut Vec<CellAction>) {
        for job in &mut self.queue {
            expire(job, now, out);
        }
        self.queue.retain(|job| job.demanded || !job.callers.is_empty());
        let Some(flight) = self.flight.as_mut() else { return };
        expire(&mut flight.job, now, out);
        let unwanted = flight.job.kind != JobKind::Start && !flight.job.demanded && flight.job.callers.is_empty();
        let kind = flight.job.kind;
        match (flight.phase, flight.stopping) {
            (Phase::Recording { .. }, _) => {}
            (_, Some((_, until))) if now >= until => self.abandon(out),
            (_, Some(_)) => {}
            (Phase::Computing { since, .. }, None) if now >= since.saturating_add(self.budget(kind)) => {
                self.ask_to_stop(Reason::Deadline, now, out);
            }
            (Phase::Computing { alive, .. }, None) if now >= alive.saturating_add(self.rules.stall) => {
                self.ask_to_stop(Reason::Stalled, now, out);
            }
            (_, None) if unwanted => self.ask_to_stop(Reason::Unwanted, now, out),
            (_, None) => {}
        }
    }

    fn abandon(&mut self, out: &mut Vec<CellAction>) {
        let Some(flight) = self.flight.take() else { return };
        out.push(CellAction::Abandon(flight.id));
        let reason = flight.stopping.map(|(reason, _)| reason);
        self.crashed(flight.job, Failure::Hang, reason, out);
    }

    fn drain(&mut self, now: Time, out: &mut Vec<CellAction>) {
        if matches!(self.status, Status::Draining | Status::Stopped) {
            return;
        }
        self.status = Status::Draining;
        self.start_pending = false;
        self.refuse_queue(Verdict::ShuttingDown, out);
        if self.in_flight().is_some_and(|(_, kind)| kind != JobKind::Train) {
            self.ask_to_stop(Reason::Shutdown, now, out);
        }
    }

    /// Whatever comes next on its own: stop, start, or the next job.
    fn go_on(&mut self, out: &mut Vec<CellAction>) {
        if self.flight.is_some() {
            return;
        }
        if self.status == Status::Draining {
            // A job that was held back when draining began came back into the queue.
            self.refuse_queue(Verdict::ShuttingDown, out);
            self.status = Status::Stopped;
            out.push(CellAction::ReportStopped);
            return;
        }
        if self.status == Status::Quarantined {
            self.refuse_queue(Verdict::Quarantined, out);
            return;
        }
        let job = if self.start_pending {
            self.start_pending = false;
            Job::new(JobKind::Start)
        } else if self.status == Status::Up && !self.paused {
            let Some(job) = self.queue.pop_front() else { return };
            job
        } else {
            return;
        };
        let id = JobId(self.next_flight);
        self.next_flight += 1;
        out.push(CellAction::Launch(id, job.kind));
        self.flight = Some(Flight { id, job, phase: Phase::Preparing, stopping: None });
    }
}

fn reply_all(job: &Job, verdict: Verdict, out: &mut Vec<CellAction>) {
    out.extend(job.callers.iter().map(|(call, _)| CellAction::Reply(*call, verdict)));
}

/// Answers the callers whose deadline has passed.
fn expire(job: &mut Job, now: Time, out: &mut Vec<CellAction>) {
    job.callers.retain(|(call, deadline)| {
        let waits = now < *deadline;
        if !waits {
            out.push(CellAction::Reply(*call, Verdict::DeadlineExceeded));
        }
        waits
    });
}

#[cfg(test)]
#[path = "cell_tests.rs"]
mod tests;
