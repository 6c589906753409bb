//! What a cell is told and what it says: the events, actions and words of [`super::cell`].

use std::time::Duration;

use super::{End, Time};

/// Names an accepted call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// Names a job; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Reads parameters and the last model.
    Start,
    /// Trains.
    Train,
    /// Checks the known answer.
    Probe,
}

/// The limits a cell keeps.
#[derive(Clone, Copy, Debug)]
pub struct CellRules {
    /// Longest a start may compute.
    pub start: Duration,
    /// Longest a training run may compute.
    pub train: Duration,
    /// Longest a probe may compute.
    pub probe: Duration,
    /// Longest time without a sign of life while computing.
    pub stall: Duration,
    /// Time between asking a job to stop and giving it up.
    pub grace: Duration,
    /// Times a job is tried.
    pub max_attempts: u32,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellEvent {
    /// The supervisor wants it started, or started anew.
    Start,
    /// The supervisor wants it to wait for a producer.
    Hold,
    /// The supervisor gives it up.
    Quarantine,
    /// An operator pauses it.
    Pause,
    /// An operator resumes it.
    Resume,
    /// A caller wants a job done, and waits until a deadline.
    Submit(CallId, JobKind, Time),
    /// The runtime itself wants it trained.
    Demand,
    /// An operator cancels what runs.
    Cancel,
    /// The job in flight got its slot.
    Computing(JobId),
    /// The job's count of signs of life.
    Progress(JobId, u64),
    /// The job has computed; its result, if any, is not recorded yet.
    Computed(JobId, End),
    /// The job's result, or failure, is recorded. `true` if nothing went wrong with that.
    Recorded(JobId, bool),
    /// Time passed.
    Wake,
    /// Take no more work, finish what runs.
    Drain,
    /// Cancel what runs, for good.
    Stop,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellAction {
    /// Let this job run.
    Launch(JobId, JobKind),
    /// Ask it to stop.
    Cancel(JobId),
    /// Give its thread up.
    Abandon(JobId),
    /// Record its result (`true`), or that it came to nothing.
    Record(JobId, bool),
    /// Answer a call.
    Reply(CallId, Verdict),
    /// Tell the supervisor that it is ready.
    ReportUp,
    /// Tell the supervisor that it failed.
    ReportDown(Failure),
    /// Tell the supervisor that it has stopped for good.
    ReportStopped,
}

/// Why a cell is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It could not start.
    Start,
    /// A job crashed.
    Crash,
    /// A job would not stop when asked to.
    Hang,
}

/// What a caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What the job itself came to.
    Outcome,
    /// Too late.
    DeadlineExceeded,
    /// Cancelled by an operator.
    Cancelled,
    /// It crashed every time it was tried.
    Poisoned(u32),
    /// The cell was given up.
    Quarantined,
    /// The cell is paused.
    Paused,
    /// The cell takes no more work.
    ShuttingDown,
}

/// What a cell is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Waits for the supervisor to start it.
    Down,
    /// Starts.
    Starting,
    /// Works.
    Up,
    /// Was given up.
    Quarantined,
    /// Finishes what runs.
    Draining,
    /// Has stopped for good.
    Stopped,
}
