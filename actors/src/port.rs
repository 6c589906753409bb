//! Admission to an actor. Its mailbox is in effect unbounded, so a call needs a permit to enter.
//!
//! The permit travels inside the message and is given back when the message is answered or dropped: what is
//! queued and what is running both count, and a restart of the actor leaks nothing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};

use crate::error::CallError;

/// Something an actor can be asked.
pub trait Ask: Send + 'static {
    /// What it answers.
    type Reply: Send + 'static;
}

/// A question on its way, with the right to be there and the way back.
pub struct Request<M: Ask> {
    /// The question.
    pub message: M,
    /// The way back.
    pub reply: Reply<M::Reply>,
}

impl<M: Ask> Message for Request<M> {
    type Result = ();
}

/// The way back to a caller. Dropping it tells the caller that no answer will come.
#[derive(Debug)]
pub struct Reply<T> {
    sender: oneshot::Sender<T>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl<T> Reply<T> {
    /// Answers. A caller that is gone is fine.
    pub fn send(self, value: T) {
        let _ = self.sender.send(value);
    }
}

/// The answer to come.
#[derive(Debug)]
pub struct Answer<T>(oneshot::Receiver<T>);

impl<T> Future for Answer<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|answer| answer.map_err(|_| CallError::Stopped))
    }
}

impl<T> Answer<T> {
    /// Waits for the answer, at most `deadline`. Needs a tokio timer.
    ///
    /// # Errors
    /// [`CallError::DeadlineExceeded`]; [`CallError::Stopped`] if the actor dropped the question.
    pub async fn within(self, deadline: Duration) -> Result<T, CallError> {
        tokio::time::timeout(deadline, self).await.unwrap_or(Err(CallError::DeadlineExceeded))
    }
}

/// The way into an actor.
pub struct Port<A: Actor> {
    address: Addr<A>,
    permits: Arc<Semaphore>,
    capacity: usize,
    retry_after_ms: u64,
}

impl<A: Actor> Clone for Port<A> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone(), permits: Arc::clone(&self.permits), ..*self }
    }
}

impl<A: Actor> Port<A> {
    /// A port that lets `capacity` calls in at a time and tells others to come back after `retry_after_ms`.
    #[must_use]
    pub fn new(address: Addr<A>, capacity: usize, retry_after_ms: u64) -> Self {
        Self { address, permits: Arc::new(Semaphore::new(capacity)), capacity, retry_after_ms }
    }

    /// Asks, if there is room.
    ///
    /// # Errors
    /// [`CallError::Busy`] if not; [`CallError::ShuttingDown`] once the port is closed.
    pub fn ask<M: Ask>(&self, message: M) -> Result<Answer<M::Reply>, CallError>
    where
        A: Handler<Request<M>>,
        A::Context: ToEnvelope<A, Request<M>>,
    {
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|refused| match refused {
            TryAcquireError::NoPermits => CallError::Busy { retry_after_ms: self.retry_after_ms },
            TryAcquireError::Closed => CallError::ShuttingDown,
        })?;
        Ok(self.send(message, Some(permit)))
    }

    /// Asks on the control lane, which is never full: for the few short messages that steer an actor.
    pub fn control<M: Ask>(&self, message: M) -> Answer<M::Reply>
    where
        A: Handler<Request<M>>,
        A::Context: ToEnvelope<A, Request<M>>,
    {
        self.send(message, None)
    }

    fn send<M: Ask>(&self, message: M, permit: Option<OwnedSemaphorePermit>) -> Answer<M::Reply>
    where
        A: Handler<Request<M>>,
        A::Context: ToEnvelope<A, Request<M>>,
    {
        let (sender, receiver) = oneshot::channel();
        self.address.do_send(Request { message, reply: Reply { sender, _permit: permit } });
        Answer(receiver)
    }

    /// The actor's address, for messages without an answer.
    #[must_use]
    pub fn address(&self) -> &Addr<A> {
        &self.address
    }

    /// Calls queued and running.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.capacity.saturating_sub(self.permits.available_permits())
    }

    /// Lets nobody in any more. Those inside are still answered.
    pub fn close(&self) {
        self.permits.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo {
        held: Vec<Reply<u32>>,
    }

    impl Actor for Echo {
        type Context = actix::Context<Self>;
    }

    struct Hold;
    impl Ask for Hold {
        type Reply = u32;
    }

    struct Release(u32);
    impl Ask for Release {
        type Reply = ();
    }

    impl Handler<Request<Hold>> for Echo {
        type Result = ();
        fn handle(&mut self, request: Request<Hold>, _: &mut Self::Context) {
            self.held.push(request.reply);
        }
    }

    impl Handler<Request<Release>> for Echo {
        type Result = ();
        fn handle(&mut self, request: Request<Release>, _: &mut Self::Context) {
            for held in self.held.drain(..) {
                held.send(request.message.0);
            }
            request.reply.send(());
        }
    }

    #[actix::test]
    async fn a_full_port_says_busy_and_the_control_lane_stays_open() {
        let port = Port::new(Echo { held: Vec::new() }.start(), 2, 7);
        let (first, second) = (port.ask(Hold).unwrap(), port.ask(Hold).unwrap());
        assert_eq!(port.ask(Hold).unwrap_err(), CallError::Busy { retry_after_ms: 7 });
        assert_eq!(port.depth(), 2);
        port.control(Release(9)).await.unwrap();
        assert_eq!((first.await, second.await), (Ok(9), Ok(9)));
        assert_eq!(port.depth(), 0);
        port.close();
        assert_eq!(port.ask(Hold).unwrap_err(), CallError::ShuttingDown);
    }

    #[actix::test]
    async fn a_late_answer_is_a_deadline_exceeded() {
        let port = Port::new(Echo { held: Vec::new() }.start(), 2, 7);
        let answer = port.ask(Hold).unwrap().within(Duration::from_millis(5)).await;
        assert_eq!(answer, Err(CallError::DeadlineExceeded));
        assert_eq!(port.depth(), 1, "the permit stays with the question until it is answered");
    }
}
