//! What the actors tell and ask each other.

use actix::Message;

use crate::error::CallError;
use crate::health::ProbeResult;
use crate::outcome::TrainOutcome;
use crate::policy::signals::JobId;
use crate::policy::{End, Time};
use crate::port::Ask;

/// Asks a component to train. Waits until the deadline, in the policies' time.
pub(crate) struct Train {
    pub(crate) deadline: Time,
}

impl Ask for Train {
    type Reply = Result<TrainOutcome, CallError>;
}

/// Asks a component to check its known answer.
pub(crate) struct Probe {
    pub(crate) deadline: Time,
}

impl Ask for Probe {
    type Reply = Result<ProbeResult, CallError>;
}

/// What an operator may tell a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operate {
    Pause,
    Resume,
    Cancel,
}

impl Ask for Operate {
    type Reply = ();
}

/// What the supervisor tells a component.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub(crate) enum Command {
    Start,
    /// It failed and will be started after a pause.
    Await {
        pause_ms: u64,
        failures: u32,
    },
    /// A producer is down.
    Hold,
    Quarantine {
        failures: u32,
    },
    Drain,
    Stop,
}

/// What a component tells the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Up,
    Down,
    Stopped { cancelled: usize, abandoned: usize },
}

/// A component's report.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct FromComponent {
    pub(crate) index: usize,
    pub(crate) report: Report,
}

/// Asks the supervisor to restart a component and forget its failures.
pub(crate) struct Restart {
    pub(crate) index: usize,
}

impl Ask for Restart {
    type Reply = ();
}

/// Asks the supervisor to stop all components; answered once they have stopped or had time enough.
pub(crate) struct StopAll;

impl Ask for StopAll {
    type Reply = Stopped;
}

/// How the components stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stopped {
    pub(crate) cancelled: usize,
    pub(crate) abandoned: usize,
    /// Components that did not report in time.
    pub(crate) silent: usize,
}

/// What a job tells its component.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct FromJob<T: Send + 'static> {
    pub(crate) job: JobId,
    pub(crate) word: Word<T>,
}

/// How far a job is.
pub(crate) enum Word<T> {
    /// It got its slot.
    Computing,
    /// It has computed.
    Computed(End),
    /// Its result, or failure, is recorded.
    Recorded(Box<T>),
    /// Its driver died.
    Lost,
}

/// Rows were committed.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct RowsAppended;

/// Another runtime committed a model of the component.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct NewerModel;

/// Ends an actor's timers before the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quiesce;

impl Ask for Quiesce {
    type Reply = ();
}
