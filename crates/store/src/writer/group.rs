//! Group commit: many requests, one transaction, each in a savepoint of its own.

use souffleur_core::store::{Append, CommitSender, Receipt, StoreError};
use souffleur_core::time::Timestamp;

use super::append::Appender;
use super::guarded;
use super::ledger::Ledger;

/// An append that waits for its commit.
pub(crate) struct Pending {
    pub(crate) records: Vec<Append>,
    pub(super) now: Timestamp,
    pub(super) reply: CommitSender<Vec<Receipt>>,
}

type Outcome = Result<Vec<Receipt>, StoreError>;

/// Commits the requests and answers them.
///
/// A request that fails is undone alone. Where the whole transaction fails (a full disk, a lock held elsewhere), each
/// request is tried once more in a transaction of its own, so that a small one may still fit.
pub(super) fn commit(appender: &mut Appender<impl Ledger>, pending: Vec<Pending>) {
    if pending.is_empty() {
        return;
    }
    let outcomes = match transaction(appender, &pending) {
        Ok(outcomes) => outcomes,
        // Every request would wait for the same lock again.
        Err(Failure::Begin(error)) => pending.iter().map(|_| Err(error.clone())).collect(),
        Err(Failure::Work(error)) if pending.len() == 1 => vec![Err(error)],
        Err(Failure::Work(_)) => pending.iter().map(|one| alone(appender, one)).collect(),
    };
    for (one, outcome) in pending.into_iter().zip(outcomes) {
        one.reply.complete(outcome);
    }
}

/// Why a transaction kept nothing.
enum Failure {
    /// It could not begin.
    Begin(StoreError),
    /// It began, and failed.
    Work(StoreError),
}

fn alone(appender: &mut Appender<impl Ledger>, one: &Pending) -> Outcome {
    match transaction(appender, std::slice::from_ref(one)) {
        Ok(mut outcomes) => outcomes.pop().unwrap_or(Err(StoreError::Closed)),
        Err(Failure::Begin(error) | Failure::Work(error)) => Err(error),
    }
}

/// Runs the requests in one transaction.
fn transaction(appender: &mut Appender<impl Ledger>, pending: &[Pending]) -> Result<Vec<Outcome>, Failure> {
    loop {
        if let Some(outcomes) = attempt(appender, pending)? {
            return Ok(outcomes);
        }
    }
}

/// Tries to; `None` if it must be tried again, which a ledger asks for once.
fn attempt(appender: &mut Appender<impl Ledger>, pending: &[Pending]) -> Result<Option<Vec<Outcome>>, Failure> {
    guarded(|| appender.begin(pending)).map_err(|error| {
        appender.rollback();
        Failure::Begin(error)
    })?;
    let result = guarded(|| {
        let mut outcomes = Vec::with_capacity(pending.len());
        for one in pending {
            outcomes.push(appender.savepoint(&one.records, one.now, pending.len() > 1)?);
        }
        Ok(appender.commit()?.then_some(outcomes))
    });
    result.map_err(|error| {
        appender.rollback();
        Failure::Work(error)
    })
}
