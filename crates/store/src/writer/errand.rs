//! Rare writes: each is one transaction of its own, and perhaps something to do after it.

use souffleur_core::store::{Commit, CommitSender, StoreError};

use super::runs::Stop;
use super::{Queue, Request};
use crate::database::Db;

/// What a transaction knows beside its connection.
#[derive(Clone, Copy)]
pub(crate) struct Site {
    /// Who this store is among those that share the database.
    pub(crate) holder: Option<i64>,
}

/// A rare write on its way to the thread.
pub(crate) trait Errand: Send {
    /// Does it, inside a transaction.
    fn run(&mut self, connection: &mut Db, site: Site) -> Result<(), Stop>;

    /// What is to be done once it is committed, outside of any transaction.
    fn after(&mut self, connection: &mut Db);

    /// Tells whoever waits how it went.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Task<T, W, A> {
    work: Option<W>,
    after: Option<A>,
    found: Option<T>,
    reply: CommitSender<T>,
}

impl<T, W, A> Errand for Task<T, W, A>
where
    T: Send + 'static,
    W: FnOnce(&mut Db, Site) -> Result<T, Stop> + Send,
    A: FnOnce(&mut Db, &mut T) + Send,
{
    fn run(&mut self, connection: &mut Db, site: Site) -> Result<(), Stop> {
        let work = self.work.take().ok_or(StoreError::Closed)?;
        self.found = Some(work(connection, site)?);
        Ok(())
    }

    fn after(&mut self, connection: &mut Db) {
        if let (Some(after), Some(found)) = (self.after.take(), &mut self.found) {
            after(connection, found);
        }
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { found, reply, .. } = *self;
        reply.complete(outcome.and_then(|()| found.ok_or(StoreError::Closed)));
    }
}

impl Queue {
    /// Puts a rare write in the queue.
    pub(crate) fn errand<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db, Site) -> Result<T, Stop> + Send + 'static,
    ) -> Commit<T> {
        self.errand_then(work, |_, _| {})
    }

    /// Puts a rare write in the queue, and what is to be done once it is committed.
    pub(crate) fn errand_then<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db, Site) -> Result<T, Stop> + Send + 'static,
        after: impl FnOnce(&mut Db, &mut T) + Send + 'static,
    ) -> Commit<T> {
        self.submit(|reply| {
            Request::Errand(Box::new(Task { work: Some(work), after: Some(after), found: None, reply }))
        })
    }
}
