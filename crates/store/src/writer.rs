//! The one thread that writes. It takes what waits, commits it in one transaction, and answers everybody.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use souffleur_core::store::{
    Append, Claim, Commit, CommitSender, Committed, Lease, Receipt, RunCommit, RunFailure, StoreError,
};
use souffleur_core::time::Timestamp;

use crate::database::{Database, Db};
use crate::settings::StoreSettings;

mod append;
pub(crate) mod erase;
pub(crate) mod errand;
pub(crate) mod group;
pub(crate) mod known_rules;
mod layout;
mod lease;
pub(crate) mod ledger;
pub(crate) mod runs;
pub(crate) mod versions;

/// A write on its way to the thread.
pub(crate) enum Request {
    /// Records to append.
    Append { records: Vec<Append>, now: Timestamp, reply: CommitSender<Vec<Receipt>> },
    /// A component's right to commit.
    Claim { claim: Claim, reply: CommitSender<Lease> },
    /// A run with its model.
    Commit { run: Box<RunCommit>, reply: CommitSender<Committed> },
    /// A run without one.
    Fail { failure: RunFailure, reply: CommitSender<()> },
    /// Something rarer.
    Errand(Box<dyn errand::Errand>),
}

impl Request {
    /// How much it counts against the limits: its records, or one.
    fn rows(&self) -> usize {
        match self {
            Self::Append { records, .. } => records.len().max(1),
            _ => 1,
        }
    }

    fn refuse(self, error: StoreError) {
        match self {
            Self::Append { reply, .. } => reply.complete(Err(error)),
            Self::Claim { reply, .. } => reply.complete(Err(error)),
            Self::Commit { reply, .. } => reply.complete(Err(error)),
            Self::Fail { reply, .. } => reply.complete(Err(error)),
            Self::Errand(errand) => errand.answer(Err(error)),
        }
    }
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Request>,
    rows: usize,
    closed: bool,
}

/// The bounded queue before the writer.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    settings: StoreSettings,
}

impl Queue {
    pub(crate) fn new(settings: StoreSettings) -> Self {
        Self { waiting: Mutex::default(), arrived: Condvar::new(), settings }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing under the lock can panic halfway; a poisoned lock holds a whole queue all the same.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a request in the queue and gives its answer's future.
    pub(crate) fn submit<T>(&self, request: impl FnOnce(CommitSender<T>) -> Request) -> Commit<T> {
        let (sender, commit) = Commit::channel();
        let request = request(sender);
        let rows = request.rows();
        let mut waiting = self.lock();
        let refusal = if waiting.closed {
            Some(StoreError::Closed)
        } else if waiting.requests.len() >= self.settings.queue_capacity.max(1)
            || (waiting.rows > 0 && waiting.rows.saturating_add(rows) > self.settings.queue_rows)
        {
            Some(StoreError::Busy { retry_after_ms: self.settings.retry_after_ms })
        } else {
            waiting.rows += rows;
            waiting.requests.push_back(request);
            self.arrived.notify_one();
            return commit;
        };
        drop(waiting);
        if let Some(error) = refusal {
            request.refuse(error);
        }
        commit
    }

    /// Lets no more in. What waits is still written.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Waits for requests and takes as many as fit in a transaction; `None` once closed and empty.
    fn take(&self) -> Option<Vec<Request>> {
        let mut waiting = self.lock();
        while waiting.requests.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let (mut taken, mut rows) = (Vec::new(), 0);
        while rows < self.settings.group_commit_rows.max(1)
            && let Some(request) = waiting.requests.pop_front()
        {
            rows += request.rows();
            taken.push(request);
        }
        waiting.rows = waiting.rows.saturating_sub(rows);
        Some(taken)
    }
}

/// Closes the queue when the writer ends, however it ends: what still waits is dropped, and so answered `Closed`.
struct Ending<'q>(&'q Queue);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.closed = true;
        let left = std::mem::take(&mut waiting.requests);
        drop(waiting);
        for request in left {
            request.refuse(StoreError::Closed);
        }
    }
}

/// The writer's thread: serves the queue until it is closed and empty.
///
/// A panic while writing is answered as an error of the database; the transaction is undone and the thread goes on.
pub(crate) fn serve<D: Database>(
    queue: &Queue,
    database: &D,
    appends: &mut D::Appends,
    runs: Db,
    ready: impl FnOnce(Result<(), StoreError>),
) {
    let _ending = Ending(queue);
    let mut appender = match database.ledger(appends) {
        Ok(ledger) => append::Appender::new(ledger),
        Err(error) => return ready(Err(error)),
    };
    let mut runs = runs::Registrar { database, connection: runs };
    ready(Ok(()));
    while let Some(requests) = queue.take() {
        let mut appends = Vec::new();
        for request in requests {
            match request {
                Request::Append { records, now, reply } => appends.push(group::Pending { records, now, reply }),
                other => {
                    group::commit(&mut appender, std::mem::take(&mut appends));
                    runs.decide(other);
                }
            }
        }
        group::commit(&mut appender, appends);
    }
}

/// Turns a panic into an error of the database.
fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "without a text".into());
        tracing::error!(panic = %text, "the store's writer panicked; the request was undone");
        Err(StoreError::Database(format!("the writer panicked: {text}; nothing of the request was kept")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(queue: &Queue) -> Commit<Vec<Receipt>> {
        queue.submit(|reply| Request::Append { records: Vec::new(), now: Timestamp(0), reply })
    }

    #[test]
    fn a_panic_is_an_error_that_quotes_it() {
        let error = guarded::<()>(|| panic!("string {}", 7)).unwrap_err();
        assert!(error.to_string().contains("string 7"), "{error}");
        assert_eq!(guarded(|| Ok(3)), Ok(3));
    }

    #[test]
    fn a_writer_that_dies_answers_what_waits() {
        let queue = Queue::new(StoreSettings::default());
        let waiting = request(&queue);
        let died = catch_unwind(AssertUnwindSafe(|| {
            let _ending = Ending(&queue);
            panic!("out of tune");
        }));
        assert!(died.is_err());
        assert_eq!(waiting.wait(), Err(StoreError::Closed));
        assert_eq!(request(&queue).wait(), Err(StoreError::Closed));
    }

    #[test]
    fn a_transaction_takes_no_more_than_its_share() {
        let queue = Queue::new(StoreSettings { group_commit_rows: 3, ..StoreSettings::default() });
        let _waiting: Vec<_> = (0..5).map(|_| request(&queue)).collect();
        assert_eq!(queue.take().unwrap().len(), 3);
        queue.close();
        assert_eq!(queue.take().unwrap().len(), 2);
        assert!(queue.take().is_none());
    }
}
