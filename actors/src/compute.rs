//! Where long work runs: never on the thread of a mailbox.

use crate::error::CallError;
use crate::outcome::SlotUsage;

/// Names one piece of submitted work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub u64);

/// A piece of work: told when it gets a slot, then run on it.
pub struct Work {
    /// Called on the slot right before the work.
    pub started: Box<dyn FnOnce() + Send>,
    /// The work.
    pub run: Box<dyn FnOnce() + Send>,
}

/// Bounded slots for work. A panic in the work stays in its slot; whoever waits for the work learns of it by a
/// dropped sender.
pub trait Compute: Send + Sync + 'static {
    /// Queues work for the next free slot.
    ///
    /// # Errors
    /// [`CallError::Busy`] if the queue is full, [`CallError::ShuttingDown`] once closed.
    fn submit(&self, work: Work) -> Result<TaskId, CallError>;

    /// Takes work out of the queue; `false` if it is not there (any more).
    fn withdraw(&self, task: TaskId) -> bool;

    /// Gives up the slot of work that would not stop and opens a new one in its place, as long as not too many
    /// were given up. `false` if the slot is lost until the work returns.
    fn abandon(&self, task: TaskId) -> bool;

    /// How the slots are used.
    fn usage(&self) -> SlotUsage;

    /// Takes no more work and drops what is queued. Does not wait for what runs.
    fn close(&self);
}
